//===- ImportIndexing.cpp - Operators that pick elements by computed index -===//
//
// Made of ranges, comparisons and gathers from the flat tensor. Kernels compute indices where they need them, so none
// of these tensors need exist.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Graph/IR/SpecialOps.h"
#include "Registry.h"
#include "RunTimeAxes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

LogicalResult checkIndices(NodeImporter &n, Value indices) {
  if (!indices)
    return failure();
  Type type = typeOf(indices).getElementType();
  if (!type.isInteger(32) && !type.isInteger(64))
    return n.error(Code::WrongOperands) << "indices must be int32 or int64, got " << type;
  return success();
}

LogicalResult importGatherElements(NodeImporter &n) {
  Value x = n.input(0), indices = n.input(1);
  if (!x || failed(checkIndices(n, indices)))
    return failure();
  if (rankOf(x) != rankOf(indices) || rankOf(x) == 0)
    return n.error(Code::ShapeMismatch) << "data and indices must have one rank, got " << rankOf(x) << " and "
                                        << rankOf(indices);
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), rankOf(x));
  if (failed(axis))
    return failure();
  for (auto [i, dims] : llvm::enumerate(llvm::zip(dimsOf(x), dimsOf(indices)))) {
    auto have = std::get<0>(dims).getConstant(), want = std::get<1>(dims).getConstant();
    if (int64_t(i) != *axis && have && want && *want > *have)
      return n.error(Code::ShapeMismatch)
             << "indices have extent " << *want << " in dimension " << i << ", data " << *have;
  }
  return n.setOutput(Compose{n}.gatherAlong(x, indices, *axis));
}

/// The sum of positions[d] * stride of dimension d, over dimensions [0, positions.size()) of `dims`.
Value flatten(Compose &c, ArrayRef<Value> positions, ArrayRef<DimAttr> dims) {
  Value flat;
  DimAttr stride = c.n.dim(1);
  for (size_t d = positions.size(); d-- > 0;) {
    Value position = positions[d];
    if (!stride.isConstant(1))
      position = c.mul(position, c.extent(stride, c.i64()));
    flat = flat ? c.add(flat, position) : position;
    stride = stride * dims[d];
  }
  return flat;
}

/// indices[.., k] pick in dimension batch_dims + k; the flat index of the slice they pick is what graph.gather takes.
LogicalResult importGatherND(NodeImporter &n) {
  Value x = n.input(0), indices = n.input(1);
  if (!x || failed(checkIndices(n, indices)))
    return failure();
  Dims dims = dimsOf(x), shape = dimsOf(indices);
  int64_t batch = n.intAttr("batch_dims", 0), rank = rankOf(indices);
  auto depth = rank ? shape.back().getConstant() : std::nullopt;
  if (!depth)
    return n.error(Code::UnsupportedForm, "declare the shape of indices, or fix it with --shape NAME=...!")
           << "the last extent of indices must be a constant";
  if (batch < 0 || batch >= rank || *depth < 1 || batch + *depth > rankOf(x))
    return n.error(Code::ShapeMismatch) << "batch_dims " << batch << " and " << *depth << " indices for rank "
                                        << rankOf(x);
  Compose c{n};
  SmallVector<Value> positions;
  for (int64_t d = 0; d < batch + *depth; ++d)
    positions.push_back(d < batch ? c.iota(dims[size_t(d)], c.i64(), rank - 1, d)
                                  : c.wrap(c.pick(indices, rank - 1, d - batch), dims[size_t(d)]));
  Value flat = flatten(c, positions, dims);
  Dims table = {product(n.context, ArrayRef(dims).take_front(positions.size()))};
  table.append(dims.begin() + batch + *depth, dims.end());
  Value slices = n.reshape(x, table);
  return n.setOutput(slices && flat ? n.create<GatherOp>(slices, flat, 0) : Value());
}

/// The reduction of a scatter, as the op names it.
FailureOr<std::string> readReduction(NodeImporter &n) {
  return n.choiceAttr("reduction", "none", {"none", "add", "mul", "min", "max"});
}

/// x with `rows` of `width` elements updated at flat row indices.
LogicalResult scatter(Compose &c, Value x, Value flat, Value updates, DimAttr rows, DimAttr width) {
  NodeImporter &n = c.n;
  auto reduction = readReduction(n);
  if (failed(reduction) || !flat)
    return failure();
  DimAttr count = product(n.context, dimsOf(flat));
  Value result = c.make<ScatterOp>(n.reshape(x, {rows, width}), n.reshape(flat, {count}),
                                   n.reshape(updates, {count, width}), n.getBuilder().getStringAttr(*reduction));
  return n.setOutput(n.reshape(result, dimsOf(x)));
}

