//===- Dataset.cpp - A stream of samples for a model ----------------------===//
#include "tenon/Data/Dataset.h"

#include "ImageInput.h"
#include "tenon/Data/ArrayFile.h"

#include <algorithm>

using namespace tenon::runtime;

namespace tenon::data {
namespace {

Status misfit(const std::string &what, const std::string &remedy) { return Status::error("TN9053", what, "", remedy); }

std::string formatDims(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (i ? ", " : "") + (dims[i] < 0 ? std::string("?") : std::to_string(dims[i]));
  return text + "]";
}

/// How the axes of an array are meant; see the header.
enum class Form { Whole, Sampled, Stacked };

class FileDataset final : public Dataset {
public:
  FileDataset(std::vector<std::string> files, std::vector<TensorInfo> inputs, DatasetOptions options)
      : files(std::move(files)), inputs(std::move(inputs)), options(std::move(options)) {
    findSampleSymbol();
    rewind();
  }

  void rewind() override {
    nextFile = 0;
    given = 0;
    file.reset();
  }

  void limitBatch(int64_t samples) override { batchLimit = samples > 0 ? samples : INT64_MAX; }

  Expected<std::optional<Batch>> next() override {
    while (true) {
      const int64_t left = options.limit ? *options.limit - given : INT64_MAX;
      if (left <= 0)
        return std::optional<Batch>();
      if (file && row < samples)
        return take(std::min(left, samples - row));
      if (nextFile == files.size())
        return std::optional<Batch>();
      if (isImageFile(files[nextFile]))
        return takeImages(left);
      TENON_RETURN_IF_ERROR(open(files[nextFile++]));
    }
  }

private:
  /// An array of the open file that is an input, or a target.
  struct Use {
    size_t array;
    Form form;
    ElementType type;
  };

  void findSampleSymbol() {
    for (const TensorInfo &input : inputs)
      if (!input.dims.empty() && input.dims[0] < 0) {
        hasSampleSymbol = true;
        sampleSymbol = input.dimNames.empty() ? "" : input.dimNames[0];
        return;
      }
  }
  bool isSampled(const TensorInfo &input) const {
    return hasSampleSymbol && !input.dims.empty() && input.dims[0] < 0 &&
           (input.dimNames.empty() ? "" : input.dimNames[0]) == sampleSymbol;
  }

  Status checkDims(const TensorInfo &input, const std::vector<int64_t> &dims, size_t skipped, size_t from) const {
    for (size_t i = from; i < input.dims.size(); ++i)
      if (input.dims[i] >= 0 && input.dims[i] != dims[i + skipped])
        return misfit("'" + file->path() + "': input '" + input.name + "' has extents " + formatDims(dims) +
                          ", the model takes " + formatDims(input.dims),
                      "give arrays with the extents that `tenon inspect` lists, or one more leading axis of samples");
    return Status::success();
  }

  Status bind(const TensorInfo &input, int array, Use &use) const {
    if (array < 0)
      return misfit("'" + file->path() + "' has no array for input '" + input.name + "'",
                    "name the arrays after the inputs that `tenon inspect` lists");
    use.array = size_t(array);
    auto type = file->type(use.array, input.type);
    if (!type)
      return type.takeStatus();
    use.type = *type;
    if (*type != input.type)
      return misfit("'" + file->path() + "': input '" + input.name + "' has type " + std::string(elementName(*type)) +
                        ", the model takes " + std::string(elementName(input.type)),
                    "convert the array with numpy.astype");
    const std::vector<int64_t> &dims = file->arrays()[use.array].header.dims;
    if (dims.size() == input.dims.size() + 1) {
      use.form = Form::Stacked;
      return checkDims(input, dims, 1, 0);
    }
    if (dims.size() != input.dims.size())
      return misfit("'" + file->path() + "': input '" + input.name + "' has rank " + std::to_string(dims.size()) +
                        ", the model takes rank " + std::to_string(input.dims.size()),
                    "give arrays with the extents that `tenon inspect` lists, or one more leading axis of samples");
    use.form = isSampled(input) ? Form::Sampled : Form::Whole;
    return checkDims(input, dims, 0, use.form == Form::Sampled ? 1 : 0);
  }

  Status countSamples() {
    samples = -1;
    isStacked = false;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputUses[i].form == Form::Whole)
        continue;
      const int64_t rows = file->arrays()[inputUses[i].array].rows();
      isStacked |= inputUses[i].form == Form::Stacked;
      if (samples >= 0 && rows != samples)
        return misfit("'" + file->path() + "': input '" + inputs[i].name + "' has " + std::to_string(rows) +
                          " samples, another input has " + std::to_string(samples),
                      "give equally many samples of every input");
      samples = rows;
    }
    hasSamples = samples >= 0;
    samples = std::max<int64_t>(samples, hasSamples ? 0 : 1);
    return Status::success();
  }

