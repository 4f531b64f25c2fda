//===- MatMul.cpp - Matrix products ---------------------------------------===//
#include "Gemm.h"
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// An operand of rank two or more: [batch.., rows, columns].
struct MatrixDims {
  SmallVector<int64_t> batch;
  int64_t rows, columns;

  explicit MatrixDims(ArrayRef<int64_t> dims)
      : batch(dims.drop_back(2)), rows(dims[dims.size() - 2]), columns(dims.back()) {}
  int64_t size() const { return rows * columns; }
};

/// The problem after rank-1 operands became a row or a column.
struct Problem {
  SmallVector<int64_t> batch;
  int64_t m, n, k;
  bool transposed;
  SmallVector<int64_t> xStrides, wStrides;
};

} // namespace

/// `source`, rows x columns, transposed.
template <typename T>
static void transpose(const T *source, int64_t rows, int64_t columns, T *target) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      target[j * rows + i] = source[i * columns + j];
}

template <typename T>
static LogicalResult run(OpContext &c, const Problem &p, HostTensor &result) {
  const HostTensor &x = c.operands[0], &w = c.operands[1];
  constexpr ElementType type = std::is_same_v<T, double> ? ElementType::F64 : ElementType::U64;
  FailureOr<HostTensor> product = c.scratch(type, p.m * p.n), turned = c.scratch(type, p.transposed ? p.k * p.n : 0);
  if (failed(product) || failed(turned))
    return failure();
  FailureOr<HostTensor> a, b;
  int64_t aBatch = -1, bBatch = -1, i = 0;
  for (Odometer it(p.batch, {p.xStrides, p.wStrides}); it.isValid(); it.next()) {
    if (it.offset(0) != aBatch) {
      aBatch = it.offset(0);
      a = c.toArray<T>(x, aBatch * p.m * p.k, p.m * p.k);
      if (failed(a))
        return failure();
    }
    if (it.offset(1) != bBatch) {
      bBatch = it.offset(1);
      b = c.toArray<T>(w, bBatch * p.k * p.n, p.k * p.n);
      if (failed(b))
        return failure();
      if (p.transposed)
        transpose(elements<T>(*b), p.n, p.k, mutableElements<T>(*turned));
    }
    T *y = mutableElements<T>(*product);
    std::fill_n(y, p.m * p.n, T(0));
    gemm<T>(p.m, p.n, p.k, elements<T>(*a), p.k, elements<T>(p.transposed ? *turned : *b), p.n, y, p.n);
    for (int64_t j = 0; j < p.m * p.n; ++j)
      storeElement(result, i++, y[j]);
  }
  return success();
}

LogicalResult reference::evaluateMatMul(OpContext &c) {
  return evaluateProduct(c, cast<graph::MatMulOp>(c.op).getTransposeW());
}

LogicalResult reference::evaluateProduct(OpContext &c, bool isTransposed) {
  SmallVector<int64_t> xDims(c.operands[0].getDims()), wDims(c.operands[1].getDims());
  if (xDims.empty() || wDims.empty())
    return c.mismatch() << "an operand has rank 0";
  bool isRow = xDims.size() == 1, isColumn = wDims.size() == 1;
  if (isRow)
    xDims.insert(xDims.begin(), 1);
  if (isColumn)
    wDims.push_back(1);
  MatrixDims x(xDims), w(wDims);
  Problem p;
  p.transposed = isTransposed && !isColumn;
  p.m = x.rows;
  p.k = x.columns;
  p.n = p.transposed ? w.rows : w.columns;
  std::optional<SmallVector<int64_t>> batch = broadcastDims({ArrayRef(x.batch), ArrayRef(w.batch)});
  if (!batch || (p.transposed ? w.columns : w.rows) != p.k)
    return c.mismatch() << "[" << c.operands[0].getDims() << "] does not multiply [" << c.operands[1].getDims() << "]";
  p.batch = *batch;
  p.xStrides = *getBroadcastStrides(x.batch, p.batch);
  p.wStrides = *getBroadcastStrides(w.batch, p.batch);
  SmallVector<int64_t> dims = p.batch;
  if (!isRow)
    dims.push_back(p.m);
  if (!isColumn)
    dims.push_back(p.n);
  HostTensor *result = c.addResult(dims);
  if (!result)
    return failure();
  if (result->getNumElements() == 0)
    return success();
  return isFloat(c.operands[0].getType()) ? run<double>(c, p, *result) : run<uint64_t>(c, p, *result);
}
