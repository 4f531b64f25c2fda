//===- Npy.cpp - Tensors in .npy files ------------------------------------===//
#include "common/Npy.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using tenon::runtime::Tensor;

namespace tenon::tools {
namespace {

/// numpy itself refuses headers above 10,000 bytes of untrusted files.
constexpr size_t maxHeader = 1 << 16;
/// numpy's limit is 64.
constexpr size_t maxRank = 64;

constexpr const char *descriptors[numElementTypes] = {"<f4", "<f8", "<f2", "<V2", "|i1", "<i2", "<i4", "<i8",
                                                      "|u1", "<u2", "<u4", "<u8", "|b1", "|V1", "|V1", "|V1",
                                                      "|V1", "|V1", "|V1", "|V1", "|V1", "|V1", "|V1"};

struct Header {
  std::string type;
  bool columnMajor = false;
  std::vector<int64_t> dims;
};

/// Reads the Python dictionary of a header: three known keys with literals of known kinds.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  bool parse(Header &header) {
    bool type = false, order = false, shape = false;
    if (!take('{'))
      return false;
    while (!take('}')) {
      std::string key;
      if (!parseString(key) || !take(':'))
        return false;
      if (key == "descr")
        type = parseString(header.type);
      else if (key == "fortran_order")
        order = parseBool(header.columnMajor);
      else if (key == "shape")
        shape = parseShape(header.dims);
      else
        return false;
      if (!take(','))
        return take('}') && type && order && shape;
    }
    return type && order && shape;
  }

private:
  bool take(char c) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n"), rest.size()));
    if (rest.empty() || rest.front() != c)
      return false;
    rest.remove_prefix(1);
    return true;
  }
  bool parseString(std::string &out) {
    const char quote = take('\'') ? '\'' : take('"') ? '"' : 0;
    const size_t end = quote ? rest.find(quote) : std::string_view::npos;
    if (end == std::string_view::npos)
      return false;
    out = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
  }
  bool parseBool(bool &out) {
    out = take('T');
    const std::string_view tail = out ? "rue" : "alse";
    if ((!out && !take('F')) || rest.substr(0, tail.size()) != tail)
      return false;
    rest.remove_prefix(tail.size());
    return true;
  }
  bool parseShape(std::vector<int64_t> &dims) {
    if (!take('('))
      return false;
    while (!take(')')) {
      take(' ');
      int64_t value = 0;
      size_t digits = 0;
      for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, rest[digits] - '0', &value))
          return false;
      if (digits == 0 || dims.size() == maxRank)
        return false;
      rest.remove_prefix(digits);
      dims.push_back(value);
      if (!take(','))
        return take(')');
    }
    return true;
  }

  std::string_view rest;
};

struct File {
  int fd;
  ~File() {
    if (fd >= 0)
      close(fd);
  }
};

bool readExactly(int fd, void *out, size_t size) {
  char *at = static_cast<char *>(out);
  while (size != 0) {
    const ssize_t got = read(fd, at, std::min(size, size_t(1) << 30));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    at += got;
    size -= size_t(got);
  }
  return true;
}

Status invalid(const std::string &path, const std::string &what) {
  return Status::error("TN9005", "'" + path + "': " + what, "", "write the file again with numpy.save");
}

/// The magic, the version and the dictionary; `offset` receives where the data begins.
Status readHeader(const std::string &path, int fd, uint64_t fileSize, Header &header, uint64_t &offset) {
  unsigned char lead[12];
  if (fileSize < 10 || !readExactly(fd, lead, 10) || std::memcmp(lead, "\x93NUMPY", 6) != 0)
    return invalid(path, "the file does not begin with numpy's signature");
  if (lead[6] < 1 || lead[6] > 3)
    return invalid(path, "the format version is " + std::to_string(lead[6]) + ", expected 1 to 3");
  uint64_t length = lead[8] | lead[9] << 8;
  offset = 10;
  if (lead[6] > 1) {
    if (!readExactly(fd, lead + 10, 2))
      return invalid(path, "the header is truncated");
    length |= uint64_t(lead[10]) << 16 | uint64_t(lead[11]) << 24;
    offset = 12;
  }
  if (length > maxHeader || length > fileSize - offset)
    return invalid(path, "the header states " + std::to_string(length) + " bytes");
  std::string text(length, '\0');
  if (!readExactly(fd, text.data(), length))
    return invalid(path, "the header is truncated");
  offset += length;
  return HeaderParser(text).parse(header) ? Status::success() : invalid(path, "the header cannot be understood");
}

Status unsupportedType(const std::string &path, const std::string &type) {
  return Status::error("TN9006", "'" + path + "': elements of type '" + type + "' are not supported", "",
                       "convert the array to a little-endian number type before numpy.save");
}

