//===- Inputs.cpp - The inputs of a run: from files, or drawn -------------===//
#include "common/Inputs.h"

#include "common/Page.h"
#include "tenon/Data/Npy.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstring>

using llvm::StringRef;
using tenon::runtime::NamedTensor;
using tenon::runtime::Tensor;
using tenon::runtime::TensorInfo;

namespace tenon::tools {

static Status badShape(StringRef text) {
  return Status::error("TN9003", "--shape: expected NAME=1x3x224x224, found '" + text.str() + "'", "",
                       "write the extents of the input as numbers with x between them");
}

Expected<ShapeArgument> parseShape(StringRef text) {
  auto [name, extents] = text.rsplit('=');
  if (name.empty() || !text.contains('='))
    return badShape(text);
  ShapeArgument shape;
  shape.name = name.str();
  shape.fixed = extents.consume_back("!");
  llvm::SmallVector<StringRef> parts;
  if (!extents.empty())
    extents.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim < 0)
      return badShape(text);
    shape.dims.push_back(dim);
  }
  return shape;
}

Expected<std::vector<ShapeSet>> parseShapeSets(llvm::ArrayRef<std::string> arguments) {
  std::vector<ShapeSet> sets(1);
  for (const std::string &argument : arguments) {
    Expected<ShapeArgument> shape = parseShape(argument);
    if (!shape)
      return shape.takeStatus();
    const auto free = llvm::find_if(sets, [&](const ShapeSet &set) { return !set.count(shape->name); });
    ShapeSet &set = free == sets.end() ? sets.emplace_back() : *free;
    set[shape->name] = std::move(*shape);
  }
  return sets;
}

Expected<std::vector<NamedTensor>> readInputs(llvm::ArrayRef<std::string> arguments,
                                              llvm::ArrayRef<TensorInfo> declared) {
  std::vector<NamedTensor> inputs;
  for (const std::string &argument : arguments) {
    const TensorInfo *match = nullptr;
    for (const TensorInfo &info : declared)
      if (StringRef(argument).starts_with(info.name + "=") && (!match || info.name.size() > match->name.size()))
        match = &info;
    if (!match) {
      std::string names;
      for (const TensorInfo &info : declared)
        names += (names.empty() ? "'" : ", '") + info.name + "'";
      return Status::error("TN7003", "--input " + argument + " names none of the inputs " + names, "",
                           "write --input NAME=FILE.npy with a name that `tenon inspect` lists");
    }
    Expected<Tensor> tensor = data::readNpy(argument.substr(match->name.size() + 1), match->type);
    if (!tensor)
      return tensor.takeStatus();
    inputs.push_back({match->name, std::move(*tensor)});
  }
  return inputs;
}

/// IEEE binary16 of a small normal number; truncates.
static uint16_t toHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const uint32_t sign = bits >> 16 & 0x8000;
  const int exponent = int(bits >> 23 & 255) - 127 + 15;
  return uint16_t(exponent <= 0 ? sign : sign | uint32_t(exponent) << 10 | (bits >> 13 & 0x3ff));
}

static void store(const Tensor &tensor, int64_t index, double value) {
  const float single = float(value);
  uint32_t bits;
  std::memcpy(&bits, &single, 4);
  if (tensor.type == ElementType::F32)
    tensor.as<float>()[index] = single;
  else if (tensor.type == ElementType::F64)
    tensor.as<double>()[index] = value;
  else
    tensor.as<uint16_t>()[index] = tensor.type == ElementType::BF16 ? uint16_t(bits >> 16) : toHalf(single);
}

static void drawFloats(const Tensor &tensor, Random &random) {
  for (int64_t i = 0; i < tensor.elements(); ++i)
    store(tensor, i, random.normal());
}

/// The axis of one or three colours: 1 (NCHW), 3 (NHWC), or -1 where these are no images.
static int colourAxis(const std::vector<int64_t> &dims) {
  for (int axis : {1, 3})
    if (dims.size() == 4 && (dims[axis] == 1 || dims[axis] == 3))
      return axis;
  return -1;
}