LogicalResult importScatterElements(NodeImporter &n) {
  Value x = n.input(0), indices = n.input(1), updates = n.input(2);
  if (!x || !updates || failed(checkIndices(n, indices)))
    return failure();
  Dims dims = dimsOf(x), counts = dimsOf(indices), given = dimsOf(updates);
  auto differ = [](auto pair) {
    auto a = std::get<0>(pair).getConstant(), b = std::get<1>(pair).getConstant();
    return a && b && *a != *b;
  };
  if (dims.empty() || counts.size() != dims.size() || given.size() != dims.size() ||
      llvm::any_of(llvm::zip(counts, given), differ))
    return n.error(Code::ShapeMismatch) << "indices and updates must have one shape, and the rank of data";
  for (auto [count, other] : llvm::zip(counts, given))
    n.requireEqual(count, other, "indices and updates of one shape");
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), rankOf(x));
  if (failed(axis))
    return failure();
  Compose c{n};
  SmallVector<Value> positions;
  for (int64_t d = 0; d < rankOf(x); ++d)
    positions.push_back(d == *axis ? c.wrap(indices, dims[size_t(d)])
                                   : c.iota(counts[size_t(d)], c.i64(), rankOf(x), d));
  return scatter(c, x, flatten(c, positions, dims), updates, product(n.context, dims), n.dim(1));
}

LogicalResult importScatterND(NodeImporter &n) {
  Value x = n.input(0), indices = n.input(1), updates = n.input(2);
  if (!x || !updates || failed(checkIndices(n, indices)))
    return failure();
  Dims dims = dimsOf(x);
  // The ranks say how many dimensions an index picks in, even where the extent of indices is open.
  int64_t rank = rankOf(indices), depth = rank - 1 + rankOf(x) - rankOf(updates);
  auto stated = rank ? dimsOf(indices).back().getConstant() : 0;
  if (depth < 1 || depth > rankOf(x) || (stated && *stated != depth))
    return n.error(Code::ShapeMismatch)
           << "for indices [.., k] and data of rank r, updates must be of rank(indices) - 1 + r "
              "- k, with k from 1 to r";
  n.requireEqual(dimsOf(indices).back(), n.dim(depth), "indices of as many elements as the rank of updates tells");
  Compose c{n};
  SmallVector<Value> positions;
  for (int64_t d = 0; d < depth; ++d)
    positions.push_back(c.wrap(c.pick(indices, rank - 1, d), dims[size_t(d)]));
  ArrayRef<DimAttr> all = dims;
  return scatter(c, x, flatten(c, positions, dims), updates, product(n.context, all.take_front(size_t(depth))),
                 product(n.context, all.drop_front(size_t(depth))));
}

/// Column minus row, [R, C], of a matrix at the end of `rank` dimensions.
Value diagonalOf(Compose &c, DimAttr rows, DimAttr columns, int64_t rank) {
  return c.sub(c.iota(columns, c.i64(), rank, rank - 1), c.iota(rows, c.i64(), rank, rank - 2));
}

LogicalResult importTrilu(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  if (rankOf(x) < 2)
    return n.error(Code::WrongOperands) << "the operand has rank " << rankOf(x) << ", at least 2 is needed";
  Compose c{n};
  Value k = n.hasInput(1) ? n.reshape(n.input(1), {}) : n.scalar(c.i64(), 0);
  Dims dims = dimsOf(x);
  Value diagonal = diagonalOf(c, dims[dims.size() - 2], dims.back(), rankOf(x));
  bool isUpper = n.intAttr("upper", 1) != 0;
  Value stays = isUpper ? c.make<GreaterOrEqualOp>(diagonal, k) : c.make<LessOrEqualOp>(diagonal, k);
  return n.setOutput(c.select(stays, x, c.like(x, 0)));
}

LogicalResult importEyeLike(NodeImporter &n) {
  auto type = n.inputType(0);
  if (!type)
    return failure();
  if (type.getRank() != 2)
    return n.error(Code::WrongOperands) << "the operand has rank " << type.getRank() << ", expected 2";
  Type element = n.hasAttr("dtype") ? getElementType(n.context, int32_t(n.intAttr("dtype", 1))) : type.getElementType();
  if (!element)
    return n.typeError(n.intAttr("dtype", 1)) << "element type " << n.intAttr("dtype", 1) << " is not supported";
  Compose c{n};
  auto dims = getDims(type);
  Value diagonal = diagonalOf(c, dims[0], dims[1], 2);
  return n.setOutput(c.cast(c.equal(diagonal, double(n.intAttr("k", 0))), element));
}

/// values[1] where the index along the new axis is the one asked for, else values[0].
LogicalResult importOneHot(NodeImporter &n) {
  Value indices = n.input(0), values = n.input(2);
  DimAttr number = getRunTimeNumber(n, 1, 0);
  auto depth = number ? FailureOr<Dims>(Dims{max(floorDiv(number, int64_t(1) << 32), n.dim(0))}) : n.shapeOperand(1);
  if (!indices || !values || failed(depth))
    return failure();
  if (depth->size() != 1 || rankOf(values) != 1)
    return n.error(Code::WrongOperands) << "depth must be one number, and values [off, on]";
  auto axis = n.normalizeAxis(n.intAttr("axis", -1), rankOf(indices) + 1);
  if (failed(axis))
    return failure();
  Compose c{n};
  Dims dims = dimsOf(indices);
  dims.insert(dims.begin() + *axis, n.dim(1));
  Value wanted = n.reshape(c.wrap(indices, depth->front()), dims);
  Value here = c.equal(wanted, c.iota(depth->front(), c.i64(), rankOf(indices) + 1, *axis));
  return n.setOutput(c.select(here, c.pick(values, 0, 1), c.pick(values, 0, 0)));
}

