//===- Samples.cpp - A data set by itself, without a model ----------------===//
#include "tenon/Data/Samples.h"

#include "ElementValues.h"
#include "tenon/Data/ArrayFile.h"
#include "tenon/Data/Dataset.h"
#include "tenon/Data/Image.h"
#include "tenon/Data/Zip.h"
#include "tenon/Plan/Sha256.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

using tenon::runtime::Tensor;

namespace tenon::data {
namespace {

/// The arrays of one file; of an image one array [height, width, channels].
class Part {
public:
  static Expected<Part> open(const std::string &path, bool inFolder) {
    Part part;
    if (isImageFile(path)) {
      auto image = readImage(path);
      if (!image)
        return image.takeStatus();
      part.image = std::make_shared<Image>(std::move(*image));
      return part;
    }
    auto file = ArrayFile::open(path);
    if (!file)
      return file.takeStatus();
    part.file = std::move(*file);
    const auto &arrays = part.file->arrays();
    const bool isNpy = arrays.size() == 1 && arrays[0].name.empty();
    for (const ArrayInfo &array : arrays) {
      if (array.header.dims.empty() || (isNpy && inFolder))
        continue;
      part.isSplit = part.rows < 0 || (part.isSplit && part.rows == array.rows());
      part.rows = array.rows();
    }
    part.order.resize(arrays.size());
    std::iota(part.order.begin(), part.order.end(), 0);
    std::sort(part.order.begin(), part.order.end(),
              [&](size_t a, size_t b) { return arrays[a].name < arrays[b].name; });
    return part;
  }

  int64_t samples() const { return isSplit ? rows : 1; }
  size_t size() const { return image ? 1 : order.size(); }
  std::string name(size_t i) const { return image ? "image" : info(i).name; }
  std::vector<int64_t> dims(size_t i) const {
    return image ? std::vector{image->height, image->width, image->channels} : info(i).header.dims;
  }
  Expected<ElementType> type(size_t i) const {
    return image ? ElementType::U8 : file->type(order[i], ElementType::BF16);
  }
  /// Whether the first axis of array i counts samples.
  bool isSampled(size_t i) const { return isSplit && !dims(i).empty(); }
  std::vector<int64_t> sampleDims(size_t i) const {
    std::vector<int64_t> result = dims(i);
    if (isSampled(i))
      result.erase(result.begin());
    return result;
  }

  Expected<Tensor> read(size_t i) const {
    return image ? Tensor::borrow(image->pixels.data(), ElementType::U8, dims(0))
                 : file->read(order[i], ElementType::BF16);
  }
  Expected<Tensor> readRows(size_t i, int64_t begin, int64_t end) const {
    return file->readRows(order[i], begin, end, ElementType::BF16);
  }

  /// Hands the elements over in order, some rows at a time.
  Status visit(size_t i, const std::function<void(const Tensor &)> &use) const {
    constexpr int64_t wanted = 1 << 20;
    const std::vector<int64_t> extents = dims(i);
    auto elementType = type(i);
    if (!elementType)
      return elementType.takeStatus();
    Tensor row;
    row.type = *elementType;
    row.dims.assign(extents.begin() + !extents.empty(), extents.end());
    const bool isWhole = image || extents.empty() || info(i).header.columnMajor || row.bytes() <= 0;
    const int64_t step = isWhole ? 0 : std::max<int64_t>(wanted / row.bytes(), 1);
    for (int64_t at = 0; at == 0 || (!isWhole && at < extents[0]); at += std::max<int64_t>(step, 1)) {
      auto piece = isWhole ? read(i) : readRows(i, at, std::min(at + step, extents[0]));
      if (!piece)
        return piece.takeStatus();
      use(*piece);
      if (isWhole)
        break;
    }
    return Status::success();
  }

private:
  const ArrayInfo &info(size_t i) const { return file->arrays()[order[i]]; }