/// A page for each image, in all colours alike, and noise of its own for each element.
static void drawImages(const Tensor &tensor, Random &random, int colours) {
  const int64_t height = tensor.dims[colours == 1 ? 2 : 1], width = tensor.dims[colours == 1 ? 3 : 2];
  const int64_t planes = tensor.dims[colours], pixels = height * width;
  for (int64_t image = 0; image < tensor.dims[0]; ++image) {
    const std::vector<float> page = drawPage(random, height, width);
    const int64_t first = image * planes * pixels;
    for (int64_t i = 0; i < planes * pixels; ++i)
      store(tensor, first + i, page[colours == 1 ? i % pixels : i / planes] + 0.025 * random.normal());
  }
}

static void drawIntegers(const Tensor &tensor, Random &random, const DrawRule &rule) {
  const int64_t size = elementSize(tensor.type);
  const int64_t row = tensor.dims.empty() ? 1 : tensor.dims.back();
  // A value has to fit its type: a table of 30,000 rows may be read by an int8 input.
  const int64_t fits = size >= 8 ? INT64_MAX : (int64_t(1) << (8 * size - 1)) - 1;
  const int64_t bound = tensor.type == ElementType::Bool ? 0 : std::min(rule.bound, fits);
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    const uint64_t drawn = random.next() >> 1;
    const int64_t value = bound > 0 ? int64_t(drawn % uint64_t(bound)) : i % row == 0 ? 1 : int64_t(drawn >> 20 & 1);
    std::memcpy(tensor.as<char>() + i * size, &value, size_t(size)); // little endian
  }
}

/// Each input has numbers of its own, whichever others there are or are given: FNV-1a of its name, from the seed.
static uint64_t seedOf(StringRef name, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char byte : name)
    hash = (hash ^ uint8_t(byte)) * 0x100000001b3;
  return hash;
}

static Expected<Tensor> draw(const TensorInfo &info, const std::vector<int64_t> &dims, uint64_t seed,
                             const DrawRule &rule) {
  Expected<Tensor> tensor = Tensor::allocate(info.type, dims);
  if (!tensor || tensor->elements() == 0)
    return tensor;
  Random random(seed);
  if (info.type <= ElementType::BF16 && colourAxis(dims) >= 0)
    drawImages(*tensor, random, colourAxis(dims));
  else if (info.type <= ElementType::BF16)
    drawFloats(*tensor, random);
  else
    drawIntegers(*tensor, random, rule);
  return tensor;
}

static Status wrongShape(const TensorInfo &info, const std::vector<int64_t> &dims) {
  return Status::error("TN7007", "the shape " + formatDims(dims) + " does not fit input '" + info.name + "'", "",
                       "see the inputs with `tenon inspect`");
}

/// Binds the names of dynamic dimensions to the extents known.
static Status bind(const TensorInfo &info, const std::vector<int64_t> &dims, std::map<std::string, int64_t> &symbols) {
  if (!info.isRanked)
    return Status::success();
  if (dims.size() != info.dims.size())
    return wrongShape(info, dims);
  for (size_t k = 0; k < dims.size(); ++k) {
    if (info.dims[k] >= 0 && info.dims[k] != dims[k])
      return wrongShape(info, dims);
    if (info.dims[k] < 0 && !info.dimNames[k].empty() && !symbols.try_emplace(info.dimNames[k], dims[k]).second &&
        symbols[info.dimNames[k]] != dims[k])
      return wrongShape(info, dims);
  }
  return Status::success();
}

/// What a dynamic dimension is where nobody said: a size that is quick, and that strided networks divide well.
static int64_t defaultExtent(const TensorInfo &info, size_t axis, int64_t samples) {
  if (axis == 0)
    return samples;
  return info.dims.size() == 4 ? 64 : 16;
}

