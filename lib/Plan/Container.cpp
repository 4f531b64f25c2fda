//===- Container.cpp - Reading model.tenon --------------------------------===//
#include "tenon/Plan/Container.h"

#include "Layout.h"
#include "tenon/Plan/Checked.h"
#include "tenon/Plan/Verifier.h"
#include "tenon/Plan/plan_generated.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tenon::plan {

using layout::Header;
using layout::Row;

/// The PLAN section is verified before its size allows anything large; FlatBuffers' own limit is 2 GiB.
static constexpr uint64_t maxPlanLength = uint64_t(1) << 30;

std::string_view sectionName(SectionKind kind) {
  switch (kind) {
  case SectionKind::Plan:
    return "PLAN";
  case SectionKind::Weights:
    return "WEIGHTS";
  case SectionKind::Code:
    return "CODE";
  case SectionKind::Source:
    return "SOURCE";
  case SectionKind::Meta:
    return "META";
  case SectionKind::Kernels:
    return "KERNELS";
  }
  return "unknown";
}

static Status systemError(const std::string &path, const char *what) {
  return Status::error("TN6001", "cannot " + std::string(what) + " '" + path + "': " + std::strerror(errno));
}

Container::~Container() {
  if (base)
    munmap(const_cast<uint8_t *>(base), size);
}

Expected<std::shared_ptr<const Container>> Container::open(const std::string &path, const OpenOptions &options) try {
  struct File {
    int fd;
    ~File() {
      if (fd >= 0)
        close(fd);
    }
  } file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0)
    return systemError(path, "open");
  struct stat info;
  if (fstat(file.fd, &info) != 0)
    return systemError(path, "stat");
  if (!S_ISREG(info.st_mode))
    return Status::error("TN6001", "'" + path + "' is not a regular file");
  if (info.st_size == 0)
    return Status::error("TN6002", "the file is empty");
  std::shared_ptr<Container> container(new Container);
  void *memory = mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (memory == MAP_FAILED)
    return systemError(path, "map");
  container->base = static_cast<const uint8_t *>(memory);
  container->size = uint64_t(info.st_size);
  TENON_RETURN_IF_ERROR(container->verify(options));
  return std::shared_ptr<const Container>(std::move(container));
} catch (const std::bad_alloc &) {
  return Status::outOfMemory();
}

Expected<std::shared_ptr<const Container>> Container::fromMemory(std::span<const uint8_t> bytes,
                                                                 const OpenOptions &options) try {
  if (bytes.empty())
    return Status::error("TN6002", "the file is empty");
  std::shared_ptr<Container> container(new Container);
  void *memory = mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Status::error("TN7011", "cannot allocate " + std::to_string(bytes.size()) + " bytes for the plan");
  std::memcpy(memory, bytes.data(), bytes.size());
  mprotect(memory, bytes.size(), PROT_READ);
  container->base = static_cast<const uint8_t *>(memory);
  container->size = bytes.size();
  TENON_RETURN_IF_ERROR(container->verify(options));
  return std::shared_ptr<const Container>(std::move(container));
} catch (const std::bad_alloc &) {
  return Status::outOfMemory();
}

Status Container::verify(const OpenOptions &options) {
  TENON_RETURN_IF_ERROR(readHeader());
  TENON_RETURN_IF_ERROR(checkPadding());
  TENON_RETURN_IF_ERROR(checkDigests(options));
  const uint64_t weights = section(SectionKind::Weights).size(), code = section(SectionKind::Code).size();
  return verifyPlan(section(SectionKind::Plan), weights, code).takeStatus();
}

static Status truncated(uint64_t expected, uint64_t found) {
  return Status::error("TN6005",
                       "the file has " + std::to_string(found) + " bytes, expected " + std::to_string(expected));
}