  std::shared_ptr<ArrayFile> file;
  std::shared_ptr<Image> image; ///< instead of a file
  std::vector<size_t> order;    ///< arrays by name
  int64_t rows = -1;
  bool isSplit = false;
};

/// SHA-256 of a data set, a file after the other.
class Hasher {
public:
  Status add(const Part &part) {
    for (size_t i = 0; i < part.size(); ++i) {
      auto type = part.type(i);
      if (!type)
        return type.takeStatus();
      begin(part.name(i), *type, part.dims(i));
      TENON_RETURN_IF_ERROR(part.visit(i, [&](const Tensor &tensor) { add(tensor); }));
    }
    return Status::success();
  }
  void begin(const std::string &name, ElementType type, const std::vector<int64_t> &dims) {
    text(name);
    text(elementName(type));
    std::string extents;
    for (int64_t dim : dims)
      extents += std::to_string(dim) + ",";
    text(extents);
  }
  void add(const Tensor &tensor) { sha.update(tensor.data.get(), size_t(tensor.bytes())); }
  std::string finish() {
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (uint8_t byte : sha.finish()) {
      hex += digits[byte >> 4];
      hex += digits[byte & 15];
    }
    return hex;
  }

private:
  /// With an end, so that no two lists of texts give the same bytes.
  void text(std::string_view value) {
    sha.update(value.data(), value.size());
    sha.update("", 1);
  }
  Sha256 sha;
};

Status forEachPart(const std::string &path, const std::function<Status(const Part &)> &use, int64_t *files = nullptr) {
  auto paths = listDataFiles(path);
  if (!paths)
    return paths.takeStatus();
  const bool inFolder = paths->size() != 1 || paths->front() != path;
  if (files)
    *files = int64_t(paths->size());
  for (const std::string &each : *paths) {
    auto part = Part::open(each, inFolder);
    if (!part)
      return part.takeStatus();
    TENON_RETURN_IF_ERROR(use(*part));
  }
  return Status::success();
}

/// Adds the header of array i to a field of its name.
Status addDims(const Part &part, size_t i, FieldSummary &field, bool isNew) {
  auto type = part.type(i);
  if (!type)
    return type.takeStatus();
  const std::vector<int64_t> dims = part.sampleDims(i);
  if (isNew) {
    field.name = part.name(i);
    field.type = *type;
    field.dims = dims;
    field.isNumber = isNumber(*type);
    return Status::success();
  }
  if (field.type != *type)
    return Status::error("TN9053",
                         "array '" + field.name + "' has type " + std::string(elementName(*type)) +
                             " in one file and " + std::string(elementName(field.type)) + " in another",
                         "", "convert one of them with numpy.astype");
  field.isRanked &= field.dims.size() == dims.size();
  if (!field.isRanked)
    field.dims.clear();
  for (size_t k = 0; k < field.dims.size(); ++k)
    field.dims[k] = field.dims[k] == dims[k] ? dims[k] : -1;
  return Status::success();
}

void addValues(FieldSummary &field, const Tensor &tensor) {
  const int64_t count = tensor.elements();
  if (!field.isNumber)
    return;
  for (int64_t i = 0; i < count; ++i) {
    const double x = loadNumber(tensor, i);
    if (!(std::abs(x) <= std::numeric_limits<double>::max())) {
      ++field.nonFinite;
      continue;
    }
    field.min = field.values ? std::min(field.min, x) : x;
    field.max = field.values ? std::max(field.max, x) : x;
    ++field.values;
    field.mean += (x - field.mean) / double(field.values);
  }
}

} // namespace

Expected<DataSummary> summarizeData(const std::string &path) {
  DataSummary summary;
  std::map<std::string, FieldSummary> fields;
  Hasher hasher;
  auto add = [&](const Part &part) {
    summary.samples += part.samples();
    for (size_t i = 0; i < part.size(); ++i) {
      auto [it, isNew] = fields.try_emplace(part.name(i));
      FieldSummary &field = it->second;
      TENON_RETURN_IF_ERROR(addDims(part, i, field, isNew));
      hasher.begin(part.name(i), field.type, part.dims(i));
      TENON_RETURN_IF_ERROR(part.visit(i, [&](const Tensor &tensor) {
        addValues(field, tensor);
        hasher.add(tensor);
      }));
    }
    return Status::success();
  };
  TENON_RETURN_IF_ERROR(forEachPart(path, add, &summary.files));
  for (auto &[name, field] : fields)
    summary.fields.push_back(std::move(field));
  summary.hash = hasher.finish();
  return summary;
}

Expected<std::string> hashData(const std::string &path) {
  Hasher hasher;
  TENON_RETURN_IF_ERROR(forEachPart(path, [&](const Part &part) { return hasher.add(part); }));
  return hasher.finish();
}

Expected<int64_t> countSamples(const std::string &path) {
  int64_t count = 0;
  TENON_RETURN_IF_ERROR(forEachPart(path, [&](const Part &part) {
    count += part.samples();
    return Status::success();
  }));
  return count;
}

//===----------------------------------------------------------------------===//
// Writing a part of a data set
//===----------------------------------------------------------------------===//

namespace {

/// Copies chosen samples of one array after the other: a pass over the files for each.
class SampleWriter {
public:
  SampleWriter(const std::string &path, std::span<const int64_t> samples) : path(path), samples(samples) {}

