//===- Fourier.cpp - Discrete Fourier transforms, by their definition -----===//
#include "Graph/IR/SpecialOps.h"
#include "Kernels.h"

#include <cmath>
#include <complex>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using Complex = std::complex<double>;

/// What row `first`, `first` + `stride`, .. of x is, cut or filled up to `length` elements.
static SmallVector<Complex> readRow(const HostTensor &x, int64_t first, int64_t stride, int64_t extent, int64_t length,
                                    bool isHalf) {
  const int64_t parts = x.getDims().back(), used = std::min(extent, isHalf ? length / 2 + 1 : length);
  SmallVector<Complex> row(static_cast<size_t>(length));
  for (int64_t n = 0; n < used; ++n) {
    const int64_t at = (first + n * stride) * parts;
    row[static_cast<size_t>(n)] = {x.getDouble(at), parts == 2 ? x.getDouble(at + 1) : 0};
  }
  for (int64_t n = 1; isHalf && 2 * n < length; ++n)
    row[static_cast<size_t>(length - n)] = std::conj(row[static_cast<size_t>(n)]);
  return row;
}

LogicalResult reference::evaluateDft(OpContext &c) {
  auto op = cast<graph::DftOp>(c.op);
  const HostTensor &x = c.operands[0];
  FailureOr<SmallVector<int64_t>> dims = c.resultDims();
  std::optional<int64_t> evaluated = c.evaluate(op.getLength());
  if (failed(dims))
    return failure();
  if (!evaluated || *evaluated < 1)
    return c.mismatch() << "the length is not positive";
  HostTensor *result = c.addResult(*dims);
  if (!result)
    return failure();
  const size_t axis = op.getAxis();
  const int64_t extent = x.getDims()[axis], length = *evaluated, count = (*dims)[axis], parts = dims->back();
  const int64_t inner = product(x.getDims().slice(axis + 1).drop_back());
  const double sign = op.getInverse() ? 1 : -1;
  for (int64_t row = 0, rows = result->getNumElements() / (count * parts); row < rows; ++row) {
    const int64_t from = row / inner * extent * inner + row % inner, to = row / inner * count * inner + row % inner;
    SmallVector<Complex> values = readRow(x, from, inner, extent, length, parts == 1);
    for (int64_t k = 0; k < count; ++k) {
      Complex sum = 0;
      for (int64_t n = 0; n < length; ++n)
        sum += values[static_cast<size_t>(n)] *
               std::polar(1.0, sign * 2 * M_PI * static_cast<double>(n * k % length) / static_cast<double>(length));
      if (op.getInverse())
        sum /= static_cast<double>(length);
      const int64_t at = (to + k * inner) * parts;
      result->setDouble(at, sum.real());
      if (parts == 2)
        result->setDouble(at + 1, sum.imag());
    }
  }
  return success();
}
