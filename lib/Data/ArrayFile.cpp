//===- ArrayFile.cpp - The arrays of a .npz or .npy file ------------------===//
#include "tenon/Data/ArrayFile.h"

#include "tenon/Data/Zip.h"

#include <cstring>

using tenon::runtime::Tensor;

namespace tenon::data {

/// Row-major `out` from column-major `in`.
static void transpose(const char *in, char *out, const std::vector<int64_t> &dims, size_t elementBytes, int64_t count) {
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

std::string ArrayFile::describe(size_t array) const {
  return infos[array].name.empty() ? name : name + ": " + infos[array].name;
}

Status ArrayFile::add(std::string arrayName, std::shared_ptr<ByteSource> source) {
  auto header = readNpyHeader(*source, arrayName.empty() ? name : name + ": " + arrayName);
  if (!header)
    return header.takeStatus();
  infos.push_back({std::move(arrayName), std::move(*header)});
  sources.push_back(std::move(source));
  return Status::success();
}

Expected<std::unique_ptr<ArrayFile>> ArrayFile::openNpy(const std::string &path) {
  auto source = FileSource::open(path);
  if (!source)
    return source.takeStatus();
  auto file = std::make_unique<ArrayFile>();
  file->name = path;
  TENON_RETURN_IF_ERROR(file->add("", *source));
  return file;
}

Expected<std::unique_ptr<ArrayFile>> ArrayFile::open(const std::string &path) {
  auto source = FileSource::open(path);
  if (!source)
    return source.takeStatus();
  char lead[6] = {};
  if ((*source)->size() >= sizeof(lead))
    TENON_RETURN_IF_ERROR((*source)->read(0, lead, sizeof(lead)));
  if (std::memcmp(lead, "\x93NUMPY", 6) == 0)
    return openNpy(path);
  auto members = readZipDirectory(**source);
  if (!members)
    return members.takeStatus();
  auto file = std::make_unique<ArrayFile>();
  file->name = path;
  for (const ZipMember &member : *members) {
    auto bytes = openZipMember(*source, member);
    if (!bytes)
      return bytes.takeStatus();
    const std::string_view suffix = ".npy", full = member.name;
    const bool isArray = full.size() > suffix.size() && full.substr(full.size() - suffix.size()) == suffix;
    const std::string key(isArray ? full.substr(0, full.size() - suffix.size()) : full);
    if (file->find(key) >= 0)
      return Status::error("TN9051", "'" + path + "': array '" + key + "' is there twice", "",
                           "write the file again with numpy.savez");
    TENON_RETURN_IF_ERROR(file->add(key, std::move(*bytes)));
  }
  return file;
}

int ArrayFile::find(std::string_view array) const {
  for (size_t i = 0; i < infos.size(); ++i)
    if (infos[i].name == array)
      return int(i);
  return -1;
}

Expected<ElementType> ArrayFile::type(size_t array, ElementType expected) const {
  return parseNpyType(infos[array].header.descr, expected, describe(array));
}

Expected<Tensor> ArrayFile::read(size_t array, ElementType expected) {
  const NpyHeader &header = infos[array].header;
  auto elementType = type(array, expected);
  if (!elementType)
    return elementType.takeStatus();
  Tensor shape;
  shape.type = *elementType;
  shape.dims = header.dims;
  const uint64_t present = sources[array]->size() - header.offset;
  if (shape.bytes() < 0 || uint64_t(shape.bytes()) != present)
    return Status::error("TN9005",
                         "'" + describe(array) + "': the shape needs " +
                             (shape.bytes() < 0 ? "too many" : std::to_string(shape.bytes())) + " bytes, found " +
                             std::to_string(present),
                         "", "write the file again with numpy.save");
  auto tensor = Tensor::allocate(shape.type, shape.dims);
  if (!tensor || present == 0)
    return tensor;
  TENON_RETURN_IF_ERROR(sources[array]->read(header.offset, tensor->data.get(), present));
  if (!header.columnMajor || shape.dims.size() < 2)
    return tensor;
  auto rows = Tensor::allocate(shape.type, shape.dims);
  if (rows)
    transpose(tensor->as<char>(), rows->as<char>(), shape.dims, size_t(elementSize(shape.type)), shape.elements());
  return rows;
}

Expected<Tensor> ArrayFile::readRows(size_t array, int64_t begin, int64_t end, ElementType expected) {
  const NpyHeader &header = infos[array].header;
  if (begin == 0 && end == infos[array].rows())
    return read(array, expected);
  auto elementType = type(array, expected);
  if (!elementType)
    return elementType.takeStatus();
  if (header.columnMajor && header.dims.size() > 1)
    return Status::error("TN9006", "'" + describe(array) + "': rows of a column-major array", "",
                         "convert it with numpy.ascontiguousarray");
  Tensor whole;
  whole.type = *elementType;
  whole.dims = header.dims;
  const uint64_t present = sources[array]->size() - header.offset;
  if (whole.bytes() < 0 || uint64_t(whole.bytes()) != present || begin < 0 || begin > end || end > infos[array].rows())
    return Status::error("TN9005", "'" + describe(array) + "': the shape does not fit the bytes", "",
                         "write the file again with numpy.save");
  std::vector<int64_t> dims = header.dims;
  dims[0] = end - begin;
  auto tensor = Tensor::allocate(*elementType, dims);
  if (!tensor || begin == end)
    return tensor;
  const uint64_t rowBytes = uint64_t(whole.bytes()) / uint64_t(header.dims[0]);
  TENON_RETURN_IF_ERROR(sources[array]->read(header.offset + uint64_t(begin) * rowBytes, tensor->data.get(),
                                             uint64_t(end - begin) * rowBytes));
  return tensor;
}

} // namespace tenon::data