/// Magic, version, digest and features of the header page.
static Status checkHeader(const uint8_t *base, uint64_t size, Digest &digest) {
  if (size < sizeof(layout::magic) || std::memcmp(base, layout::magic, sizeof(layout::magic)) != 0)
    return Status::error("TN6002", "the file does not begin with the signature of a Tenon plan");
  if (size < pageSize)
    return truncated(pageSize, size);
  Header header;
  std::memcpy(&header, base, sizeof(header));
  uint8_t page[pageSize];
  std::memcpy(page, base, pageSize);
  std::memset(page + offsetof(Header, digest), 0, sizeof(header.digest));
  digest = Sha256::of(page, pageSize);
  const bool intact = std::memcmp(digest.data(), header.digest, digest.size()) == 0;
  if (intact && header.version != formatVersion)
    return Status::error("TN6003", "format version " + std::to_string(header.version) + ", this build reads " +
                                       std::to_string(formatVersion));
  if (!intact)
    return Status::error("TN6006", "the header page does not match its digest");
  if (uint64_t unknown = header.requiredFeatures & ~knownFeatures)
    return Status::error("TN6004", "required feature bits " + std::to_string(unknown) + " are unknown");
  if (header.headerSize != pageSize)
    return Status::error("TN6007", "header size " + std::to_string(header.headerSize) + ", expected 4096");
  if (header.fileSize != size)
    return truncated(header.fileSize, size);
  return Status::success();
}

Status Container::readHeader() {
  TENON_RETURN_IF_ERROR(checkHeader(base, size, headerDigest));
  Header header;
  std::memcpy(&header, base, sizeof(header));
  if (header.sectionCount > layout::maxSections)
    return Status::error("TN6007", std::to_string(header.sectionCount) + " sections, at most " +
                                       std::to_string(layout::maxSections));
  uint64_t end = pageSize;
  for (uint32_t i = 0; i < header.sectionCount; ++i) {
    Row row;
    std::memcpy(&row, base + sizeof(Header) + i * sizeof(Row), sizeof(row));
    Section section{SectionKind(row.kind), row.offset, row.length, {}};
    std::memcpy(section.digest.data(), row.digest, sizeof(row.digest));
    const std::string name = "section " + std::to_string(i) + " (" + std::string(sectionName(section.kind)) + ")";
    if (sectionName(section.kind) == "unknown")
      return Status::error("TN6007", name + " has the unknown kind " + std::to_string(row.kind));
    if (!this->section(section.kind).empty())
      return Status::error("TN6007", name + " occurs twice");
    if (section.length == 0 || section.offset != end || !inRange(section.offset, section.length, size))
      return Status::error("TN6007", name + " has offset " + std::to_string(section.offset) + " and length " +
                                         std::to_string(section.length) + ", expected offset " + std::to_string(end) +
                                         " and an end within " + std::to_string(size) + " bytes");
    end = alignUp(section.offset + section.length, pageSize);
    table.push_back(section);
  }
  if (end != size)
    return truncated(end, size);
  const uint64_t plan = section(SectionKind::Plan).size();
  if (plan == 0 || plan > maxPlanLength)
    return Status::error("TN6007", "the PLAN section has " + std::to_string(plan) + " bytes, expected 1 to 2^30");
  return Status::success();
}

Status Container::checkPadding() const {
  for (const Section &section : table) {
    const uint8_t *begin = base + section.offset + section.length;
    const uint8_t *end = base + alignUp(section.offset + section.length, pageSize);
    const uint8_t *bad = std::find_if(begin, end, [](uint8_t byte) { return byte != 0; });
    if (bad != end)
      return Status::error("TN6009", "byte " + std::to_string(bad - base) + " after section " +
                                         std::string(sectionName(section.kind)) + " is " + std::to_string(*bad) +
                                         ", expected 0");
  }
  return Status::success();
}

Status Container::checkDigests(const OpenOptions &options) const {
  for (const Section &section : table) {
    const bool weights = section.kind == SectionKind::Weights;
    if (weights && !options.verifyWeights)
      continue;
    const unsigned threads = options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    if (TreeDigest::of(base + section.offset, section.length, weights ? std::min(threads, 16u) : 1) != section.digest)
      return Status::error("TN6008",
                           "section " + std::string(sectionName(section.kind)) + " does not match its digest");
  }
  return Status::success();
}

const Plan &Container::plan() const { return *GetPlan(section(SectionKind::Plan).data()); }

std::span<const uint8_t> Container::section(SectionKind kind) const {
  for (const Section &section : table)
    if (section.kind == kind)
      return {base + section.offset, size_t(section.length)};
  return {};
}

} // namespace tenon::plan
