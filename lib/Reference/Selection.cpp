//===- Selection.cpp - The largest elements, determinants -----------------===//
#include "Graph/IR/SpecialOps.h"
#include "Kernels.h"

#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// Whether element `i` of x is before element `j` in descending order; NaN is above all.
static bool isAbove(const HostTensor &x, bool isUnsigned, int64_t i, int64_t j) {
  if (isFloat(x.getType())) {
    double a = x.getDouble(i), b = x.getDouble(j);
    return std::isnan(a) ? !std::isnan(b) : a > b;
  }
  int64_t a = x.getInteger(i), b = x.getInteger(j);
  return isUnsigned ? static_cast<uint64_t>(a) > static_cast<uint64_t>(b) : a > b;
}

LogicalResult reference::evaluateTopK(OpContext &c) {
  auto op = cast<graph::TopKOp>(c.op);
  const HostTensor &x = c.operands[0];
  FailureOr<SmallVector<int64_t>> dims = c.resultDims(0);
  if (failed(dims))
    return failure();
  auto axis = static_cast<size_t>(op.getAxis());
  int64_t count = x.getDims()[axis], k = (*dims)[axis], inner = product(x.getDims().drop_front(axis + 1));
  if (k > count)
    return c.mismatch() << "there are " << count << " elements along the axis, fewer than " << k;
  if (!c.addResult(*dims, 0) || !c.addResult(*dims, 1))
    return failure();
  HostTensor &values = c.results[c.results.size() - 2], &indices = c.results.back();
  const bool isUnsigned = op.getX().getType().getElementType().isUnsignedInteger();
  SmallVector<int64_t> order(static_cast<size_t>(count));
  for (int64_t row = 0, rows = k ? values.getNumElements() / k : 0; row < rows; ++row) {
    int64_t from = row / inner * count * inner + row % inner, to = row / inner * k * inner + row % inner;
    std::iota(order.begin(), order.end(), int64_t(0));
    llvm::stable_sort(order, [&](int64_t i, int64_t j) {
      int64_t a = from + i * inner, b = from + j * inner;
      return op.getLargest() ? isAbove(x, isUnsigned, a, b) : isAbove(x, isUnsigned, b, a);
    });
    for (int64_t j = 0; j < k; ++j) {
      int64_t source = from + order[static_cast<size_t>(j)] * inner, target = to + j * inner;
      if (isFloat(x.getType()))
        values.setDouble(target, x.getDouble(source));
      else
        values.setInteger(target, x.getInteger(source));
      indices.setInteger(target, order[static_cast<size_t>(j)]);
    }
  }
  return success();
}

/// Of the m x m matrix `a`, by elimination with the largest pivot of each column.
static double determinant(MutableArrayRef<double> a, int64_t m) {
  auto at = [&](int64_t row, int64_t column) -> double & { return a[static_cast<size_t>(row * m + column)]; };
  double result = 1;
  for (int64_t column = 0; column < m && result != 0; ++column) {
    int64_t pivot = column;
    for (int64_t row = column; row < m; ++row)
      if (std::abs(at(row, column)) > std::abs(at(pivot, column)))
        pivot = row;
    for (int64_t k = 0; pivot != column && k < m; ++k)
      std::swap(at(pivot, k), at(column, k));
    result *= pivot == column ? at(column, column) : -at(column, column);
    for (int64_t row = column + 1; result != 0 && row < m; ++row)
      for (int64_t k = m - 1; k >= column; --k)
        at(row, k) -= at(row, column) / at(column, column) * at(column, k);
  }
  return result;
}

LogicalResult reference::evaluateDet(OpContext &c) {
  const HostTensor &x = c.operands[0];
  int64_t m = x.getDims().back();
  if (x.getDims().drop_back().back() != m)
    return c.mismatch() << "the matrices are not square";
  HostTensor *result = c.addResult(x.getDims().drop_back(2));
  if (!result)
    return failure();
  SmallVector<double> matrix(static_cast<size_t>(m * m));
  for (int64_t i = 0; i < result->getNumElements(); ++i) {
    for (auto [k, element] : llvm::enumerate(matrix))
      element = x.getDouble(i * m * m + static_cast<int64_t>(k));
    result->setDouble(i, determinant(matrix, m));
  }
  return success();
}
