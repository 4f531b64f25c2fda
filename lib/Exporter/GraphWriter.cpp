//===- GraphWriter.cpp - Nodes, names and initializers ---------------------===//
#include "GraphWriter.h"
#include "Graph/IR/InputElement.h"
#include "Graph/IR/ScalarAttribute.h"
#include "tenon/Support/Errors.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {

int32_t getOnnxType(Type type) {
  using T = onnx::TensorProto;
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return T::BOOL;
    case 2:
      return isUnsigned ? T::UINT2 : T::INT2;
    case 4:
      return isUnsigned ? T::UINT4 : T::INT4;
    case 8:
      return isUnsigned ? T::UINT8 : T::INT8;
    case 16:
      return isUnsigned ? T::UINT16 : T::INT16;
    case 32:
      return isUnsigned ? T::UINT32 : T::INT32;
    case 64:
      return isUnsigned ? T::UINT64 : T::INT64;
    default:
      return T::UNDEFINED;
    }
  }
  return llvm::TypeSwitch<Type, int32_t>(type)
      .Case<Float32Type>([](auto) { return T::FLOAT; })
      .Case<Float64Type>([](auto) { return T::DOUBLE; })
      .Case<Float16Type>([](auto) { return T::FLOAT16; })
      .Case<BFloat16Type>([](auto) { return T::BFLOAT16; })
      .Case<Float8E4M3FNType>([](auto) { return T::FLOAT8E4M3FN; })
      .Case<Float8E4M3FNUZType>([](auto) { return T::FLOAT8E4M3FNUZ; })
      .Case<Float8E5M2Type>([](auto) { return T::FLOAT8E5M2; })
      .Case<Float8E5M2FNUZType>([](auto) { return T::FLOAT8E5M2FNUZ; })
      .Case<Float8E8M0FNUType>([](auto) { return T::FLOAT8E8M0; })
      .Case<Float4E2M1FNType>([](auto) { return T::FLOAT4E2M1; })
      .Default([](Type) { return T::UNDEFINED; });
}

Name GraphWriter::fresh(StringRef stem) {
  Name name;
  do
    name = (stem + Twine(++counter)).str();
  while (!taken.insert(name).second);
  return name;
}

void GraphWriter::setLocation(Location loc) {
  auto named = dyn_cast<NameLoc>(loc);
  location = named ? named.getName().str() : std::string();
}

static void setAttribute(onnx::AttributeProto &proto, const Attribute &attribute) {
  using Proto = onnx::AttributeProto;
  proto.set_name(attribute.name);
  if (const auto *i = std::get_if<int64_t>(&attribute.value)) {
    proto.set_type(Proto::INT);
    proto.set_i(*i);
  } else if (const auto *f = std::get_if<double>(&attribute.value)) {
    proto.set_type(Proto::FLOAT);
    proto.set_f(float(*f));
  } else if (const auto *s = std::get_if<std::string>(&attribute.value)) {
    proto.set_type(Proto::STRING);
    proto.set_s(*s);
  } else if (const auto *ints = std::get_if<Ints>(&attribute.value)) {
    proto.set_type(Proto::INTS);
    for (int64_t value : *ints)
      proto.add_ints(value);
  } else if (const auto *floats = std::get_if<Floats>(&attribute.value)) {
    proto.set_type(Proto::FLOATS);
    for (float value : *floats)
      proto.add_floats(value);
  } else if (const auto *graph = std::get_if<Graph>(&attribute.value)) {
    proto.set_type(Proto::GRAPH);
    *proto.mutable_g() = **graph;
  } else {
    proto.set_type(Proto::STRINGS);
    for (const std::string &value : std::get<Strings>(attribute.value))
      proto.add_strings(value);
  }
}

std::vector<Name> GraphWriter::addMany(StringRef op, ArrayRef<Name> operands, size_t results,
                                       ArrayRef<Attribute> attributes) {
  onnx::NodeProto &node = *graph->add_node();
  node.set_op_type(op.str());
  if (!location.empty()) { // several nodes may stand for one
    Name name = location;
    for (int copy = 1; !nodeNames.insert(name).second; ++copy)
      name = location + "_" + std::to_string(copy);
    node.set_name(name);
  }
  while (!operands.empty() && operands.back().empty())
    operands = operands.drop_back();
  for (const Name &operand : operands)
    node.add_input(operand);
  std::vector<Name> made;
  for (size_t i = 0; i < results; ++i)
    node.add_output(made.emplace_back(fresh("t")));
  for (const Attribute &attribute : attributes)
    setAttribute(*node.add_attribute(), attribute);
  return made;
}

Name GraphWriter::add(StringRef op, ArrayRef<Name> operands, ArrayRef<Attribute> attributes) {
  return addMany(op, operands, 1, attributes).front();
}

