//===- Transpose.cpp - Transposes through shared memory -------------------===//
//
// A result that is an elementwise function of a transpose which moves the last dimension: read along one dimension,
// written along another. A block moves a square of 32 x 32: its warps read lines of the operand into shared memory, and
// write lines of the result. Rows of the square are one element longer than it, so that columns hit different banks.
//
// Dimensions that stay neighbours count as one: NCHW to NHWC is [N, C, H * W] to [N, H * W, C].
//
//===----------------------------------------------------------------------===//
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

constexpr int side = 32, rowsAtOnce = 8;
constexpr int64_t shortest = 16; // dimensions shorter than this leave most of a square empty

SmallVector<DimAttr> dimsOf(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }

/// The transpose that `value` is an elementwise function of, at the same extents, where that moves the last dimension;
/// null if there is none.
TransposeOp findTranspose(Value value) {
  auto isWanted = [](Operation *op) {
    auto transpose = dyn_cast<TransposeOp>(op);
    return transpose && transpose.getPerm().back() + 1 != static_cast<int64_t>(transpose.getPerm().size());
  };
  return cast_if_present<TransposeOp>(findBehindElementwise(value, isWanted));
}

/// Neighbouring dimensions of the result that are neighbours in the operand too.
struct Group {
  SmallVector<int64_t> dims;
  DimAttr extent;
};

Group groupEndingAt(TransposeOp transpose, int64_t last) {
  ArrayRef<int64_t> perm = transpose.getPerm();
  int64_t first = last;
  while (first > 0 && perm[first - 1] + 1 == perm[first])
    --first;
  Group group{llvm::to_vector(llvm::seq(first, last + 1)), {}};
  group.extent =
      product(transpose.getContext(), ArrayRef(dimsOf(transpose.getResult())).slice(first, last - first + 1));
  return group;
}

bool isLong(DimAttr extent) {
  auto fixed = extent.getConstant();
  return !fixed || *fixed >= shortest;
}

class TransposeEmitter {
public:
  TransposeEmitter(GenericRegion &region, CudaKernelBuilder &kernel, const Job &job, TransposeOp transpose)
      : region(region), kernel(kernel), job(job), transpose(transpose), evaluator(makeEvaluator(region, kernel, 1)),
        b(kernel.builder()) {
    int64_t rank = job.dims.size();
    columns = groupEndingAt(transpose, rank - 1);
    rows = groupEndingAt(transpose, llvm::find(transpose.getPerm(), rank - 1) - transpose.getPerm().begin());
  }

  bool isWorthIt() {
    Type type = transpose.getX().getType().getElementType();
    return isLong(rows.extent) && isLong(columns.extent) && !type.isInteger(1);
  }
  void run();

private:
  void setCoordinates(const Group &group, Value number);
  void forEachLine(Value first, Value second, const Group &lines, const Group &along,
                   function_ref<void(Value line)> body);

  GenericRegion &region;
  CudaKernelBuilder &kernel;
  const Job &job;
  TransposeOp transpose;
  Evaluator evaluator;
  OpBuilder &b;
  Group rows, columns; ///< of the result: columns are contiguous in it, rows in the operand
  SmallVector<Coord> coords;
  Value lane, warp;
};

void TransposeEmitter::setCoordinates(const Group &group, Value number) {
  IndexMath math = kernel.math("at");
  for (size_t i = group.dims.size(); i-- > 0;) {
    Value extent = kernel.param(job.dims[group.dims[i]]);
    coords[group.dims[i]] = math.uniform(i == 0 ? number : math.rem(number, extent));
    if (i > 0)
      number = math.div(number, extent);
  }
}

