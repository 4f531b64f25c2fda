//===- CodeObject.cpp - Loading a compiled code object --------------------===//
//
// Follows the ELF gABI, chapters 4 and 5, for what linkers write for one self-contained shared object. Every number
// read from the image is checked before it is used.
//
//===----------------------------------------------------------------------===//
#include "CodeObject.h"

#include "Functions/Functions.h"

#include "tenon/Plan/Checked.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <elf.h>
#include <sys/mman.h>

namespace tenon::runtime {

namespace {

constexpr uint64_t page = 4096;
constexpr uint64_t maxSpan = uint64_t(1) << 30;

#if defined(__aarch64__)
constexpr uint16_t nativeMachine = EM_AARCH64;
constexpr uint32_t relocRelative = R_AARCH64_RELATIVE, relocGlobDat = R_AARCH64_GLOB_DAT;
constexpr uint32_t relocJumpSlot = R_AARCH64_JUMP_SLOT, relocAbsolute = R_AARCH64_ABS64;
#else
constexpr uint16_t nativeMachine = EM_X86_64;
constexpr uint32_t relocRelative = R_X86_64_RELATIVE, relocGlobDat = R_X86_64_GLOB_DAT;
constexpr uint32_t relocJumpSlot = R_X86_64_JUMP_SLOT, relocAbsolute = R_X86_64_64;
#endif

Status invalid(std::string why) { return Status::error("TN6017", "code object: " + std::move(why)); }
Status forbidden(std::string why) { return Status::error("TN6018", "code object: " + std::move(why)); }

/// The functions that kernels may call, or null.
void *importedFunction(std::string_view name) {
  if (name == "memcpy")
    return reinterpret_cast<void *>(&std::memcpy);
  if (name == "memset")
    return reinterpret_cast<void *>(&std::memset);
  if (name == "memmove")
    return reinterpret_cast<void *>(&std::memmove);
  return reinterpret_cast<void *>(findLibraryFunction(name));
}

} // namespace

/// The steps of one load.
class CodeObjectLoader {
public:
  CodeObjectLoader(std::span<const uint8_t> image, CodeObject &object) : image(image), object(object) {}

  Status run() {
    TENON_RETURN_IF_ERROR(readHeader());
    TENON_RETURN_IF_ERROR(checkSegments());
    TENON_RETURN_IF_ERROR(mapSegments());
    TENON_RETURN_IF_ERROR(readDynamic());
    TENON_RETURN_IF_ERROR(readTables());
    TENON_RETURN_IF_ERROR(relocate(tables.rela, tables.relaSize));
    TENON_RETURN_IF_ERROR(relocate(tables.jmprel, tables.jmprelSize));
    TENON_RETURN_IF_ERROR(collectFunctions());
    return protect();
  }

private:
  std::span<const uint8_t> image;
  CodeObject &object;
  std::vector<Elf64_Phdr> segments; // PT_LOAD
  Elf64_Phdr dynamic = {};
  struct {
    uint64_t symtab = 0, strtab = 0, strtabSize = 0, hash = 0, gnuHash = 0;
    uint64_t rela = 0, relaSize = 0, jmprel = 0, jmprelSize = 0;
  } tables;
  uint64_t symbolCount = 0;

  Status readHeader();
  Status checkSegment(const Elf64_Phdr &segment, uint64_t &end);
  Status checkSegments();
  Status mapSegments();
  Status readDynamic();
  Status readEntry(const Elf64_Dyn &entry);
  Status readTables();
  Status countSymbols();
  Status relocate(uint64_t table, uint64_t size);
  Status resolve(uint64_t index, uint64_t &address) const;
  Status collectFunctions();
  Status protect();