  /// All but the name of the file.
  Expected<std::unique_ptr<ZipWriter>> run(const std::string &output) {
    TENON_RETURN_IF_ERROR(collect());
    auto created = ZipWriter::create(output);
    if (!created)
      return created.takeStatus();
    for (auto &[name, field] : fields) {
      std::vector<int64_t> dims = field.dims;
      if (!isScalar[name])
        dims.insert(dims.begin(), int64_t(samples.size()));
      TENON_RETURN_IF_ERROR(writeField(**created, name, field.type, dims));
    }
    TENON_RETURN_IF_ERROR((*created)->close());
    return created;
  }

private:
  Status collect() {
    int64_t parts = 0;
    return forEachPart(path, [&](const Part &part) {
      if (part.size() == 1 && part.name(0) == "image")
        return cannotStack("images are not copied");
      for (size_t i = 0; i < part.size(); ++i) {
        auto [it, isNew] = fields.try_emplace(part.name(i));
        if (isNew && parts != 0)
          return cannotStack("array '" + part.name(i) + "' is not in all files");
        TENON_RETURN_IF_ERROR(addDims(part, i, it->second, isNew));
        if (!it->second.isRanked || std::count(it->second.dims.begin(), it->second.dims.end(), -1))
          return cannotStack("samples of array '" + part.name(i) + "' have different extents");
        isScalar[part.name(i)] = part.dims(i).empty() && part.samples() != 1;
      }
      if (part.size() != fields.size())
        return cannotStack("not all files have the same arrays");
      ++parts;
      return Status::success();
    });
  }

  Status cannotStack(const std::string &why) const {
    return Status::error("TN9053", "samples of '" + path + "' cannot be stacked: " + why, "",
                         "write a folder with one .npz for each batch");
  }

  Status writeField(ZipWriter &zip, const std::string &name, ElementType type, const std::vector<int64_t> &dims) const {
    Tensor whole;
    whole.type = type;
    whole.dims = dims;
    const std::string header = makeNpyHeader(type, dims);
    if (whole.bytes() < 0)
      return Status::outOfMemory();
    TENON_RETURN_IF_ERROR(
        zip.begin((name.empty() ? "samples" : name) + ".npy", header.size() + uint64_t(whole.bytes())));
    TENON_RETURN_IF_ERROR(zip.write(header.data(), header.size()));
    int64_t first = 0;
    bool isDone = false;
    return forEachPart(path, [&](const Part &part) {
      size_t i = 0;
      while (part.name(i) != name)
        ++i;
      auto put = [&](Expected<Tensor> tensor) {
        return tensor ? zip.write(tensor->data.get(), uint64_t(tensor->bytes())) : tensor.takeStatus();
      };
      const auto begin = std::lower_bound(samples.begin(), samples.end(), first);
      const auto end = std::lower_bound(begin, samples.end(), first + part.samples());
      const int64_t start = std::exchange(first, first + part.samples());
      if (!part.isSampled(i)) {
        const bool isWanted = !isDone && (begin != end || isScalar.at(name));
        isDone |= isScalar.at(name);
        return isWanted ? put(part.read(i)) : Status::success();
      }
      for (auto it = begin; it != end; ++it)
        TENON_RETURN_IF_ERROR(put(part.readRows(i, *it - start, *it - start + 1)));
      return Status::success();
    });
  }

  const std::string &path;
  std::span<const int64_t> samples;
  std::map<std::string, FieldSummary> fields;
  std::map<std::string, bool> isScalar; ///< one value for all samples
};

} // namespace

Status writeSamples(const std::string &path, std::span<const SamplePart> parts) {
  std::vector<std::unique_ptr<ZipWriter>> files;
  for (const SamplePart &part : parts) {
    auto written = SampleWriter(path, part.samples).run(part.output);
    if (!written)
      return written.takeStatus();
    files.push_back(std::move(*written));
  }
  for (const std::unique_ptr<ZipWriter> &file : files)
    TENON_RETURN_IF_ERROR(file->finish());
  return Status::success();
}

} // namespace tenon::data
