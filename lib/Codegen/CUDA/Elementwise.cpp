//===- Elementwise.cpp - Kernels of regions without reductions ------------===//
//
// A grid-stride loop over vectors of the results: thread t of the grid takes vectors t, t + T, .. of T threads, so that
// a warp touches neighbouring memory. Where the last extent is not a multiple of the vector, one-dimensional results
// end in a scalar loop; others choose between a loop over vectors and one over elements, once, by the extent.
//
//===----------------------------------------------------------------------===//
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

void forLoop(CudaKernelBuilder &kernel, StringRef name, Value from, Value to, Value step,
             function_ref<void(Value)> body) {
  OpBuilder &b = kernel.builder();
  auto loop = scf::ForOp::create(b, kernel.loc(), from, to, step);
  loop.getInductionVar().setLoc(nameHint(b.getContext(), ("for:" + name).str()));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Evaluator makeEvaluator(GenericRegion &region, CudaKernelBuilder &kernel, int64_t width) {
  Evaluator evaluator(kernel, kernel.builder(), width);
  for (auto [i, argument] : llvm::enumerate(region.block().getArguments()))
    evaluator.bindBuffer(argument, kernel.buffer(i));
  return evaluator;
}

namespace {

constexpr int threads = 256;
constexpr int64_t maxBlocks = 1 << 16; // more work than this and a thread takes several vectors

class ElementwiseEmitter {
public:
  ElementwiseEmitter(GenericRegion &region, CudaKernelBuilder &kernel) : region(region), kernel(kernel) {}
  void run();

private:
  void emitJob(const Job &job);
  void describe();
  void emitLoop(const Job &job, int64_t width, DimAttr first, DimAttr count);
  void emitVector(const Job &job, Evaluator &evaluator, Value index);
  SmallVector<Coord> coordinates(const Job &job, Evaluator &evaluator, Value index);
  void emitEither(Value condition, function_ref<void()> then, function_ref<void()> otherwise);

  GenericRegion &region;
  CudaKernelBuilder &kernel;
  Value thread, stride; ///< of the grid
  DimAttr work;         ///< vectors of all jobs
  int64_t widest = 1;   ///< vector of a job
};

void ElementwiseEmitter::run() {
  MLIRContext *context = region.context();
  IndexMath math = kernel.math("thread");
  thread = math.add(math.mul(kernel.blockId(), kernel.constant(threads)), kernel.threadId());
  stride = kernel.math("stride").mul(kernel.gridSize(), kernel.constant(threads));
  work = DimAttr::constant(context, 0);
  for (const Job &job : getJobs(region))
    emitJob(job);
  kernel.setLaunch(min(ceilDiv(work, threads), DimAttr::constant(context, maxBlocks)), threads);
  describe();
}

void ElementwiseEmitter::describe() {
  if (llvm::any_of(region.block(), [](Operation &op) { return isDirectContraction(&op); }))
    return kernel.setTactic("direct: an element a thread", "direct",
                            "no template takes this product or convolution; each element is summed alone");
  if (widest == 1)
    return kernel.setTactic("elementwise: an element a thread", "elementwise_narrow",
                            "neighbours of the result are not neighbours in every operand, or the last extent is odd");
  kernel.setTactic("elementwise: vectors of " + Twine(widest), "elementwise",
                   "all accesses are to neighbours, so a thread takes up to 16 bytes");
}

void ElementwiseEmitter::emitEither(Value condition, function_ref<void()> then, function_ref<void()> otherwise) {
  OpBuilder &b = kernel.builder();
  auto op = scf::IfOp::create(b, kernel.loc(), condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  b.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

void ElementwiseEmitter::emitJob(const Job &job) {
  MLIRContext *context = region.context();
  DimAttr elements = product(context, job.dims), zero = DimAttr::constant(context, 0);
  SmallVector<Value> values;
  for (auto [value, buffer] : job.results)
    values.push_back(value);
  int64_t width = job.dims.empty() ? 1 : chooseWidth(values, job.concat);
  widest = std::max(widest, width);
  bool whole = width == 1 || divisorOf(job.dims.back()) % width == 0;
  if (whole) {
    DimAttr vectors = floorDiv(elements, width);
    work = work + vectors;
    return emitLoop(job, width, zero, vectors);
  }
  if (job.dims.size() == 1) {
    DimAttr vectors = floorDiv(elements, width);
    work = work + ceilDiv(elements, width);
    emitLoop(job, width, zero, vectors);
    return emitLoop(job, 1, vectors * width, elements);
  }
  work = work + elements;
  if (job.dims.back().getConstant())
    return emitLoop(job, 1, zero, elements);
  IndexMath math = kernel.math("rest");
  Value rest = math.rem(kernel.param(job.dims.back()), kernel.constant(width));
  emitEither(
      math.equal(rest, kernel.constant(0)), [&] { emitLoop(job, width, zero, floorDiv(elements, width)); },
      [&] { emitLoop(job, 1, zero, elements); });
}

/// Vectors first .. count of the job's box, row-major.
void ElementwiseEmitter::emitLoop(const Job &job, int64_t width, DimAttr first, DimAttr count) {
  if (first == count)
    return;
  Evaluator evaluator = makeEvaluator(region, kernel, width);
  if (job.concat)
    evaluator.bindPart(job.concat, job.part);
  Value from = first.isConstant(0) ? thread : kernel.math("first").add(kernel.param(first), thread);
  bool isWide = width > 1;
  forLoop(kernel, isWide ? "v" : "i", from, kernel.param(count), stride, [&](Value counter) {
    Value index = counter;
    if (isWide) {
      index = kernel.math("i").mul(counter, kernel.constant(width));
      kernel.setDivisor(index, width);
    }
    emitVector(job, evaluator, index);
  });
}

/// The coordinates of element `index` (the first of a vector) of the job's box.
SmallVector<Coord> ElementwiseEmitter::coordinates(const Job &job, Evaluator &evaluator, Value index) {
  const IndexMath &math = evaluator.index();
  size_t rank = job.dims.size();
  SmallVector<Coord> coords(rank, math.uniform(kernel.constant(0)));
  static constexpr StringLiteral names[] = {"column", "row", "plane", "block"};
  SmallVector<unsigned> moving;
  for (size_t d = 0; d < rank; ++d)
    if (!job.dims[d].isConstant(1))
      moving.push_back(d);
  for (size_t place = 0; place < moving.size(); ++place) {
    unsigned d = moving[moving.size() - 1 - place];
    IndexMath named = kernel.math(names[std::min<size_t>(place, 3)]);
    Value extent = kernel.param(job.dims[d]), at = index;
    bool isOuter = place + 1 == moving.size();
    if (!isOuter) {
      at = named.rem(index, extent);
      index = kernel.math("rest").div(index, extent);
    }
    bool isLast = d + 1 == rank;
    if (isLast && math.width > 1 && !isOuter)
      kernel.setDivisor(at, math.width); // the index and the extent are multiples
    coords[d] = isLast ? math.consecutive(at) : math.uniform(at);
  }
  if (job.concat)
    coords[job.axis] = math.add(coords[job.axis], math.uniform(kernel.param(job.start)));
  return coords;
}

void ElementwiseEmitter::emitVector(const Job &job, Evaluator &evaluator, Value index) {
  Evaluator::Scope scope(evaluator);
  const IndexMath &math = evaluator.index();
  SmallVector<Coord> coords = coordinates(job, evaluator, index);
  // A whole box is written in the order of the counter.
  SmallVector<std::pair<Value, unsigned>> stores;
  for (auto [value, buffer] : job.results)
    stores.push_back({evaluator.evaluate(value, coords), buffer});
  for (auto [i, store] : llvm::enumerate(stores)) {
    Coord offset = job.concat ? math.flatten(coords, evaluator.extents(job.results[i].first)) : math.consecutive(index);
    evaluator.store(store.first, kernel.buffer(store.second), offset);
  }
}

} // namespace

void emitElementwise(GenericRegion &region, CudaKernelBuilder &kernel) {
  SmallVector<Job> jobs = getJobs(region);
  if (jobs.size() == 1 && emitTransposed(region, kernel, jobs.front()))
    return;
  ElementwiseEmitter(region, kernel).run();
}

} // namespace tenon::codegen::cuda