  /// Reads a T at a virtual address; the caller has checked the range.
  template <typename T>
  T read(uint64_t address) const {
    T value;
    std::memcpy(&value, object.base + address, sizeof(T));
    return value;
  }
  bool inSpan(uint64_t address, uint64_t size) const { return inRange(address, size, object.span); }
  bool inSegment(uint64_t address, uint64_t size, uint32_t flag) const {
    return std::any_of(segments.begin(), segments.end(), [&](const Elf64_Phdr &segment) {
      return (segment.p_flags & flag) && address >= segment.p_vaddr &&
             inRange(address - segment.p_vaddr, size, segment.p_memsz);
    });
  }
  std::string symbolName(const Elf64_Sym &symbol) const {
    return symbol.st_name < tables.strtabSize ? object.base + tables.strtab + symbol.st_name : "";
  }
};

Status CodeObjectLoader::readHeader() {
  Elf64_Ehdr header;
  if (image.size() < sizeof(header))
    return invalid("shorter than an ELF header");
  std::memcpy(&header, image.data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN)
    return invalid("not a little-endian ELF64 shared object");
  if (header.e_machine != nativeMachine)
    return invalid("made for machine " + std::to_string(header.e_machine) + ", this is " +
                   std::to_string(nativeMachine));
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > 64 ||
      !inRange(header.e_phoff, uint64_t(header.e_phnum) * sizeof(Elf64_Phdr), image.size()))
    return invalid("program headers outside the object");
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, image.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type == PT_LOAD)
      segments.push_back(segment);
    else if (segment.p_type == PT_DYNAMIC)
      dynamic = segment;
    else if (segment.p_type == PT_TLS)
      return forbidden("thread-local storage");
    else if (segment.p_type == PT_INTERP)
      return forbidden("an interpreter");
    else if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X))
      return forbidden("an executable stack");
  }
  return Status::success();
}

Status CodeObjectLoader::checkSegment(const Elf64_Phdr &segment, uint64_t &end) {
  if (segment.p_filesz > segment.p_memsz || !inRange(segment.p_offset, segment.p_filesz, image.size()) ||
      !inRange(segment.p_vaddr, segment.p_memsz, maxSpan))
    return invalid("a segment lies outside the object or is larger than 1 GiB");
  if ((segment.p_flags & PF_W) && (segment.p_flags & PF_X))
    return forbidden("a segment that is writable and executable");
  if (segment.p_vaddr / page * page < end)
    return invalid("segments that share a page or are out of order");
  end = alignUp(segment.p_vaddr + segment.p_memsz, page);
  return Status::success();
}

Status CodeObjectLoader::checkSegments() {
  uint64_t end = 0;
  for (const Elf64_Phdr &segment : segments)
    TENON_RETURN_IF_ERROR(checkSegment(segment, end));
  if (end == 0)
    return invalid("nothing to load");
  object.span = end;
  if (dynamic.p_type != PT_DYNAMIC || !inSegment(dynamic.p_vaddr, dynamic.p_memsz, PF_R))
    return invalid("no dynamic section");
  return Status::success();
}