void GraphWriter::addNamed(StringRef op, ArrayRef<Name> operands, const Name &result) {
  addMany(op, operands, 1);
  *graph->mutable_node()->rbegin()->mutable_output(0) = result;
}

GraphWriter::Scope GraphWriter::enter(func::FuncOp function) {
  Scope inner;
  inner.arguments.assign(function.getArguments().begin(), function.getArguments().end());
  inner.symbols = function->getAttrOfType<ArrayAttr>(symbolsAttr);
  return std::exchange(scope, std::move(inner));
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Name GraphWriter::constant(ElementsAttr value) {
  Name &name = constants[value];
  if (!name.empty())
    return name;
  auto tensor = reference::constantToTensor(value);
  if (failed(tensor))
    return {};
  name = fresh("c");
  onnx::TensorProto &proto = *root.add_initializer();
  proto.set_name(name);
  proto.set_data_type(getOnnxType(value.getElementType()));
  for (int64_t extent : value.getShapedType().getShape())
    proto.add_dims(extent);
  weights.push_back({root.initializer_size() - 1, std::move(*tensor)});
  return name;
}

Name GraphWriter::number(Type elementType, double value) { return constant(scalarAttribute(elementType, value)); }

Name GraphWriter::integers(const Ints &values) {
  auto type = RankedTensorType::get({int64_t(values.size())}, IntegerType::get(context, 64));
  return constant(DenseElementsAttr::get(type, ArrayRef<int64_t>(values)));
}

Name GraphWriter::integer(int64_t value) { return integers({value}); }

/// The tensor's bytes as ONNX stores them, in `packed` where they are others: numbers of 4 and 2 bits share a byte, the
/// first at its low end.
static StringRef pack(const reference::HostTensor &tensor, int32_t type, std::string &packed) {
  using T = onnx::TensorProto;
  const char *bytes = tensor.bytes();
  const size_t count = size_t(tensor.getNumBytes());
  const unsigned bits = llvm::is_contained({T::INT4, T::UINT4, T::FLOAT4E2M1}, type) ? 4
                        : llvm::is_contained({T::INT2, T::UINT2}, type)              ? 2
                                                                                     : 8;
  if (bits == 8)
    return StringRef(bytes, count);
  const size_t each = 8 / bits;
  packed.assign((count + each - 1) / each, '\0');
  for (size_t i = 0; i < count; ++i)
    packed[i / each] = char(packed[i / each] | (bytes[i] & ((1 << bits) - 1)) << (i % each * bits));
  return packed;
}

LogicalResult GraphWriter::writeWeights(const ExportOptions &options, Location loc) {
  uint64_t total = 0;
  std::string packed;
  for (const auto &[index, tensor] : weights)
    total += uint64_t(tensor.getNumBytes());
  if (options.weightsPath.empty() && total > options.maxEmbeddedBytes)
    return emitError(loc, Code::WeightsTooLarge) << total << " bytes of weights do not fit into one ONNX file";
  if (options.weightsPath.empty()) {
    for (const auto &[index, tensor] : weights)
      root.mutable_initializer(index)->set_raw_data(pack(tensor, root.initializer(index).data_type(), packed).str());
    return success();
  }
  std::error_code error;
  llvm::raw_fd_ostream out(options.weightsPath, error);
  if (error)
    return emitError(loc, Code::WeightsTooLarge) << "cannot write the weights: " << error.message();
  uint64_t offset = 0;
  for (const auto &[index, tensor] : weights) {
    onnx::TensorProto &proto = *root.mutable_initializer(index);
    auto add = [&](const char *key, const std::string &value) {
      onnx::StringStringEntryProto &entry = *proto.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    add("location", llvm::sys::path::filename(options.weightsPath).str());
    add("offset", std::to_string(offset));
    const StringRef bytes = pack(tensor, proto.data_type(), packed);
    add("length", std::to_string(bytes.size()));
    out << bytes;
    offset += bytes.size();
    constexpr uint64_t page = 4096; // so that readers can map it
    out.write_zeros(unsigned((page - offset % page) % page));
    offset = (offset + page - 1) / page * page;
  }
  out.close();
  if (out.has_error())
    return emitError(loc, Code::WeightsTooLarge) << "cannot write the weights: " << out.error().message();
  return success();
}

//===----------------------------------------------------------------------===//
// Small compositions
//===----------------------------------------------------------------------===//

Name GraphWriter::cast(Name x, Type elementType) {
  return add("Cast", {x}, {{"to", int64_t(getOnnxType(elementType))}});
}

Name GraphWriter::reshape(Name x, ArrayRef<DimAttr> dims) {
  return add("Reshape", {x, shape(dims)}, {{"allowzero", int64_t(1)}});
}

Name GraphWriter::slice(Name x, int64_t axis, int64_t start, int64_t end) {
  return add("Slice", {x, integer(start), integer(end), integer(axis)});
}

} // namespace tenon::exporter
