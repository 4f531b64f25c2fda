//===- ProgramCache.cpp - Compiled programs, by what they were made of ----===//
#include "ProgramCache.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::codegen::cuda {

/// Magic, bytes of the log (8, little endian), SHA-256 of what follows; then the log and the code.
static constexpr llvm::StringLiteral magic = "TNCUBIN1";
static constexpr size_t headerBytes = 8 + 8 + 32;

static std::string digest(llvm::StringRef bytes) {
  llvm::SHA256 hash;
  hash.update(bytes);
  auto result = hash.final();
  return std::string(result.begin(), result.end());
}

ProgramCache::ProgramCache(llvm::StringRef named) : folder(named == "-" ? "" : named) {
  if (!named.empty())
    return;
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache)
    folder = std::string(cache) + "/tenon/cuda";
  else if (home && *home)
    folder = std::string(home) + "/.cache/tenon/cuda";
}

std::string ProgramCache::key(llvm::ArrayRef<llvm::StringRef> parts) {
  llvm::SHA256 hash;
  for (llvm::StringRef part : parts) {
    char size[8];
    llvm::support::endian::write64le(size, part.size());
    hash.update(llvm::StringRef(size, 8));
    hash.update(part);
  }
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

std::string ProgramCache::path(const std::string &key) const { return folder + "/" + key.substr(0, 2) + "/" + key; }

bool ProgramCache::load(const std::string &key, ProgramResult &result) const {
  if (folder.empty())
    return false;
  auto file = llvm::MemoryBuffer::getFile(path(key), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file || (*file)->getBufferSize() < headerBytes)
    return false;
  llvm::StringRef bytes = (*file)->getBuffer(), content = bytes.drop_front(headerBytes);
  uint64_t logSize = llvm::support::endian::read64le(bytes.data() + 8);
  if (!bytes.starts_with(magic) || logSize > content.size() || bytes.substr(16, 32) != digest(content))
    return false;
  result.log = content.take_front(logSize).str();
  llvm::StringRef code = content.drop_front(logSize);
  result.code.assign(code.begin(), code.end());
  return result.ok = !code.empty();
}

void ProgramCache::store(const std::string &key, const ProgramResult &result) const {
  if (folder.empty())
    return;
  std::string target = path(key), content = result.log + std::string(result.code.begin(), result.code.end());
  if (llvm::sys::fs::create_directories(llvm::sys::path::parent_path(target)))
    return;
  llvm::SmallString<256> temporary;
  int file;
  if (llvm::sys::fs::createUniqueFile(target + ".%%%%%%", file, temporary))
    return;
  char size[8];
  llvm::support::endian::write64le(size, result.log.size());
  llvm::raw_fd_ostream os(file, /*shouldClose=*/true);
  os << magic << llvm::StringRef(size, 8) << digest(content) << content;
  os.close();
  bool isWritten = !os.has_error();
  os.clear_error();
  if (!isWritten || llvm::sys::fs::rename(temporary, target))
    llvm::sys::fs::remove(temporary);
}

} // namespace tenon::codegen::cuda
