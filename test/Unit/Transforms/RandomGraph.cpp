//===- RandomGraph.cpp - Random graphs, meshes and splits ----------------------===//
#include "RandomGraph.h"

#include "Graph/IR/GraphOps.h"
#include "Graph/IR/SplitRules.h"
#include "mlir/Dialect/Shard/IR/ShardOps.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;
using namespace tenon::reference;

namespace {

class Generator {
public:
  Generator(MLIRContext &context, std::mt19937 &random)
      : context(context), random(random), builder(&context), loc(builder.getUnknownLoc()) {}

  OwningOpRef<ModuleOp> run();

private:
  int64_t draw(int64_t first, int64_t last) { return std::uniform_int_distribution<int64_t>(first, last)(random); }
  DimAttr constant(int64_t value) { return DimAttr::constant(&context, value); }
  Value pick() { return values[draw(0, int64_t(values.size()) - 1)]; }
  SmallVector<DimAttr> dimsOf(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }
  Value weight(ArrayRef<DimAttr> dims);
  bool add();
  Value addOp(int64_t kind, Value x);
  Value addProduct(Value x);
  Value addConv(Value x);
  Value addReshape(Value x);
  Value addGather(Value x);
  Value addAttention(Value x);
  Value addReduction(Value x);
  Value addPool(Value x);

