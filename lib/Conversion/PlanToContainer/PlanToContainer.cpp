//===- PlanToContainer.cpp - Writing a plan module ------------------------===//
#include "tenon/Conversion/PlanToContainer.h"

#include "Graph/IR/CollectiveOps.h"
#include "Graph/IR/InputElement.h"
#include "Plan/IR/PlanOps.h"
#include "ScriptWriter.h"
#include "ShapeProgramBuilder.h"
#include "WeightBytes.h"
#include "tenon/Conversion/DispatchToPlan.h"
#include "tenon/Plan/ArenaPlacement.h"
#include "tenon/Plan/Writer.h"
#include <unordered_map>

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
  FailureOr<uint32_t> findWeight(WeightOp op);
  LogicalResult addWeight(WeightOp op, plan::BufferT &buffer);
  void addRecord(Operation &op, plan::FunctionT &function);
  std::unique_ptr<plan::TensorMapT> convert(TensorMapAttr map);
  plan::CollectiveT convert(CollectiveOp op, plan::FunctionT &function);
  LogicalResult numberRanks();
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
  std::unordered_multimap<uint64_t, WeightOp> weightOps;           ///< that were written, by the hash of their bytes
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

/// The weight that holds the bytes of `op`; written where none does yet. Ranks have parts in common.
FailureOr<uint32_t> PlanWriter::findWeight(WeightOp op) {
  auto known = weightIndex.find({op.getValue(), op.getFormatAttr()});
  if (known != weightIndex.end())
    return known->second;
  WeightBytes bytes(op.getValue(), op.getFormat());
  const uint64_t hash = bytes.hash();
  for (auto [it, end] = weightOps.equal_range(hash); it != end; ++it)
    if (bytes == WeightBytes(it->second.getValue(), it->second.getFormat()))
      return weightIndex.lookup({it->second.getValue(), it->second.getFormatAttr()});
  auto offset =
      container->addWeight(bytes.size(), [&](const plan::ContainerWriter::Sink &sink) { return bytes.produce(sink); });
  if (!offset)
    return report(offset.status());
  auto weight = std::make_unique<plan::WeightT>();
  if (auto names = getNodeNames(op.getLoc()); !names.empty())
    weight->name = names.front();
  weight->offset = *offset;
  weight->length = bytes.size();
  weightOps.emplace(hash, op);
  plan.weights.push_back(std::move(weight));
  return weightIndex[{op.getValue(), op.getFormatAttr()}] = uint32_t(plan.weights.size() - 1);
}

LogicalResult PlanWriter::addWeight(WeightOp op, plan::BufferT &buffer) {
  auto index = findWeight(op);
  if (failed(index))
    return failure();
  buffer.kind = plan::BufferKind::Weight;
  buffer.index = *index;
  buffer.bytes = shapes.value(DimAttr::constant(op.getContext(), int64_t(plan.weights[*index]->length)));
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

static plan::Reduction parseReduction(StringRef name) {
  return name == "prod"  ? plan::Reduction::Prod
         : name == "min" ? plan::Reduction::Min
         : name == "max" ? plan::Reduction::Max
                         : plan::Reduction::Sum;
}

plan::CollectiveT PlanWriter::convert(CollectiveOp op, plan::FunctionT &function) {
  auto list = [&](ArrayRef<DimAttr> dims) {
    return llvm::map_to_vector(dims, [&](DimAttr dim) { return shapes.value(dim); });
  };
  auto assign = [](std::vector<uint32_t> &to, ArrayRef<uint32_t> from) { to.assign(from.begin(), from.end()); };
  plan::CollectiveT data;
  data.kind = *parseCollective(op.getKind());
  data.reduction = parseReduction(op.getReduction());
  auto tensor = cast<RankedTensorType>(op.getTensor());
  data.type = getElementType(tensor.getElementType());
  data.group.assign(op.getGroup().begin(), op.getGroup().end());
  if (op.getSource())
    data.source = std::make_unique<plan::BufferRef>(refer(op.getSource(), function));
  if (op.getTarget())
    data.target = std::make_unique<plan::BufferRef>(refer(op.getTarget(), function));
  assign(data.dims, list(getDims(tensor)));
  data.axis = uint32_t(op.getAxis());
  data.concat_axis = uint32_t(op.getConcatAxis());
  if (auto extents = op.getExtents())
    assign(data.extents, list(extents->getDims()));
  if (auto extents = op.getConcatExtents())
    assign(data.concat_extents, list(extents->getDims()));
  return data;
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
  } else if (auto collective = dyn_cast<CollectiveOp>(op)) {
    record->operation.Set(convert(collective, function));
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

/// Ranks are numbered from 0 without gaps, if there are any.
LogicalResult PlanWriter::numberRanks() {
  SmallVector<std::pair<int64_t, uint32_t>> ranks;
  for (auto [i, program] : llvm::enumerate(module.getOps<ProgramOp>()))
    if (auto rank = program->getAttrOfType<IntegerAttr>(rankAttr))
      ranks.push_back({rank.getInt(), uint32_t(i)});
  llvm::sort(ranks);
  for (auto [i, rank] : llvm::enumerate(ranks)) {
    if (rank.first != int64_t(i))
      return module.emitError() << "TN6023: there is no function of rank " << i;
    plan.ranks.push_back(rank.second);
  }
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
  if (failed(numberRanks()))
    return failure();
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