Status parseType(const std::string &path, const std::string &type, ElementType expected, ElementType &out) {
  if (type.size() < 2)
    return unsupportedType(path, type);
  for (unsigned i = 0; i < numElementTypes; ++i) {
    const std::string_view candidate = descriptors[i];
    if (i > unsigned(ElementType::Bool) && ElementType(i) != expected)
      continue; // bytes that could be any of several types
    const bool small = elementSize(ElementType(i)) == 1;
    if (type.substr(1) != candidate.substr(1) || (type[0] == '>' && !small) || (type[0] == '|' && !small && i != 3))
      continue;
    out = ElementType(i);
    return out == ElementType::BF16 && expected != ElementType::BF16 ? unsupportedType(path, type) : Status::success();
  }
  return unsupportedType(path, type);
}

/// Row-major `out` from column-major `in`.
void transpose(const char *in, char *out, const std::vector<int64_t> &dims, size_t elementBytes, int64_t count) {
  std::vector<int64_t> index(dims.size()), strides(dims.size());
  int64_t stride = 1;
  for (size_t k = 0; k < dims.size(); ++k) {
    strides[k] = stride;
    stride *= dims[k];
  }
  int64_t from = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(out + i * int64_t(elementBytes), in + from * int64_t(elementBytes), elementBytes);
    for (size_t k = dims.size(); k-- > 0;) {
      from += strides[k];
      if (++index[k] < dims[k])
        break;
      from -= strides[k] * dims[k];
      index[k] = 0;
    }
  }
}

} // namespace

static Status systemError(std::string_view code, const std::string &path, const char *what) {
  return Status::error(code, "cannot " + std::string(what) + " '" + path + "': " + std::strerror(errno), "",
                       "check the path, its permissions and the free space");
}

Expected<Tensor> readNpy(const std::string &path, ElementType expected) {
  const File file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  if (file.fd < 0 || fstat(file.fd, &info) != 0)
    return systemError("TN9004", path, "open");
  if (!S_ISREG(info.st_mode))
    return Status::error("TN9004", "'" + path + "' is not a regular file", "", "pass a file written by numpy.save");
  Header header;
  uint64_t offset = 0;
  TENON_RETURN_IF_ERROR(readHeader(path, file.fd, uint64_t(info.st_size), header, offset));
  Tensor shape;
  TENON_RETURN_IF_ERROR(parseType(path, header.type, expected, shape.type));
  shape.dims = header.dims;
  const uint64_t present = uint64_t(info.st_size) - offset;
  if (shape.bytes() < 0 || uint64_t(shape.bytes()) != present)
    return invalid(path, "the shape needs " + (shape.bytes() < 0 ? "too many" : std::to_string(shape.bytes())) +
                             " bytes, found " + std::to_string(present));
  Expected<Tensor> tensor = Tensor::allocate(shape.type, shape.dims);
  if (!tensor || present == 0)
    return tensor;
  if (!readExactly(file.fd, tensor->data.get(), present))
    return invalid(path, "the data is truncated");
  if (!header.columnMajor || shape.dims.size() < 2)
    return tensor;
  Expected<Tensor> rows = Tensor::allocate(shape.type, shape.dims);
  if (rows)
    transpose(tensor->as<char>(), rows->as<char>(), shape.dims, size_t(elementSize(shape.type)), shape.elements());
  return rows;
}

static std::string makeHeader(const Tensor &tensor) {
  std::string text =
      std::string("{'descr': '") + descriptors[unsigned(tensor.type)] + "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : tensor.dims)
    text += std::to_string(dim) + ", ";
  if (tensor.dims.size() > 1)
    text.resize(text.size() - 2);
  text += "), }";
  text.append(63 - (text.size() + 10) % 64, ' ');
  text += '\n';
  const size_t length = text.size();
  return std::string("\x93NUMPY\x01\x00", 8) + char(length & 255) + char(length >> 8) + text;
}

Status writeNpy(const std::string &path, const Tensor &tensor) {
  const std::string temporary = path + ".part" + std::to_string(getpid());
  std::FILE *file = std::fopen(temporary.c_str(), "wb");
  if (!file)
    return systemError("TN9007", path, "write");
  const std::string header = makeHeader(tensor);
  const size_t bytes = size_t(tensor.bytes());
  bool done = std::fwrite(header.data(), 1, header.size(), file) == header.size();
  done = done && (bytes == 0 || std::fwrite(tensor.data.get(), 1, bytes, file) == bytes);
  done = std::fclose(file) == 0 && done;
  if (done && std::rename(temporary.c_str(), path.c_str()) == 0)
    return Status::success();
  Status failure = systemError("TN9007", path, "write");
  std::remove(temporary.c_str());
  return failure;
}

std::string encodeFileName(std::string_view name) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (plain) {
      out += char(c);
    } else {
      out += '%';
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

} // namespace tenon::tools