  MLIRContext &context;
  std::mt19937 &random;
  OpBuilder builder;
  Location loc;
  SmallVector<Value> values;
};

/// A constant of small integers, where all extents are known.
Value Generator::weight(ArrayRef<DimAttr> dims) {
  auto type = getTensorType(dims, builder.getF32Type());
  if (!type.hasStaticShape())
    return {};
  SmallVector<float> elements(type.getNumElements());
  for (float &element : elements)
    element = float(draw(-2, 2));
  return ConstantOp::create(builder, loc, DenseElementsAttr::get(type, ArrayRef<float>(elements)));
}

Value Generator::addProduct(Value x) {
  auto dims = dimsOf(x);
  if (dims.empty() || !dims.back().getConstant())
    return {};
  const DimAttr n = constant(draw(1, 3) * 6);
  const bool isTransposed = draw(0, 1);
  Value w = isTransposed ? weight({n, dims.back()}) : weight({dims.back(), n});
  return MatMulOp::create(builder, loc, x, w, isTransposed ? builder.getUnitAttr() : UnitAttr());
}

Value Generator::addConv(Value x) {
  auto dims = dimsOf(x);
  if (dims.size() != 4 || !dims[1].getConstant() || !dims[2].getConstant() || *dims[2].getConstant() < 2 ||
      !dims[3].getConstant() || *dims[3].getConstant() < 2)
    return {};
  const int64_t channels = *dims[1].getConstant();
  const int64_t group = channels % 2 == 0 && draw(0, 1) ? (draw(0, 1) ? channels : 2) : 1;
  const int64_t out = group * draw(1, 3);
  Value w = weight({constant(out), constant(channels / group), constant(3), constant(3)});
  Value bias = draw(0, 1) ? weight({constant(out)}) : Value();
  return ConvOp::create(builder, loc, x, w, bias, builder.getDenseI64ArrayAttr({1, draw(1, 2)}),
                        builder.getDenseI64ArrayAttr({1, 1, 1, 1}), builder.getDenseI64ArrayAttr({1, 1}),
                        builder.getI64IntegerAttr(group), UnitAttr());
}

/// Merges two dimensions, or splits one in two.
Value Generator::addReshape(Value x) {
  auto dims = dimsOf(x);
  if (dims.empty())
    return {};
  const size_t axis = draw(0, int64_t(dims.size()) - 1);
  if (draw(0, 1) && axis + 1 < dims.size()) {
    dims[axis] = dims[axis] * dims[axis + 1];
    dims.erase(dims.begin() + axis + 1);
  } else if (auto extent = dims[axis].getConstant(); extent && *extent % 2 == 0 && dims.size() < 4) {
    const int64_t inner = *extent % 3 == 0 && draw(0, 1) ? 3 : 2;
    dims[axis] = constant(*extent / inner);
    dims.insert(dims.begin() + axis + 1, constant(inner));
  } else if (dims.size() < 4) {
    dims.insert(dims.begin() + axis, constant(1));
  }
  return ReshapeOp::create(builder, loc, getTensorType(dims, builder.getF32Type()), x);
}

Value Generator::addGather(Value x) {
  auto dims = dimsOf(x);
  const size_t axis = dims.empty() ? 0 : draw(0, int64_t(dims.size()) - 1);
  if (dims.empty() || dims.size() > 3 || !dims[axis].getConstant())
    return {};
  const int64_t extent = *dims[axis].getConstant();
  SmallVector<int64_t> indices(draw(1, 6));
  for (int64_t &index : indices)
    index = draw(-extent - 1, extent);
  auto type = RankedTensorType::get({int64_t(indices.size())}, builder.getI64Type());
  Value table = ConstantOp::create(builder, loc, DenseElementsAttr::get(type, ArrayRef<int64_t>(indices)));
  return GatherOp::create(builder, loc, x, table, builder.getI64IntegerAttr(axis));
}

Value Generator::addAttention(Value x) {
  auto dims = dimsOf(x);
  if (dims.size() != 4 || !dims[1].getConstant())
    return {};
  Value mask; // none, for all heads, for each
  if (draw(0, 2) != 0 && dims[2].getConstant())
    mask = draw(0, 1) ? weight({dims[2], dims[2]}) : weight({dims[1], dims[2], dims[2]});
  return AttentionOp::create(builder, loc, x, x, x, mask, builder.getF64FloatAttr(0.5), builder.getF64FloatAttr(0),
                             draw(0, 1) ? constant(draw(0, 1)) : DimAttr(), builder.getUnitAttr());
}

Value Generator::addReduction(Value x) {
  auto dims = dimsOf(x);
  if (dims.size() < 2)
    return {};
  auto axes = builder.getDenseI64ArrayAttr({draw(0, int64_t(dims.size()) - 1)});
  auto keeps = builder.getBoolAttr(draw(0, 1));
  switch (draw(0, 2)) {
  case 0:
    return ReduceSumOp::create(builder, loc, x, axes, keeps);
  case 1:
    return dims[axes[0]].getConstant() ? Value(ReduceMaxOp::create(builder, loc, x, axes, keeps)) : Value();
  default:
    return dims[axes[0]].getConstant() ? Value(ReduceMeanOp::create(builder, loc, x, axes, keeps)) : Value();
  }
}

Value Generator::addPool(Value x) {
  auto dims = dimsOf(x);
  if (dims.size() != 4 || !dims[2].getConstant() || !dims[3].getConstant())
    return {};
  auto two = builder.getDenseI64ArrayAttr({1, 1});
  return MaxPoolOp::create(builder, loc, x, two, two, builder.getDenseI64ArrayAttr({0, 0, 0, 0}), two,
                           builder.getBoolAttr(false), UnitAttr());
}

Value Generator::addOp(int64_t kind, Value x) {
  auto dims = dimsOf(x);
  const int64_t rank = dims.size();
  const int64_t axis = rank ? draw(0, rank - 1) : 0;
  switch (kind) {
  case 0:
  case 1:
    return addProduct(x);
  case 2:
    return ReluOp::create(builder, loc, x);
  case 3: { // a vector of the last dimension, or another value
    Value w = draw(0, 1) && rank ? weight(dims.back()) : x;
    return w ? Value(AddOp::create(builder, loc, x, w)) : Value();
  }
  case 4:
    return addConv(x);
  case 5:
    return addReshape(x);
  case 6: {
    SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::shuffle(perm.begin(), perm.end(), random);
    return TransposeOp::create(builder, loc, x, builder.getDenseI64ArrayAttr(perm));
  }
  case 7:
    return rank ? Value(SoftmaxOp::create(builder, loc, x, builder.getI64IntegerAttr(axis))) : Value();
  case 8:
    return addGather(x);
  case 9:
    return addAttention(x);
  case 10:
    return addReduction(x);
  case 11:
    return rank ? Value(ConcatOp::create(builder, loc, ValueRange{x, x}, builder.getI64IntegerAttr(axis))) : Value();
  case 12:
    return addPool(x);
  case 13:
    return rank ? Value(CumSumOp::create(builder, loc, x, builder.getI64IntegerAttr(axis), builder.getBoolAttr(false),
                                         builder.getBoolAttr(false)))
                : Value();
  case 14: {
    if (!rank || !dims[axis].getConstant() || *dims[axis].getConstant() < 2)
      return {};
    SmallVector<DimAttr> starts(rank, constant(0));
    starts[axis] = constant(1);
    dims[axis] = dims[axis] - 1;
    return SliceOp::create(builder, loc, getTensorType(dims, builder.getF32Type()), x, ShapeAttr::get(&context, starts),
                           builder.getDenseI64ArrayAttr(SmallVector<int64_t>(rank, 1)));
  }
  default: {
    Value scale = rank ? weight(dims.back()) : Value();
    return scale
               ? Value(LayerNormalizationOp::create(builder, loc, x, scale, Value(),
                                                    builder.getI64IntegerAttr(rank - 1), builder.getF64FloatAttr(1e-3)))
               : Value();
  }
  }
}

bool Generator::add() {
  Value made = addOp(draw(0, 15), pick());
  if (!made)
    return false;
  auto count = product(&context, dimsOf(made)).evaluate([](StringRef) { return 7; });
  if (!count || *count > 6000 || dimsOf(made).size() > 4) {
    made.getDefiningOp()->erase();
    return false;
  }
  values.push_back(made);
  return true;
}

OwningOpRef<ModuleOp> Generator::run() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  const DimAttr n = DimAttr::symbol(&context, "N");
  SmallVector<Type> inputs = {draw(0, 1)
                                  ? getTensorType({n, constant(4), constant(6), constant(5)}, builder.getF32Type())
                                  : getTensorType({n, constant(5), constant(12)}, builder.getF32Type())};
  if (draw(0, 3) == 0)
    inputs.push_back(getTensorType({n, constant(12)}, builder.getF32Type()));
  auto function = func::FuncOp::create(builder, loc, "main", builder.getFunctionType(inputs, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  values.append(function.getArguments().begin(), function.getArguments().end());
  const int64_t size = draw(3, 10);
  for (int64_t made = 0, tries = 0; made < size && tries < 100; ++tries)
    made += add();
  SmallVector<Value> results = {values.back()};
  if (draw(0, 2) == 0)
    results.push_back(pick());
  func::ReturnOp::create(builder, loc, results);
  function.setFunctionType(builder.getFunctionType(inputs, ValueRange(results).getTypes()));
  return module;
}

/// Whether a loop has as many iterations as there are parts, unless a run decides.
bool canTake(DimAttr extent, int64_t parts) { return !extent.getConstant() || *extent.getConstant() >= parts; }

ArrayAttr drawShares(OpBuilder &builder, ArrayRef<int64_t> mesh, std::mt19937 &random) {
  SmallVector<Attribute> rows;
  for (int64_t size : mesh) {
    SmallVector<int64_t> shares(size);
    for (int64_t &share : shares)
      share = std::uniform_int_distribution<int64_t>(0, 4)(random);
    shares[0] += 1; // not all of them nothing
    rows.push_back(builder.getDenseI64ArrayAttr(shares));
  }
  return builder.getArrayAttr(rows);
}

} // namespace

OwningOpRef<ModuleOp> tenon::test::makeRandomGraph(MLIRContext &context, std::mt19937 &random) {
  return Generator(context, random).run();
}

bool tenon::test::splitRandomly(func::FuncOp function, std::mt19937 &random) {
  auto draw = [&](int64_t first, int64_t last) { return std::uniform_int_distribution<int64_t>(first, last)(random); };
  static const SmallVector<SmallVector<int64_t>> meshes = {{2}, {3}, {4}, {5}, {2, 2}, {3, 2}, {2, 3}, {2, 2, 2}, {1}};
  const SmallVector<int64_t> &mesh = meshes[draw(0, int64_t(meshes.size()) - 1)];
  int64_t devices = 1;
  for (int64_t size : mesh)
    devices *= size;
  const int64_t stages = draw(1, std::max<int64_t>(1, 8 / devices));
  OpBuilder builder(function);
  shard::GridOp::create(builder, function.getLoc(), "mesh", mesh);
  SmallVector<StringRef> names = {"a", "b", "c"};
  function->setAttr("graph.axes", builder.getStrArrayAttr(ArrayRef(names).take_front(mesh.size())));
  function->setAttr("graph.stages", builder.getI64IntegerAttr(stages));
  if (draw(0, 2) == 0)
    function->setAttr("graph.shares", drawShares(builder, mesh, random));
  const bool isPipeline = draw(0, 3) != 0; // else stages at random
  const int64_t size = function.getBody().front().getOperations().size();
  bool isSumSplit = false;
  for (auto [number, op] : llvm::enumerate(function.getBody().front().without_terminator())) {
    if (op.getNumOperands() == 0)
      continue;
    op.setAttr("graph.stage",
               builder.getI64IntegerAttr(isPipeline ? int64_t(number) * stages / size : draw(0, stages - 1)));
    const SplitRule rule = getSplitRule(&op);
    SmallVector<int64_t> split(mesh.size(), -1), scatter(mesh.size(), -1), parts(rule.loops.size(), 1);
    for (size_t axis = 0; axis < mesh.size() && !rule.loops.empty(); ++axis) {
      const int64_t loop = draw(-1, int64_t(rule.loops.size()) - 1);
      if (loop < 0 || !canTake(rule.loops[loop].extent, parts[loop] * mesh[axis]))
        continue;
      split[axis] = loop;
      parts[loop] *= mesh[axis];
      if (rule.loops[loop].kind == LoopKind::Parallel || mesh[axis] == 1)
        continue;
      isSumSplit |= rule.loops[loop].kind == LoopKind::Sum;
      const int64_t rank = rule.results[0].size(), dim = rank ? draw(-1, rank - 1) : -1;
      const int over = dim < 0 ? -1 : rule.results[0][dim];
      if (over >= 0 && op.getNumResults() == 1 && canTake(rule.loops[over].extent, 8))
        scatter[axis] = dim;
    }
    op.setAttr("graph.split", builder.getDenseI64ArrayAttr(split));
    op.setAttr("graph.scatter", builder.getDenseI64ArrayAttr(scatter));
  }
  return isSumSplit;
}

std::vector<HostTensor> tenon::test::makeInputs(func::FuncOp function, int64_t n, std::mt19937 &random) {
  std::vector<HostTensor> inputs;
  for (Type type : function.getArgumentTypes()) {
    auto dims = llvm::map_to_vector(getDims(cast<RankedTensorType>(type)),
                                    [&](DimAttr dim) { return *dim.evaluate([&](StringRef) { return n; }); });
    inputs.push_back(*HostTensor::allocate(ElementType::F32, dims));
    for (int64_t i = 0; i < inputs.back().getNumElements(); ++i)
      inputs.back().setDouble(i, std::uniform_int_distribution<int>(-3, 3)(random));
  }
  return inputs;
}