Status CodeObjectLoader::mapSegments() {
  void *memory = mmap(nullptr, object.span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Status::error("TN7011", "cannot map " + std::to_string(object.span) + " bytes of code");
  object.base = static_cast<char *>(memory);
  for (const Elf64_Phdr &segment : segments)
    if (segment.p_filesz != 0)
      std::memcpy(object.base + segment.p_vaddr, image.data() + segment.p_offset, segment.p_filesz);
  return Status::success();
}

Status CodeObjectLoader::readEntry(const Elf64_Dyn &entry) {
  const uint64_t value = entry.d_un.d_val;
  switch (entry.d_tag) {
  case DT_SYMTAB:
    tables.symtab = value;
    break;
  case DT_STRTAB:
    tables.strtab = value;
    break;
  case DT_STRSZ:
    tables.strtabSize = value;
    break;
  case DT_HASH:
    tables.hash = value;
    break;
  case DT_GNU_HASH:
    tables.gnuHash = value;
    break;
  case DT_RELA:
    tables.rela = value;
    break;
  case DT_RELASZ:
    tables.relaSize = value;
    break;
  case DT_JMPREL:
    tables.jmprel = value;
    break;
  case DT_PLTRELSZ:
    tables.jmprelSize = value;
    break;
  case DT_SYMENT:
    return value == sizeof(Elf64_Sym) ? Status::success() : invalid("symbols of an unknown size");
  case DT_RELAENT:
    return value == sizeof(Elf64_Rela) ? Status::success() : invalid("relocations of an unknown size");
  case DT_NEEDED:
    return forbidden("a needed library");
  case DT_INIT:
  case DT_FINI:
    return forbidden("a constructor or destructor");
  case DT_INIT_ARRAYSZ:
  case DT_FINI_ARRAYSZ:
  case DT_PREINIT_ARRAYSZ:
    return value == 0 ? Status::success() : forbidden("constructors or destructors");
  case DT_TEXTREL:
    return forbidden("text relocations");
  case DT_FLAGS:
    if (value & (DF_TEXTREL | DF_STATIC_TLS))
      return forbidden("text relocations or static thread-local storage");
    break;
  case DT_REL:
  case 36: // DT_RELR
    return forbidden("relocations of an unknown form");
  default:
    break;
  }
  return Status::success();
}

Status CodeObjectLoader::readDynamic() {
  for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= dynamic.p_memsz; at += sizeof(Elf64_Dyn)) {
    const auto entry = read<Elf64_Dyn>(dynamic.p_vaddr + at);
    if (entry.d_tag == DT_NULL)
      return Status::success();
    TENON_RETURN_IF_ERROR(readEntry(entry));
  }
  return invalid("a dynamic section without end");
}

Status CodeObjectLoader::readTables() {
  if (tables.strtabSize == 0 || !inSpan(tables.strtab, tables.strtabSize) ||
      object.base[tables.strtab + tables.strtabSize - 1] != 0)
    return invalid("a string table outside the object or without end");
  if (!inSpan(tables.rela, tables.relaSize) || !inSpan(tables.jmprel, tables.jmprelSize))
    return invalid("relocations outside the object");
  TENON_RETURN_IF_ERROR(countSymbols());
  if (symbolCount > object.span / sizeof(Elf64_Sym) || !inSpan(tables.symtab, symbolCount * sizeof(Elf64_Sym)))
    return invalid("a symbol table outside the object");
  return Status::success();
}

/// The dynamic section does not say how many symbols there are; the hash tables do. The GNU table holds, for its last
/// chain, the index of its last symbol.
Status CodeObjectLoader::countSymbols() {
  if (tables.hash != 0) {
    if (!inSpan(tables.hash, 8))
      return invalid("a hash table outside the object");
    symbolCount = read<uint32_t>(tables.hash + 4);
    return Status::success();
  }
  if (tables.gnuHash == 0 || !inSpan(tables.gnuHash, 16))
    return invalid("no symbol hash table");
  const auto buckets = read<uint32_t>(tables.gnuHash), first = read<uint32_t>(tables.gnuHash + 4);
  const auto bloom = read<uint32_t>(tables.gnuHash + 8);
  const uint64_t bucketTable = tables.gnuHash + 16 + uint64_t(bloom) * 8;
  const uint64_t chains = bucketTable + uint64_t(buckets) * 4;
  if (!inSpan(bucketTable, uint64_t(buckets) * 4))
    return invalid("a hash table outside the object");
  uint64_t last = 0;
  for (uint32_t i = 0; i < buckets; ++i)
    last = std::max<uint64_t>(last, read<uint32_t>(bucketTable + uint64_t(i) * 4));
  if (last < first) { // nothing is exported
    symbolCount = first;
    return Status::success();
  }
  while (true) {
    const uint64_t at = chains + (last - first) * 4;
    if (!inSpan(at, 4))
      return invalid("a hash chain outside the object");
    ++last;
    if (read<uint32_t>(at) & 1)
      break;
  }
  symbolCount = last;
  return Status::success();
}

