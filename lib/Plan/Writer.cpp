//===- Writer.cpp - Writing model.tenon -----------------------------------===//
//
// The file has no name until it is complete (O_TMPFILE), so that even a killed process leaves nothing behind; where the
// file system cannot do that, it has a hidden name that the destructor removes.
//
//===----------------------------------------------------------------------===//
#include "tenon/Plan/Writer.h"

#include "Layout.h"
#include "tenon/Plan/Checked.h"
#include "tenon/Plan/plan_generated.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tenon::plan {

static Status systemError(const std::string &path, const char *what) {
  return Status::error("TN6020", "cannot " + std::string(what) + " '" + path + "': " + std::strerror(errno));
}

static Status misuse(const char *what) { return Status::error("TN6021", what); }

static std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// A hidden name beside `path`.
static std::string temporaryName(const std::string &path, unsigned attempt) {
  size_t slash = path.rfind('/');
  std::string base = slash == std::string::npos ? path : path.substr(slash + 1);
  return folderOf(path) + "/." + base + "." + std::to_string(getpid()) + "." + std::to_string(attempt) + ".tmp";
}

static std::string descriptorPath(int file) { return "/proc/self/fd/" + std::to_string(file); }

Expected<std::unique_ptr<ContainerWriter>> ContainerWriter::create(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return Status::error("TN6020", "'" + path + "' exists and is not a regular file");
  std::unique_ptr<ContainerWriter> writer(new ContainerWriter);
  writer->target = path;
#ifdef O_TMPFILE
  writer->file = ::open(folderOf(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (writer->file >= 0 && access(descriptorPath(writer->file).c_str(), R_OK) != 0) { // no /proc: cannot be linked
    close(writer->file);
    writer->file = -1;
  }
#endif
  for (unsigned attempt = 0; writer->file < 0; ++attempt) {
    std::string name = temporaryName(path, attempt);
    writer->file = ::open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (writer->file >= 0)
      writer->temporary = name;
    else if (errno != EEXIST || attempt == 1000)
      return systemError(path, "create");
  }
  const std::string zeros(pageSize, '\0'); // the header is written last
  TENON_RETURN_IF_ERROR(writer->write(zeros.data(), zeros.size()));
  return writer;
}

ContainerWriter::~ContainerWriter() {
  if (file >= 0)
    close(file);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

Status ContainerWriter::write(const void *data, uint64_t length) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  if (inSection)
    running.update(bytes, length);
  position += length;
  while (length != 0) {
    ssize_t done = ::write(file, bytes, std::min<uint64_t>(length, 1 << 30));
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return systemError(target, "write");
    bytes += done, length -= uint64_t(done);
  }
  return Status::success();
}

Status ContainerWriter::pad(uint64_t alignment) {
  static const uint8_t zeros[pageSize] = {};
  return write(zeros, alignUp(position, alignment) - position);
}

Status ContainerWriter::begin(SectionKind kind) {
  if (inSection && current == kind)
    return Status::success();
  if (file < 0)
    return misuse("the container is finished");
  TENON_RETURN_IF_ERROR(end());
  for (const Section &section : table)
    if (section.kind == kind)
      return misuse("weights, then code, then the rest: a section cannot be continued");
  current = kind;
  sectionStart = position;
  running = TreeDigest();
  inSection = true;
  return Status::success();
}

Status ContainerWriter::end() {
  if (!inSection)
    return Status::success();
  inSection = false;
  if (position > sectionStart)
    table.push_back({current, sectionStart, position - sectionStart, running.finish()});
  return pad(pageSize);
}

Expected<uint64_t> ContainerWriter::align() {
  TENON_RETURN_IF_ERROR(pad(dataAlignment));
  return position - sectionStart;
}

Expected<uint64_t> ContainerWriter::addWeight(std::span<const uint8_t> bytes) {
  return addWeight(bytes.size(), [&](const Sink &sink) { return sink(bytes); });
}

Expected<uint64_t> ContainerWriter::addWeight(uint64_t length, const std::function<Status(const Sink &)> &produce) {
  TENON_RETURN_IF_ERROR(begin(SectionKind::Weights));
  Expected<uint64_t> offset = align();
  if (!offset)
    return offset;
  uint64_t left = length;
  TENON_RETURN_IF_ERROR(produce([&](std::span<const uint8_t> bytes) {
    if (bytes.size() > left)
      return misuse("a weight has more bytes than its length");
    left -= bytes.size();
    return write(bytes.data(), bytes.size());
  }));
  if (left != 0)
    return misuse("a weight has fewer bytes than its length");
  return offset;
}

Expected<uint64_t> ContainerWriter::addCode(std::span<const uint8_t> bytes) {
  TENON_RETURN_IF_ERROR(begin(SectionKind::Code));
  Expected<uint64_t> offset = align();
  if (!offset)
    return offset;
  TENON_RETURN_IF_ERROR(write(bytes.data(), bytes.size()));
  return offset;
}

Status ContainerWriter::finish(const PlanT &plan) {
  features = plan.ranks.empty() ? 0 : featureRanks;
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  FinishPlanBuffer(builder, Plan::Pack(builder, &plan));
  TENON_RETURN_IF_ERROR(begin(SectionKind::Plan));
  TENON_RETURN_IF_ERROR(write(builder.GetBufferPointer(), builder.GetSize()));
  const std::pair<SectionKind, const std::string *> texts[] = {
      {SectionKind::Meta, &meta}, {SectionKind::Source, &source}, {SectionKind::Kernels, &kernels}};
  for (auto [kind, text] : texts) {
    TENON_RETURN_IF_ERROR(begin(kind));
    TENON_RETURN_IF_ERROR(write(text->data(), text->size()));
  }
  TENON_RETURN_IF_ERROR(end());
  TENON_RETURN_IF_ERROR(writeHeader());
  OpenOptions options;
  options.verifyWeights = false;
  const std::string path = temporary.empty() ? descriptorPath(file) : temporary;
  if (auto container = Container::open(path, options); !container)
    return container.takeStatus();
  return publish();
}

Status ContainerWriter::writeHeader() {
  layout::Header header = {};
  std::memcpy(header.magic, layout::magic, sizeof(header.magic));
  header.version = formatVersion;
  header.headerSize = uint32_t(pageSize);
  header.fileSize = position;
  header.requiredFeatures = features;
  header.sectionCount = uint32_t(table.size());
  uint8_t page[pageSize] = {};
  std::memcpy(page, &header, sizeof(header));
  for (size_t i = 0; i < table.size(); ++i) {
    layout::Row row = {};
    row.kind = uint32_t(table[i].kind);
    row.offset = table[i].offset;
    row.length = table[i].length;
    std::memcpy(row.digest, table[i].digest.data(), sizeof(row.digest));
    std::memcpy(page + sizeof(header) + i * sizeof(row), &row, sizeof(row));
  }
  const Digest digest = Sha256::of(page, pageSize);
  std::memcpy(page + offsetof(layout::Header, digest), digest.data(), digest.size());
  if (pwrite(file, page, pageSize, 0) != ssize_t(pageSize))
    return systemError(target, "write");
  return Status::success();
}

Status ContainerWriter::publish() {
  if (fsync(file) != 0)
    return systemError(target, "sync");
  for (unsigned attempt = 0; temporary.empty(); ++attempt) {
    std::string name = temporaryName(target, attempt);
    if (linkat(AT_FDCWD, descriptorPath(file).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0)
      temporary = name;
    else if (errno != EEXIST || attempt == 1000)
      return systemError(target, "create");
  }
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return systemError(target, "rename to");
  temporary.clear();
  close(file);
  file = -1;
  return Status::success();
}

} // namespace tenon::plan
