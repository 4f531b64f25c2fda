//===- Epilogue.cpp - The ops after a heavy op, as a functor --------------===//
//
// The epilogue becomes a region of its own, whose first operand is the heavy op's result, and gets the normal form of
// every other region (so that most epilogues see one or two dimensions). Asked for the result at a row and a column,
// the evaluator writes the body; the heavy op's result is the argument wherever it is asked for.
//
//===----------------------------------------------------------------------===//
#include "../CudaKernelBuilder.h"
#include "../Describe.h"
#include "../Printer/CudaPrinter.h"
#include "../Simplify.h"
#include "../Strategies.h"
#include "HeavyTemplate.h"
#include "tenon/Codegen/Common/Evaluator.h"
#include "tenon/Codegen/Common/Region.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// The bias of `region.heavy` and the ops after it as a region: block arguments are the heavy result, then all of the
/// region's operands.
std::unique_ptr<GenericRegion> makeRegion(const HeavyRegion &region) {
  Block &from = region.dispatch.getBody().front();
  OperationState state(region.dispatch.getLoc(), DispatchOp::getOperationName());
  Block &to = state.addRegion()->emplaceBlock();
  OwningOpRef<Operation *> owner = Operation::create(state);
  IRMapping mapping;
  Value sums = region.heavy->getResult(0);
  RankedTensorType type = region.resultType();
  Type narrow = type.getElementType(), wide = narrow.isF64() ? narrow : Float32Type::get(type.getContext());
  Value computed = to.addArgument(getTensorType(getDims(type), wide), sums.getLoc());
  for (BlockArgument argument : from.getArguments())
    mapping.map(argument, to.addArgument(argument.getType(), argument.getLoc()));
  OpBuilder b = OpBuilder::atBlockEnd(&to);
  if (narrow != wide) // templates sum in f32; createRegion computes in it
    computed = CastOp::create(b, sums.getLoc(), type, computed);
  mapping.map(sums, computed);
  auto conv = dyn_cast<ConvOp>(region.heavy);
  if (conv && conv.getBias()) // templates sum products only; channels are last
    mapping.map(sums, AddOp::create(b, conv.getLoc(), computed, mapping.lookup(conv.getBias())));
  for (Operation &op : from)
    if (&op != region.heavy)
      b.clone(op, mapping);
  return createRegion(cast<DispatchOp>(*owner));
}

class EpilogueEmitter {
public:
  EpilogueEmitter(const HeavyRegion &region, GenericRegion &epilogue, Functor &functor)
      : region(region), epilogue(epilogue), functor(functor), buffers(nameBuffers(region.dispatch)) {}

  /// The text of operator() for `width` columns; empty on failure.
  std::string emit(int64_t width);
  std::string members();

private:
  SmallVector<Coord> coordinates(CudaKernelBuilder &kernel, const IndexMath &math, Value row, Value column);

  const HeavyRegion &region;
  GenericRegion &epilogue;
  Functor &functor;
  SmallVector<std::string> buffers;
  llvm::MapVector<DimAttr, std::string> params;
  Names names;
};

Type elementOf(Type type) { return registerType(cast<RankedTensorType>(type).getElementType()); }

std::string EpilogueEmitter::emit(int64_t width) {
  MLIRContext *context = epilogue.context();
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
  SmallVector<Type> types;
  SmallVector<std::string> bufferNames;
  for (unsigned i : functor.buffers) {
    types.push_back(elementOf(region.dispatch->getOperand(i).getType()));
    bufferNames.push_back(buffers[i]);
  }
  CudaKernelBuilder kernel(*module, "operator()", types, bufferNames);
  auto sumType = VectorType::get({width}, elementOf(epilogue.block().getArgument(0).getType()));
  Value sum = kernel.addArgument(sumType, "sum"), row = kernel.addArgument(IndexType::get(context), "row"),
        column = kernel.addArgument(IndexType::get(context), "column");
  kernel.setDivisor(column, width);
  Evaluator evaluator(kernel, kernel.builder(), width);
  evaluator.bind(epilogue.block().getArgument(0), sum);
  for (auto [member, i] : llvm::enumerate(functor.buffers))
    evaluator.bindBuffer(epilogue.block().getArgument(i + 1), kernel.buffer(member));
  Value result = evaluator.evaluate(epilogue.results()[0], coordinates(kernel, evaluator.index(), row, column));
  kernel.setReturn(result);
  KernelInfo info = kernel.finish();
  if (failed(simplifyKernels(*module)))
    return {};
  auto function = *module->getOps<func::FuncOp>().begin();
  dropUnusedParams(function, types.size() + 3, info.params);
  SmallVector<std::string> memberNames(bufferNames);
  for (DimAttr e : info.params) {
    std::string &name = params[e];
    if (name.empty())
      name = names.unique(e.isSymbol() ? e.getName().getValue() : StringRef("extent"));
    memberNames.push_back(name);
  }
  PrintOptions options;
  options.wideIndex = true;
  return CudaPrinter(function, options).printMethod(memberNames, types.size());
}

SmallVector<Coord> EpilogueEmitter::coordinates(CudaKernelBuilder &kernel, const IndexMath &math, Value row,
                                                Value column) {
  DimAttr columns = getDims(region.resultType()).back();
  ArrayRef<DimAttr> domain = epilogue.domain;
  SmallVector<Coord> coords(domain.size(), math.uniform(kernel.constant(0)));
  if (domain.empty())
    return coords;
  bool isMatrix = domain.back() == columns;
  IndexMath named = kernel.math("element");
  Value rest = isMatrix ? row : named.add(named.mul(row, kernel.param(columns)), column);
  if (isMatrix)
    coords.back() = math.consecutive(column);
  for (size_t d = domain.size() - isMatrix; d-- > 0;) {
    if (domain[d].isConstant(1))
      continue;
    Value extent = kernel.param(domain[d]), at = rest;
    bool isOuter = llvm::all_of(domain.take_front(d), [](DimAttr e) { return e.isConstant(1); });
    if (!isOuter) {
      at = named.rem(rest, extent);
      rest = named.div(rest, extent);
    }
    bool isLast = d + 1 == domain.size();
    coords[d] = isLast ? math.consecutive(at) : math.uniform(at);
  }
  return coords;
}

std::string EpilogueEmitter::members() {
  std::string text;
  for (unsigned i : functor.buffers)
    text += "  const " + cudaTypeName(elementOf(region.dispatch->getOperand(i).getType())) + " *__restrict__ " +
            toIdentifier(buffers[i]) + ";\n";
  for (auto &[e, name] : params) {
    text += "  int64_t " + name + ";\n";
    functor.params.push_back(e);
  }
  return text;
}

} // namespace

FailureOr<Functor> emitEpilogue(const HeavyRegion &region, StringRef name, ArrayRef<int64_t> widths) {
  std::unique_ptr<GenericRegion> epilogue = makeRegion(region);
  if (!epilogue || !epilogue->reduced.empty())
    return failure();
  Functor functor;
  functor.name = name.str();
  Block &block = epilogue->block();
  functor.isIdentity = epilogue->results()[0] == block.getArgument(0);
  for (BlockArgument argument : block.getArguments().drop_front())
    if (!argument.use_empty())
      functor.buffers.push_back(argument.getArgNumber() - 1);
  EpilogueEmitter emitter(region, *epilogue, functor);
  std::string methods = emitter.emit(1);
  for (int64_t width : widths)
    methods += emitter.emit(width);
  functor.source = "struct " + functor.name + " {\n" + emitter.members() + methods + "};\n";
  return functor;
}

} // namespace tenon::codegen::cuda
