//===- Npy.cpp - Tensors in .npy files ------------------------------------===//
#include "tenon/Data/Npy.h"

#include "tenon/Data/ArrayFile.h"
#include "tenon/Data/ByteSource.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <unistd.h>

using tenon::runtime::Tensor;

namespace tenon::data {
namespace {

/// numpy itself refuses headers above 10,000 bytes of untrusted files.
constexpr size_t maxHeader = 1 << 16;
/// numpy's limit is 64.
constexpr size_t maxRank = 64;

constexpr const char *descriptors[numElementTypes] = {"<f4", "<f8", "<f2", "<V2", "|i1", "<i2", "<i4", "<i8",
                                                      "|u1", "<u2", "<u4", "<u8", "|b1", "|V1", "|V1", "|V1",
                                                      "|V1", "|V1", "|V1", "|V1", "|V1", "|V1", "|V1"};

/// Reads the Python dictionary of a header: three known keys with literals of known kinds.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : rest(text) {}

  bool parse(NpyHeader &header) {
    bool type = false, order = false, shape = false;
    if (!take('{'))
      return false;
    while (!take('}')) {
      std::string key;
      if (!parseString(key) || !take(':'))
        return false;
      if (key == "descr")
        type = parseString(header.descr);
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

Status invalid(const std::string &path, const std::string &what) {
  return Status::error("TN9005", "'" + path + "': " + what, "", "write the file again with numpy.save");
}

Status unsupportedType(const std::string &path, const std::string &type) {
  return Status::error("TN9006", "'" + path + "': elements of type '" + type + "' are not supported", "",
                       "convert the array to a little-endian number type before numpy.save");
}

} // namespace

Expected<NpyHeader> readNpyHeader(ByteSource &source, const std::string &name) {
  unsigned char lead[12] = {};
  const uint64_t present = source.size();
  if (present >= 12)
    TENON_RETURN_IF_ERROR(source.read(0, lead, 12));
  if (std::memcmp(lead, "\x93NUMPY", 6) != 0)
    return invalid(name, "it does not begin with numpy's signature");
  if (lead[6] < 1 || lead[6] > 3)
    return invalid(name, "the format version is " + std::to_string(lead[6]) + ", expected 1 to 3");
  NpyHeader header;
  uint64_t length = lead[8] | lead[9] << 8;
  header.offset = 10;
  if (lead[6] > 1) {
    length |= uint64_t(lead[10]) << 16 | uint64_t(lead[11]) << 24;
    header.offset = 12;
  }
  if (length > maxHeader || length > present - header.offset)
    return invalid(name, "the header states " + std::to_string(length) + " bytes");
  std::string text(length, '\0');
  TENON_RETURN_IF_ERROR(source.read(header.offset, text.data(), length));
  header.offset += length;
  if (!HeaderParser(text).parse(header))
    return invalid(name, "the header cannot be understood");
  return header;
}

Expected<ElementType> parseNpyType(const std::string &descr, ElementType expected, const std::string &name) {
  if (descr.size() < 2)
    return unsupportedType(name, descr);
  for (unsigned i = 0; i < numElementTypes; ++i) {
    const std::string_view candidate = descriptors[i];
    if (i > unsigned(ElementType::Bool) && ElementType(i) != expected)
      continue; // bytes that could be any of several types
    const bool small = elementSize(ElementType(i)) == 1;
    if (descr.substr(1) != candidate.substr(1) || (descr[0] == '>' && !small) || (descr[0] == '|' && !small && i != 3))
      continue;
    if (ElementType(i) == ElementType::BF16 && expected != ElementType::BF16)
      return unsupportedType(name, descr);
    return ElementType(i);
  }
  return unsupportedType(name, descr);
}

static Status unwritable(const std::string &path) {
  return Status::error("TN9007", "cannot write '" + path + "': " + std::strerror(errno), "",
                       "check the path, its permissions and the free space");
}

Expected<Tensor> readNpy(const std::string &path, ElementType expected) {
  auto file = ArrayFile::openNpy(path);
  return file ? (*file)->read(0, expected) : file.takeStatus();
}

std::string makeNpyHeader(ElementType type, const std::vector<int64_t> &dims) {
  std::string text = std::string("{'descr': '") + descriptors[unsigned(type)] + "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : dims)
    text += std::to_string(dim) + ", ";
  if (dims.size() > 1)
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
    return unwritable(path);
  const std::string header = makeNpyHeader(tensor.type, tensor.dims);
  const size_t bytes = size_t(tensor.bytes());
  bool done = std::fwrite(header.data(), 1, header.size(), file) == header.size();
  done = done && (bytes == 0 || std::fwrite(tensor.data.get(), 1, bytes, file) == bytes);
  done = std::fclose(file) == 0 && done;
  if (done && std::rename(temporary.c_str(), path.c_str()) == 0)
    return Status::success();
  Status failure = unwritable(path);
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

} // namespace tenon::data