  Status open(const std::string &path) {
    auto opened = ArrayFile::open(path);
    if (!opened)
      return opened.takeStatus();
    file = std::move(*opened);
    row = 0;
    inputUses.assign(inputs.size(), {});
    targets.clear();
    const bool isSingle = file->arrays().size() == 1 && file->arrays()[0].name.empty() && inputs.size() == 1;
    for (size_t i = 0; i < inputs.size(); ++i)
      TENON_RETURN_IF_ERROR(bind(inputs[i], isSingle ? 0 : file->find(inputs[i].name), inputUses[i]));
    TENON_RETURN_IF_ERROR(countSamples());
    for (size_t i = 0; i < file->arrays().size(); ++i) {
      if (std::any_of(inputUses.begin(), inputUses.end(), [&](const Use &use) { return use.array == i; }))
        continue;
      auto type = file->type(i, ElementType::BF16);
      if (!type) // text, say: no target
        continue;
      targets.push_back({i, hasSamples && file->arrays()[i].rows() == samples ? Form::Sampled : Form::Whole, *type});
    }
    return Status::success();
  }

  Expected<Tensor> read(const Use &use, int64_t count) {
    if (use.form == Form::Whole)
      return file->read(use.array, use.type);
    auto rows = file->readRows(use.array, row, row + count, use.type);
    if (rows && use.form == Form::Stacked)
      rows->dims.erase(rows->dims.begin());
    return rows;
  }

  Expected<std::optional<Batch>> take(int64_t atMost) {
    Batch batch;
    batch.samples = isStacked ? 1 : std::min({atMost, options.batch, batchLimit});
    for (size_t i = 0; i < inputs.size(); ++i) {
      auto tensor = read(inputUses[i], batch.samples);
      if (!tensor)
        return tensor.takeStatus();
      batch.inputs.push_back({inputs[i].name, std::move(*tensor)});
    }
    for (const Use &use : targets) {
      auto tensor = read(use, batch.samples);
      if (!tensor)
        return tensor.takeStatus();
      batch.targets.push_back({file->arrays()[use.array].name, std::move(*tensor)});
    }
    row += batch.samples;
    given += batch.samples;
    return std::optional<Batch>(std::move(batch));
  }

  Expected<std::optional<Batch>> takeImages(int64_t atMost) {
    if (inputs.size() != 1)
      return misfit("images are for models with one input, this one has " + std::to_string(inputs.size()),
                    "give a .npz with an array for each input");
    auto form = ImageInput::create(inputs[0], options.images);
    if (!form)
      return form.takeStatus();
    const size_t count =
        std::min<size_t>(files.size() - nextFile, size_t(form->imagesAtOnce(std::min(options.batch, batchLimit))));
    const std::vector<std::string> paths(files.begin() + nextFile, files.begin() + nextFile + count);
    if (atMost < int64_t(count) && inputs[0].dims[0] < 0)
      return takeImages(atMost, *form, {paths.begin(), paths.begin() + atMost});
    return takeImages(atMost, *form, paths);
  }

  Expected<std::optional<Batch>> takeImages(int64_t, const ImageInput &form, std::span<const std::string> paths) {
    auto tensor = form.read(paths);
    if (!tensor)
      return tensor.takeStatus();
    nextFile += paths.size();
    given += int64_t(paths.size());
    Batch batch;
    batch.samples = int64_t(paths.size());
    batch.inputs.push_back({inputs[0].name, std::move(*tensor)});
    return std::optional<Batch>(std::move(batch));
  }

  const std::vector<std::string> files;
  const std::vector<TensorInfo> inputs;
  const DatasetOptions options;
  bool hasSampleSymbol = false;
  std::string sampleSymbol;
  size_t nextFile = 0;
  int64_t given = 0;              ///< samples so far
  int64_t batchLimit = INT64_MAX; ///< see limitBatch
  std::unique_ptr<ArrayFile> file;
  std::vector<Use> inputUses, targets; ///< of the open file
  int64_t row = 0, samples = 0;        ///< of the open file
  bool hasSamples = false, isStacked = false;
};

class MemoryDataset final : public Dataset {
public:
  explicit MemoryDataset(std::vector<Batch> batches) : batches(std::move(batches)) {}
  void rewind() override { at = 0; }
  Expected<std::optional<Batch>> next() override {
    return at == batches.size() ? std::optional<Batch>() : std::optional<Batch>(batches[at++]);
  }

private:
  std::vector<Batch> batches;
  size_t at = 0;
};

} // namespace

Expected<std::unique_ptr<Dataset>> openDataset(const std::string &path, std::vector<TensorInfo> inputs,
                                               const DatasetOptions &options) {
  for (const TensorInfo &input : inputs)
    if (input.kind != ValueKind::Tensor || !input.isRanked)
      return misfit("input '" + input.name + "' is a sequence, or a tensor of unknown rank",
                    "data sets are for models that take tensors");
  auto files = listDataFiles(path);
  if (!files)
    return files.takeStatus();
  return std::unique_ptr<Dataset>(new FileDataset(std::move(*files), std::move(inputs), options));
}

std::unique_ptr<Dataset> makeDataset(std::vector<Batch> batches) {
  return std::make_unique<MemoryDataset>(std::move(batches));
}

} // namespace tenon::data
