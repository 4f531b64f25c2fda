//===- LinkKernels.cpp - Object files to one shared object ----------------===//
#include "LinkKernels.h"

#include "lld/Common/Driver.h"
#include "tenon/Runtime/CpuKernel.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace tenon::codegen {
namespace {

Error writeFile(StringRef path, ArrayRef<char> bytes) {
  std::error_code code;
  raw_fd_ostream stream(path, code, sys::fs::CD_CreateNew);
  if (code)
    return createStringError(code, "cannot write " + path);
  stream.write(bytes.data(), bytes.size());
  stream.close();
  if (stream.has_error()) {
    code = stream.error();
    stream.clear_error();
    return createStringError(code, "cannot write " + path);
  }
  return Error::success();
}

Error runLinker(ArrayRef<std::string> inputs, const std::string &output) {
  SmallVector<const char *> args = {"ld.lld",          "-shared",     "-Bsymbolic",    "--hash-style=sysv",
                                    "--build-id=none", "--strip-all", "--threads=1",   "-z",
                                    "noexecstack",     "-z",          "separate-code", "-o",
                                    output.c_str()};
  for (const std::string &input : inputs)
    args.push_back(input.c_str());
  // lld keeps its state in globals.
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  std::string log;
  raw_string_ostream stream(log);
  lld::Result result = lld::lldMain(args, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return createStringError("the linker failed: " + log);
  return Error::success();
}

} // namespace

Expected<std::vector<char>> linkKernels(ArrayRef<SmallVector<char, 0>> objects) {
  SmallString<128> directory;
  if (std::error_code code = sys::fs::createUniqueDirectory("tenon-link", directory))
    return createStringError(code, "cannot create a temporary directory");
  scope_exit cleanUp([&] { sys::fs::remove_directories(directory); });
  auto pathOf = [&](const Twine &name) {
    SmallString<128> path(directory);
    sys::path::append(path, name);
    return std::string(path);
  };
  std::vector<std::string> inputs;
  for (auto [i, object] : enumerate(objects)) {
    inputs.push_back(pathOf(Twine(i) + ".o"));
    if (Error error = writeFile(inputs.back(), object))
      return error;
  }
  const std::string output = pathOf("kernels.so");
  if (Error error = runLinker(inputs, output))
    return error;
  auto linked = MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!linked)
    return createStringError(linked.getError(), "cannot read the linked object");
  return std::vector<char>((*linked)->getBufferStart(), (*linked)->getBufferEnd());
}

Error lintKernels(ArrayRef<char> object) {
  auto file = object::ELFObjectFile<object::ELF64LE>::create(
      MemoryBufferRef(StringRef(object.data(), object.size()), "kernels"));
  if (!file)
    return file.takeError();
  for (const object::ELFSymbolRef &symbol : file->getDynamicSymbolIterators()) {
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    Expected<uint32_t> flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    const bool isImport = *flags & object::SymbolRef::SF_Undefined;
    const bool isKnown =
        is_contained({"memset", "memcpy", "memmove"}, *name) || is_contained(libraryFunctions, std::string_view(*name));
    if (isImport && !name->empty() && !isKnown)
      return createStringError("a kernel calls " + *name);
  }
  for (const object::ELFSectionRef section : file->sections())
    if (section.getType() == ELF::SHT_INIT_ARRAY || section.getType() == ELF::SHT_FINI_ARRAY ||
        (section.getFlags() & ELF::SHF_TLS))
      return createStringError("a kernel has constructors or thread-local storage");
  auto entries = file->getELFFile().dynamicEntries();
  if (!entries)
    return entries.takeError();
  for (const auto &entry : *entries)
    if (entry.getTag() == ELF::DT_NEEDED)
      return createStringError("the kernels need a library");
  return Error::success();
}

} // namespace tenon::codegen
