//===- PlanToContainer.cpp - Writing a plan module ------------------------===//
#include "tenon/Conversion/PlanToContainer.h"

#include "Graph/IR/InputElement.h"
#include "Plan/IR/PlanOps.h"
#include "ScriptWriter.h"
#include "ShapeProgramBuilder.h"
#include "WeightBytes.h"
#include "tenon/Conversion/DispatchToPlan.h"
#include "tenon/Plan/ArenaPlacement.h"
#include "tenon/Plan/Writer.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using namespace tenon::plan_ir;

namespace {

class PlanWriter {
public:
  PlanWriter(ModuleOp module, const PlanOptions &options) : module(module), options(options) {}
  LogicalResult write(StringRef path);

private:
  LogicalResult report(const Status &status);
  LogicalResult addCode(ArrayRef<PlanCode> codes, std::vector<std::unique_ptr<plan::CodeObjectT>> &objects);
  void addKernels();
  LogicalResult addProgram(ProgramOp program);
  void addTensor(std::vector<std::unique_ptr<plan::TensorT>> &list, StringRef name, RankedTensorType type);
  LogicalResult addBuffer(Operation &op, plan::FunctionT &function);
  LogicalResult addWeight(WeightOp op, plan::BufferT &buffer);
  void addRecord(Operation &op, plan::FunctionT &function);
  std::unique_ptr<plan::TensorMapT> convert(TensorMapAttr map);
  plan::BufferRef refer(Value buffer, plan::FunctionT &function);
  void placeArena(plan::FunctionT &function, plan::BufferKind kind);

  ModuleOp module;
  const PlanOptions &options;
  std::unique_ptr<plan::ContainerWriter> container;
  plan::PlanT plan;
  llvm::StringMap<uint32_t> kernelIndex;
  ShapeProgramBuilder shapes;
  DenseMap<Value, uint32_t> bufferIndex;
  DenseMap<std::pair<Attribute, Attribute>, uint32_t> weightIndex; ///< of a value in a format
};

} // namespace

static std::unique_ptr<plan::LibraryCallT> convertCall(LibraryCallAttr call) {
  auto result = std::make_unique<plan::LibraryCallT>();
  auto operand = [](int64_t index) { return index < 0 ? UINT32_MAX : uint32_t(index); };
  result->library = call.getLibrary().getValue() == "cudnn" ? plan::Library::Cudnn : plan::Library::CublasLt;
  result->type = getElementType(call.getElement());
  result->tf32 = call.getTf32() != 0;
  result->x = operand(call.getX());
  result->w = operand(call.getW());
  result->bias = operand(call.getBias());
  result->residual = operand(call.getResidual());
  result->result = operand(call.getResult());
  StringRef activation = call.getActivation().getValue();
  result->activation = activation == "relu"   ? plan::Activation::Relu
                       : activation == "gelu" ? plan::Activation::Gelu
                                              : plan::Activation::None;
  result->transposed = call.getTransposed() != 0;
  for (int64_t value : call.getWindow().asArrayRef())
    result->window.push_back(uint32_t(value));
  result->workspace = uint64_t(call.getWorkspace());
  return result;
}

LogicalResult PlanWriter::report(const Status &status) {
  if (status.ok())
    return success();
  return module.emitError() << status.str();
}

LogicalResult PlanWriter::addCode(ArrayRef<PlanCode> codes, std::vector<std::unique_ptr<plan::CodeObjectT>> &objects) {
  for (const PlanCode &code : codes) {
    auto offset = container->addCode({reinterpret_cast<const uint8_t *>(code.object.data()), code.object.size()});
    if (!offset)
      return report(offset.status());
    auto object = std::make_unique<plan::CodeObjectT>();
    object->arch = code.arch;
    object->offset = *offset;
    object->length = code.object.size();
    objects.push_back(std::move(object));
  }
  return success();
}

void PlanWriter::addKernels() {
  for (auto op : module.getOps<KernelOp>()) {
    auto kernel = std::make_unique<plan::KernelT>();
    kernel->name = op.getSymName();
    kernel->buffers = op.getBuffers();
    kernel->params = op.getParams();
    kernel->threads = op.getThreads();
    kernel->maps = op.getMaps();
    kernel->host = op.getHost();
    if (auto codes = op.getCodes())
      kernel->codes.assign(codes->begin(), codes->end());
    if (auto call = op.getCallAttr())
      kernel->call = convertCall(call);
    for (auto node : op.getNodes().getAsRange<StringAttr>())
      kernel->nodes.push_back(node.str());
    kernelIndex[op.getSymName()] = plan.kernels.size();
    plan.kernels.push_back(std::move(kernel));
  }
}