/// Absolute address of a symbol.
Status CodeObjectLoader::resolve(uint64_t index, uint64_t &address) const {
  if (index >= symbolCount)
    return invalid("a relocation against symbol " + std::to_string(index) + " of " + std::to_string(symbolCount));
  const auto symbol = read<Elf64_Sym>(tables.symtab + index * sizeof(Elf64_Sym));
  const unsigned type = ELF64_ST_TYPE(symbol.st_info);
  if (type == STT_TLS || type == STT_GNU_IFUNC)
    return forbidden("a thread-local or indirect symbol '" + symbolName(symbol) + "'");
  if (symbol.st_shndx == SHN_UNDEF) {
    void *function = importedFunction(symbolName(symbol));
    if (!function)
      return forbidden("imports '" + symbolName(symbol) + "'");
    address = reinterpret_cast<uint64_t>(function);
    return Status::success();
  }
  if (symbol.st_value > object.span)
    return invalid("symbol '" + symbolName(symbol) + "' outside the object");
  address = reinterpret_cast<uint64_t>(object.base) + symbol.st_value;
  return Status::success();
}

Status CodeObjectLoader::relocate(uint64_t table, uint64_t size) {
  for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= size; at += sizeof(Elf64_Rela)) {
    const auto rela = read<Elf64_Rela>(table + at);
    const uint32_t type = ELF64_R_TYPE(rela.r_info);
    if (type == 0)
      continue;
    if (!inSegment(rela.r_offset, 8, PF_W))
      return forbidden("a relocation outside writable data");
    uint64_t value = 0;
    if (type == relocRelative) {
      if (uint64_t(rela.r_addend) > object.span)
        return invalid("a relocation to outside the object");
      value = reinterpret_cast<uint64_t>(object.base) + uint64_t(rela.r_addend);
    } else if (type == relocGlobDat || type == relocJumpSlot || type == relocAbsolute) {
      TENON_RETURN_IF_ERROR(resolve(ELF64_R_SYM(rela.r_info), value));
      if (type == relocAbsolute)
        value += uint64_t(rela.r_addend);
    } else {
      return forbidden("a relocation of type " + std::to_string(type));
    }
    std::memcpy(object.base + rela.r_offset, &value, sizeof(value));
  }
  return Status::success();
}

Status CodeObjectLoader::collectFunctions() {
  for (uint64_t i = 1; i < symbolCount; ++i) {
    const auto symbol = read<Elf64_Sym>(tables.symtab + i * sizeof(Elf64_Sym));
    if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol.st_info) != STT_FUNC)
      continue;
    if (!inSegment(symbol.st_value, std::max<uint64_t>(symbol.st_size, 1), PF_X))
      return invalid("function '" + symbolName(symbol) + "' outside the code");
    object.functions.emplace(symbolName(symbol), object.base + symbol.st_value);
  }
  return Status::success();
}

Status CodeObjectLoader::protect() {
  bool done = mprotect(object.base, object.span, PROT_READ) == 0;
  for (const Elf64_Phdr &segment : segments) {
    if (!(segment.p_flags & PF_X))
      continue;
    char *begin = object.base + segment.p_vaddr / page * page;
    char *end = object.base + alignUp(segment.p_vaddr + segment.p_memsz, page);
    done = done && mprotect(begin, size_t(end - begin), PROT_READ | PROT_EXEC) == 0;
    __builtin___clear_cache(begin, end);
  }
  return done ? Status::success() : Status::error("TN7011", "cannot make code executable");
}

Expected<std::unique_ptr<CodeObject>> CodeObject::load(std::span<const uint8_t> image) {
  std::unique_ptr<CodeObject> object(new CodeObject);
  TENON_RETURN_IF_ERROR(CodeObjectLoader(image, *object).run());
  return object;
}

CodeObject::~CodeObject() {
  if (base)
    munmap(base, span);
}

void *CodeObject::find(const std::string &symbol) const {
  auto found = functions.find(symbol);
  return found == functions.end() ? nullptr : found->second;
}

} // namespace tenon::runtime