/// 1 at the first maximum along the axis, else 0. Before opset 13 the dimensions from `axis` on are one.
LogicalResult importHardmax(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  bool flattens = n.opset < 13;
  auto axis = n.normalizeAxis(n.intAttr("axis", flattens ? 1 : -1), rankOf(x));
  if (failed(axis))
    return failure();
  Compose c{n};
  Dims dims = dimsOf(x);
  Type element = typeOf(x).getElementType();
  int64_t along = *axis;
  if (flattens) {
    ArrayRef<DimAttr> all = dims;
    x = n.reshape(
        x, {product(n.context, all.take_front(size_t(along))), product(n.context, all.drop_front(size_t(along)))});
    along = 1;
  }
  if (!x)
    return failure();
  Value isBest = c.equal(x, c.reduce<ReduceMaxOp>(x, {along}));
  DimAttr count = dimsOf(x)[size_t(along)];
  Value index = c.iota(count, c.i64(), rankOf(x), along);
  Value first = c.reduce<ReduceMinOp>(c.select(isBest, index, c.extent(count, c.i64())), {along});
  return n.setOutput(n.reshape(c.cast(c.equal(index, first), element), dims));
}

/// The first sequence_lens[b] elements of sequence b in reversed order.
LogicalResult importReverseSequence(NodeImporter &n) {
  Value x = n.input(0), lengths = n.input(1);
  if (!x || failed(checkIndices(n, lengths)))
    return failure();
  auto batch = n.normalizeAxis(n.intAttr("batch_axis", 1), rankOf(x)),
       time = n.normalizeAxis(n.intAttr("time_axis", 0), rankOf(x));
  if (failed(batch) || failed(time))
    return failure();
  if (*batch == *time || rankOf(lengths) != 1)
    return n.error(Code::WrongOperands) << "batch_axis and time_axis must differ, and sequence_lens be a vector";
  Compose c{n};
  Dims dims = dimsOf(x), own(dims.size(), n.dim(1));
  n.requireEqual(dimsOf(lengths)[0], dims[size_t(*batch)]);
  own[size_t(*batch)] = dims[size_t(*batch)];
  Value length = n.reshape(c.cast(lengths, c.i64()), own);
  Value step = c.iota(dims[size_t(*time)], c.i64(), rankOf(x), *time);
  Value source = c.select(c.less(step, length), c.sub(c.sub(length, step), 1), step);
  return n.setOutput(c.gatherAlong(x, source, *time, /*broadcasts=*/true));
}

/// The cache with update[b, .., s, ..] at position write_indices[b] + s of the axis, modulo its extent if circular.
LogicalResult importTensorScatter(NodeImporter &n) {
  Value cache = n.input(0), update = n.input(1);
  if (!cache || !update)
    return failure();
  auto axis = n.normalizeAxis(n.intAttr("axis", -2), rankOf(cache));
  if (failed(axis))
    return failure();
  if (rankOf(update) != rankOf(cache) || *axis == 0)
    return n.error(Code::ShapeMismatch) << "the update must have the cache's rank, and axis not be 0";
  Compose c{n};
  Dims dims = dimsOf(cache), own(dims.size(), n.dim(1));
  own[0] = dims[0];
  DimAttr total = dims[size_t(*axis)], count = dimsOf(update)[size_t(*axis)];
  Value from = n.hasInput(2) ? n.reshape(c.cast(n.input(2), c.i64()), own) : n.scalar(c.i64(), 0);
  Value offset = c.sub(c.iota(total, c.i64(), rankOf(cache), *axis), from);
  if (n.stringAttr("mode", "linear") == "circular")
    offset = c.select(c.less(offset, 0.0), c.add(offset, c.extent(total, c.i64())), offset);
  Value isNew = c.both(c.make<GreaterOrEqualOp>(offset, c.like(offset, 0)), c.less(offset, c.extent(count, c.i64())));
  Value inside = c.max(c.min(offset, c.extent(count + -1, c.i64())), 0);
  return n.setOutput(c.select(isNew, c.gatherAlong(update, inside, *axis, /*broadcasts=*/true), cache));
}

} // namespace

void addIndexingRules(Registry &r) {
  r.add("GatherElements", 11, importGatherElements);
  r.add("GatherND", 11, importGatherND);
  r.add("Scatter", 9, importScatterElements);
  r.add("Scatter", 11, nullptr);
  r.add("ScatterElements", 11, importScatterElements);
  r.add("ScatterND", 11, importScatterND);
  r.add("Trilu", 14, importTrilu);
  r.add("EyeLike", 9, importEyeLike);
  r.add("OneHot", 9, importOneHot);
  r.add("Hardmax", 1, importHardmax);
  r.add("ReverseSequence", 10, importReverseSequence);
  r.add("TensorScatter", 24, importTensorScatter);
}

} // namespace tenon::importer