/// Lanes run from `first` along `along`, warps from `second` over `lines`; both are set for each call of `body`.
void TransposeEmitter::forEachLine(Value first, Value second, const Group &lines, const Group &along,
                                   function_ref<void(Value)> body) {
  IndexMath math = kernel.math("at");
  Value here = math.add(first, lane);
  forLoop(kernel, "line", warp, kernel.constant(side), kernel.constant(rowsAtOnce), [&](Value line) {
    Value other = math.add(second, line);
    Value inside = arith::AndIOp::create(b, kernel.loc(), math.less(here, kernel.param(along.extent)),
                                         math.less(other, kernel.param(lines.extent)));
    auto op = scf::IfOp::create(b, kernel.loc(), inside, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.thenBlock());
    Evaluator::Scope scope(evaluator);
    setCoordinates(along, here);
    setCoordinates(lines, other);
    body(line);
  });
}

void TransposeEmitter::run() {
  MLIRContext *context = region.context();
  DimAttr tileRows = ceilDiv(rows.extent, side), tileColumns = ceilDiv(columns.extent, side);
  Group outer;
  SmallVector<DimAttr> outerDims;
  for (int64_t d = 0; d < static_cast<int64_t>(job.dims.size()); ++d)
    if (!llvm::is_contained(rows.dims, d) && !llvm::is_contained(columns.dims, d)) {
      outer.dims.push_back(d);
      outerDims.push_back(job.dims[d]);
    }
  kernel.setLaunch(product(context, outerDims) * tileRows * tileColumns, side * rowsAtOnce);
  kernel.setTactic("transpose: tiles of " + Twine(side) + "x" + Twine(side), "transpose",
                   "an operand is read across its memory: lines go through shared memory");
  coords.assign(job.dims.size(), evaluator.index().uniform(kernel.constant(0)));
  lane = kernel.math("lane").rem(kernel.threadId(), kernel.constant(side));
  warp = kernel.math("warp").div(kernel.threadId(), kernel.constant(side));
  IndexMath math = kernel.math("rest");
  Value block = kernel.blockId(), rest = math.div(block, kernel.param(tileColumns));
  Value column = kernel.math("column").mul(math.rem(block, kernel.param(tileColumns)), kernel.constant(side));
  Value row = kernel.math("row").mul(math.rem(rest, kernel.param(tileRows)), kernel.constant(side));
  setCoordinates(outer, math.div(rest, kernel.param(tileRows)));

  Type type = registerType(transpose.getX().getType().getElementType());
  auto space = gpu::AddressSpaceAttr::get(context, gpu::AddressSpace::Workgroup);
  auto memory = MemRefType::get({side * (side + 1)}, type, MemRefLayoutAttrInterface(), space);
  Value tile = memref::AllocaOp::create(b, nameHint(context, "tile"), memory);
  Value pitch = kernel.constant(side + 1);
  forEachLine(row, column, columns, rows, [&](Value line) {
    Value x = evaluator.evaluate(transpose.getResult(), coords);
    IndexMath at = kernel.math("at");
    evaluator.store(x, tile, at.uniform(at.add(at.mul(line, pitch), lane)));
  });
  kernel.barrier();
  forEachLine(column, row, rows, columns, [&](Value line) {
    IndexMath at = kernel.math("at");
    evaluator.bind(transpose.getResult(), evaluator.load(tile, at.uniform(at.add(at.mul(lane, pitch), line)), type));
    for (auto [value, buffer] : job.results)
      evaluator.store(evaluator.evaluate(value, coords), kernel.buffer(buffer),
                      evaluator.index().flatten(coords, evaluator.extents(value)));
    evaluator.unbind(transpose.getResult());
  });
}

} // namespace

bool emitTransposed(GenericRegion &region, CudaKernelBuilder &kernel, const Job &job) {
  if (job.concat || job.dims.size() < 2)
    return false;
  TransposeOp transpose = findTranspose(job.results.front().first);
  if (!transpose)
    return false;
  TransposeEmitter emitter(region, kernel, job, transpose);
  if (!emitter.isWorthIt())
    return false;
  emitter.run();
  return true;
}

} // namespace tenon::codegen::cuda
