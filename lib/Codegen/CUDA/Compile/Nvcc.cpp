//===- Nvcc.cpp - nvcc, where there is no NVRTC ---------------------------===//
#include "ProgramCompiler.h"

#include "tenon/Runtime/DeviceHeaders.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::codegen::cuda {
namespace {

std::string readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

class Nvcc : public ProgramCompiler {
public:
  explicit Nvcc(std::string path) : path(std::move(path)) {}

  std::string describe() const override { return "nvcc, " + path; }

  ProgramResult compile(const std::string &source, const std::string &arch,
                        llvm::ArrayRef<std::string> options) const override {
    llvm::SmallString<128> folder;
    if (llvm::sys::fs::createUniqueDirectory("tenon-nvcc", folder))
      return {false, {}, "cannot create a temporary folder"};
    ProgramResult result = compileIn(folder.str().str(), source, arch, options);
    llvm::sys::fs::remove_directories(folder);
    return result;
  }

private:
  ProgramResult compileIn(const std::string &folder, const std::string &source, const std::string &arch,
                          llvm::ArrayRef<std::string> options) const {
    if (std::string error = writeDeviceHeaders(folder); !error.empty())
      return {false, {}, error};
    std::string input = folder + "/kernels.cu", output = folder + "/code", log = folder + "/log";
    std::error_code ec;
    llvm::raw_fd_ostream(input, ec) << source;
    bool isPtx = llvm::StringRef(arch).starts_with("compute_");
    std::vector<std::string> words = {path,  isPtx ? "--ptx" : "--cubin", "-arch=" + arch, "-I" + folder, input, "-o",
                                      output};
    words.insert(words.end(), options.begin(), options.end());
    llvm::SmallVector<llvm::StringRef> arguments(words.begin(), words.end());
    std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(), llvm::StringRef(log), llvm::StringRef(log)};
    int status = llvm::sys::ExecuteAndWait(path, arguments, std::nullopt, redirects);
    ProgramResult result{status == 0, {}, readFile(log)};
    std::string code = readFile(output);
    result.code.assign(code.begin(), code.end());
    if (isPtx)
      result.code.push_back('\0');
    result.ok &= !code.empty();
    return result;
  }

  std::string path;
};

} // namespace

std::unique_ptr<ProgramCompiler> findNvcc(std::string &searched) {
  std::vector<llvm::StringRef> folders;
  std::vector<std::string> toolkits = toolkitFolders();
  for (std::string &folder : toolkits) {
    folder += "/bin";
    folders.push_back(folder);
  }
  for (auto where : {llvm::ArrayRef<llvm::StringRef>(), llvm::ArrayRef<llvm::StringRef>(folders)})
    if (auto path = llvm::sys::findProgramByName("nvcc", where))
      return std::make_unique<Nvcc>(*path);
  searched += ", nvcc";
  return nullptr;
}

} // namespace tenon::codegen::cuda