void PlanWriter::addTensor(std::vector<std::unique_ptr<plan::TensorT>> &list, StringRef name, RankedTensorType type) {
  auto tensor = std::make_unique<plan::TensorT>();
  tensor->name = name;
  tensor->type = getElementType(type.getElementType());
  for (DimAttr dim : getDims(type)) {
    tensor->dims.push_back(shapes.value(dim));
    tensor->dim_names.push_back(dim.isSymbol() ? dim.getName().str() : "");
  }
  list.push_back(std::move(tensor));
}

LogicalResult PlanWriter::addWeight(WeightOp op, plan::BufferT &buffer) {
  buffer.kind = plan::BufferKind::Weight;
  auto [known, isNew] = weightIndex.try_emplace({op.getValue(), op.getFormatAttr()}, plan.weights.size());
  buffer.index = known->second;
  if (!isNew) { // of another function
    buffer.bytes = shapes.value(DimAttr::constant(op.getContext(), int64_t(plan.weights[buffer.index]->length)));
    return success();
  }
  WeightBytes bytes(op.getValue(), op.getFormat());
  auto offset =
      container->addWeight(bytes.size(), [&](const plan::ContainerWriter::Sink &sink) { return bytes.produce(sink); });
  if (!offset)
    return report(offset.status());
  auto weight = std::make_unique<plan::WeightT>();
  if (auto names = getNodeNames(op.getLoc()); !names.empty())
    weight->name = names.front();
  weight->offset = *offset;
  weight->length = bytes.size();
  buffer.bytes = shapes.value(DimAttr::constant(op.getContext(), bytes.size()));
  plan.weights.push_back(std::move(weight));
  return success();
}

static DimAttr tensorBytes(RankedTensorType type) {
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  return product(type.getContext(), getDims(type)) * bytes;
}

LogicalResult PlanWriter::addBuffer(Operation &op, plan::FunctionT &function) {
  auto buffer = std::make_unique<plan::BufferT>();
  auto caller = [&](plan::BufferKind kind, StringRef name, Type type,
                    std::vector<std::unique_ptr<plan::TensorT>> &tensors) {
    buffer->kind = kind;
    buffer->index = tensors.size();
    auto tensor = cast<RankedTensorType>(type);
    buffer->bytes = shapes.value(tensorBytes(tensor));
    addTensor(tensors, name, tensor);
  };
  if (auto input = dyn_cast<InputOp>(op)) {
    caller(plan::BufferKind::Input, input.getName(), input.getTensor(), function.inputs);
  } else if (auto output = dyn_cast<OutputOp>(op)) {
    caller(plan::BufferKind::Output, output.getName(), output.getTensor(), function.outputs);
  } else if (auto weight = dyn_cast<WeightOp>(op)) {
    if (failed(addWeight(weight, *buffer)))
      return failure();
  } else {
    auto arena = cast<ArenaOp>(op);
    buffer->kind = arena.getHost() ? plan::BufferKind::HostArena : plan::BufferKind::Arena;
    buffer->bytes = shapes.value(arena.getBytes());
  }
  buffer->first_record = UINT32_MAX;
  bufferIndex[op.getResult(0)] = function.buffers.size();
  function.buffers.push_back(std::move(buffer));
  return success();
}

plan::BufferRef PlanWriter::refer(Value value, plan::FunctionT &function) {
  uint32_t index = bufferIndex.lookup(value), record = function.records.size();
  plan::BufferT &buffer = *function.buffers[index];
  buffer.first_record = std::min(buffer.first_record, record);
  buffer.last_record = record;
  return {index, shapes.value(DimAttr::constant(module.getContext(), 0))};
}

std::unique_ptr<plan::TensorMapT> PlanWriter::convert(TensorMapAttr map) {
  auto result = std::make_unique<plan::TensorMapT>();
  result->buffer = map.getBuffer();
  result->type = getElementType(map.getElement());
  for (DimAttr extent : map.getExtents().getDims())
    result->extents.push_back(shapes.value(extent));
  for (DimAttr stride : map.getStrides().getDims())
    result->strides.push_back(shapes.value(stride));
  result->box.assign(map.getBox().asArrayRef().begin(), map.getBox().asArrayRef().end());
  result->swizzle = map.getSwizzle();
  return result;
}