/// The tensor for this input, or null.
static const Tensor *findTensor(llvm::ArrayRef<NamedTensor> given, StringRef name) {
  const auto *found = llvm::find_if(given, [&](const NamedTensor &each) { return each.name == name; });
  return found == given.end() ? nullptr : &found->tensor;
}

static Status checkNames(llvm::ArrayRef<TensorInfo> declared, const ShapeSet &shapes) {
  for (const auto &entry : shapes)
    if (llvm::none_of(declared, [&](const TensorInfo &info) { return info.name == entry.first; }))
      return Status::error("TN7003", "--shape names '" + entry.first + "', which is no input of the model", "",
                           "see the inputs with `tenon inspect`");
  return Status::success();
}

/// Whether there is a tensor to draw: with a given shape, or one that is known but for some extents.
static Status checkDrawable(const TensorInfo &info, bool isGiven, bool hasShape) {
  if (info.kind == runtime::ValueKind::Sequence)
    return Status::error("TN9016", "input '" + info.name + "' is a sequence", "", "run the model with `tenon run`");
  if (!info.isRanked && !isGiven && !hasShape)
    return Status::error("TN9016", "the rank of input '" + info.name + "' is not known", "",
                         "give its extents with --shape, or a tensor with --input");
  return Status::success();
}

Expected<std::vector<std::vector<int64_t>>> completeShapes(llvm::ArrayRef<TensorInfo> declared, const ShapeSet &shapes,
                                                           llvm::ArrayRef<NamedTensor> given, int64_t samples) {
  TENON_RETURN_IF_ERROR(checkNames(declared, shapes));
  std::map<std::string, int64_t> symbols;
  for (const TensorInfo &info : declared) {
    if (const Tensor *tensor = findTensor(given, info.name))
      TENON_RETURN_IF_ERROR(bind(info, tensor->dims, symbols));
    if (const auto found = shapes.find(info.name); found != shapes.end())
      TENON_RETURN_IF_ERROR(bind(info, found->second.dims, symbols));
  }
  std::vector<std::vector<int64_t>> all;
  for (const TensorInfo &info : declared) {
    const Tensor *tensor = findTensor(given, info.name);
    const auto shape = shapes.find(info.name);
    TENON_RETURN_IF_ERROR(checkDrawable(info, tensor, shape != shapes.end()));
    std::vector<int64_t> dims = tensor ? tensor->dims : shape != shapes.end() ? shape->second.dims : info.dims;
    for (size_t k = 0; k < dims.size(); ++k)
      if (dims[k] < 0)
        dims[k] = info.dimNames[k].empty()
                      ? defaultExtent(info, k, samples)
                      : symbols.try_emplace(info.dimNames[k], defaultExtent(info, k, samples)).first->second;
    all.push_back(std::move(dims));
  }
  return all;
}

Expected<std::vector<NamedTensor>> completeInputs(std::vector<NamedTensor> given, llvm::ArrayRef<TensorInfo> declared,
                                                  const ShapeSet &shapes, uint64_t seed,
                                                  const std::map<std::string, DrawRule> &rules) {
  auto extents = completeShapes(declared, shapes, given);
  if (!extents)
    return extents.takeStatus();
  for (size_t i = 0; i < declared.size(); ++i) {
    const TensorInfo &info = declared[i];
    if (findTensor(given, info.name))
      continue;
    const auto rule = rules.find(info.name);
    Expected<Tensor> tensor =
        draw(info, (*extents)[i], seedOf(info.name, seed), rule == rules.end() ? DrawRule() : rule->second);
    if (!tensor)
      return tensor.takeStatus();
    given.push_back({info.name, std::move(*tensor)});
  }
  return given;
}

std::string formatDims(llvm::ArrayRef<int64_t> dims) {
  std::string text;
  for (int64_t dim : dims)
    text += (text.empty() ? "" : "x") + (dim < 0 ? "?" : std::to_string(dim));
  return dims.empty() ? "scalar" : text;
}

} // namespace tenon::tools
