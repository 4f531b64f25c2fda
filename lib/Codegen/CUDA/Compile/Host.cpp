//===- Host.cpp - The host's compiler, for the virtual GPU ----------------===//
#include "ProgramCompiler.h"

#include "tenon/Runtime/DeviceHeaders.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

namespace tenon::codegen::cuda {
namespace {

class HostCompiler final : public ProgramCompiler {
public:
  HostCompiler(std::string path, std::string version) : path(std::move(path)), version(std::move(version)) {}

  ProgramResult compile(const std::string &source, const std::string &, llvm::ArrayRef<std::string>) const override {
    ProgramResult result;
    result.log = vgpu::compileForHost(source, result.code);
    result.ok = result.log.empty();
    return result;
  }
  std::string describe() const override { return path + ", " + version; }

private:
  std::string path, version;
};

/// The first line that `compiler --version` prints; empty if it cannot be run.
std::string getVersion(const std::string &compiler) {
  llvm::SmallString<128> file;
  if (llvm::sys::fs::createTemporaryFile("tenon-version", "txt", file))
    return {};
  llvm::FileRemover remover(file);
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), llvm::StringRef(file), llvm::StringRef("")};
  auto program = llvm::sys::findProgramByName(compiler);
  if (!program || llvm::sys::ExecuteAndWait(*program, {compiler, "--version"}, std::nullopt, redirects) != 0)
    return {};
  auto text = llvm::MemoryBuffer::getFile(file);
  return text ? (*text)->getBuffer().split('\n').first.str() : std::string();
}

} // namespace

std::unique_ptr<ProgramCompiler> findHostCompiler(std::string &searched) {
  std::string path = vgpu::findHostCompiler();
  std::string version = path.empty() ? "" : getVersion(path);
  if (!version.empty())
    return std::make_unique<HostCompiler>(std::move(path), std::move(version));
  searched += path.empty() ? "$TENON_HOST_CXX, clang++-22, clang++, g++" : path;
  return nullptr;
}

} // namespace tenon::codegen::cuda