void PlanWriter::addRecord(Operation &op, plan::FunctionT &function) {
  auto record = std::make_unique<plan::RecordT>();
  for (StringRef node : getNodeNames(op.getLoc()))
    record->nodes.push_back(node.str());
  if (auto launch = dyn_cast<LaunchOp>(op)) {
    plan::LaunchT data;
    data.kernel = kernelIndex.lookup(launch.getKernel());
    data.grid = shapes.value(launch.getGrid());
    for (Value buffer : launch.getBuffers())
      data.buffers.push_back(refer(buffer, function));
    for (DimAttr param : launch.getParams().getDims())
      data.params.push_back(shapes.value(param));
    if (auto maps = launch.getMaps())
      for (auto map : maps->getAsRange<TensorMapAttr>())
        data.maps.push_back(convert(map));
    if (auto codes = launch.getCodes())
      record->codes.assign(codes->begin(), codes->end());
    if (!launch.getScratch().isConstant(0))
      data.scratch = shapes.value(launch.getScratch());
    if (auto flops = launch.getFlopsAttr())
      data.flops = shapes.value(flops);
    if (auto traffic = launch.getTrafficAttr())
      data.traffic = shapes.value(traffic);
    record->operation.Set(std::move(data));
  } else if (auto copy = dyn_cast<CopyOp>(op)) {
    plan::CopyT data;
    data.source = std::make_unique<plan::BufferRef>(refer(copy.getSource(), function));
    data.target = std::make_unique<plan::BufferRef>(refer(copy.getTarget(), function));
    data.bytes = shapes.value(copy.getBytes());
    record->operation.Set(std::move(data));
  } else {
    auto check = cast<CheckOp>(op);
    plan::CheckT data;
    data.condition = shapes.equal(check.getLhs(), check.getRhs());
    data.message = check.getMessage();
    if (!record->nodes.empty())
      data.node = record->nodes.front();
    record->operation.Set(std::move(data));
  }
  function.records.push_back(std::move(record));
}

/// Fixes offsets at compile time where every size of an arena is a constant.
void PlanWriter::placeArena(plan::FunctionT &function, plan::BufferKind kind) {
  std::vector<plan::ArenaItem> items;
  std::vector<plan::BufferT *> placed;
  for (auto &buffer : function.buffers) {
    if (buffer->first_record == UINT32_MAX)
      buffer->first_record = buffer->last_record = 0;
    if (buffer->kind != kind)
      continue;
    const plan::ShapeInstr &bytes = function.shape[buffer->bytes];
    if (bytes.op() != plan::ShapeOp::Constant)
      return;
    items.push_back({bytes.imm(), buffer->first_record, buffer->last_record});
    placed.push_back(buffer.get());
  }
  plan::placeArena(items);
  for (auto [item, buffer] : llvm::zip(items, placed))
    buffer->offset = item.offset;
}

LogicalResult PlanWriter::addProgram(ProgramOp program) {
  auto function = std::make_unique<plan::FunctionT>();
  function->name = program.getSymName();
  shapes = ShapeProgramBuilder();
  for (auto input : program.getOps<InputOp>())
    for (auto [axis, dim] : llvm::enumerate(getDims(cast<RankedTensorType>(input.getTensor()))))
      if (dim.isSymbol())
        shapes.bind(dim.getName(), input.getIndex(), axis);
  if (auto symbols = program->getAttrOfType<ArrayAttr>(symbolsAttr)) // elements of the last input
    for (auto [i, symbol] : llvm::enumerate(symbols.getAsRange<StringAttr>()))
      shapes.bindElement(symbol, uint32_t(llvm::range_size(program.getOps<InputOp>())) - 1, uint32_t(i));
  for (Operation &op : program.getBody().front()) {
    if (op.getNumResults() == 0)
      addRecord(op, *function);
    else if (failed(addBuffer(op, *function)))
      return failure();
  }
  function->shape = shapes.takeInstructions();
  placeArena(*function, plan::BufferKind::Arena);
  placeArena(*function, plan::BufferKind::HostArena);
  plan.functions.push_back(std::move(function));
  return success();
}

LogicalResult PlanWriter::write(StringRef path) {
  auto created = plan::ContainerWriter::create(path.str());
  if (!created)
    return report(created.status());
  container = std::move(*created);
  plan.producer = "tenon " TENON_VERSION;
  plan.target = options.target;
  plan.threads = options.threads;
  addKernels();
  llvm::StringMap<uint32_t> functions;
  for (auto program : module.getOps<ProgramOp>()) {
    functions[program.getSymName()] = uint32_t(plan.functions.size());
    if (failed(addProgram(program)))
      return failure();
  }
  for (auto script : module.getOps<ScriptOp>())
    plan.script = writeScript(script, functions);
  if (failed(addCode(options.code, plan.code)) || failed(addCode(options.hostCode, plan.host_code)))
    return failure();
  container->setKernels(options.kernels);
  container->setSource(options.source);
  return report(container->finish(plan));
}

LogicalResult tenon::writePlan(ModuleOp plan, StringRef path, const PlanOptions &options) {
  return PlanWriter(plan, options).write(path);
}
