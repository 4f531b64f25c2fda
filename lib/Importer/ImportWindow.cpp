//===- ImportWindow.cpp - Pooling, and the attributes of windows -----------===//
#include "Compose.h"
#include "Registry.h"
#include "Window.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

/// Windows larger than this are refused, so that arithmetic on them cannot overflow.
static constexpr int64_t maxWindow = int64_t(1) << 31;

static LogicalResult checkList(NodeImporter &n, StringRef name, ArrayRef<int64_t> values, size_t size,
                               int64_t smallest) {
  if (values.size() != size)
    return n.error(Code::WrongAttribute) << "'" << name << "' has " << values.size() << " entries, expected " << size;
  for (int64_t value : values)
    if (value < smallest || value > maxWindow)
      return n.error(Code::WrongAttribute) << "'" << name << "' holds " << value;
  return success();
}

/// SAME: as many outputs as ceil(extent / stride); the odd element goes to the end (UPPER) or the begin (LOWER).
static LogicalResult resolveSame(NodeImporter &n, ArrayRef<DimAttr> extents, Window &w, bool isUpper) {
  size_t r = extents.size();
  for (size_t i = 0; i < r; ++i) {
    int64_t reach = (w.kernel[i] - 1) * w.dilations[i] + 1, total = reach - 1;
    if (w.strides[i] > 1) {
      auto extent = extents[i].getConstant();
      if (!extent)
        return n.error(Code::DynamicSamePadding) << "auto_pad with stride " << w.strides[i] << " on a dynamic extent";
      int64_t outputs = *extent / w.strides[i] + (*extent % w.strides[i] != 0);
      total = std::max<int64_t>((outputs - 1) * w.strides[i] + reach - *extent, 0);
    }
    w.pads[i] = isUpper ? total / 2 : total - total / 2;
    w.pads[r + i] = total - w.pads[i];
  }
  return success();
}

FailureOr<Window> readWindow(NodeImporter &n, ArrayRef<DimAttr> extents, Ints kernel, bool isTransposed) {
  size_t r = extents.size();
  Window w;
  w.kernel = std::move(kernel);
  w.strides = n.intsAttr("strides").value_or(Ints(r, 1));
  w.dilations = n.intsAttr("dilations").value_or(Ints(r, 1));
  w.pads = n.intsAttr("pads").value_or(Ints(2 * r, 0));
  if (failed(checkList(n, "kernel_shape", w.kernel, r, 1)) || failed(checkList(n, "strides", w.strides, r, 1)) ||
      failed(checkList(n, "dilations", w.dilations, r, 1)) || failed(checkList(n, "pads", w.pads, 2 * r, 0)))
    return failure();
  for (size_t i = 0; i < r; ++i)
    if (w.kernel[i] * w.dilations[i] > maxWindow)
      return n.error(Code::WrongAttribute) << "the window reaches over " << w.kernel[i] * w.dilations[i] << " elements";
  auto autoPad = n.choiceAttr("auto_pad", "NOTSET", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", ""});
  if (failed(autoPad) || *autoPad == "NOTSET" || autoPad->empty())
    return failed(autoPad) ? FailureOr<Window>(failure()) : FailureOr<Window>(w);
  w.pads.assign(2 * r, 0);
  if (*autoPad != "VALID" && !isTransposed && failed(resolveSame(n, extents, w, *autoPad == "SAME_UPPER")))
    return failure();
  return w;
}

FailureOr<Ints> readKernel(NodeImporter &n, RankedTensorType weights) {
  Ints kernel;
  for (DimAttr extent : llvm::drop_begin(getDims(weights), 2)) {
    if (!extent.getConstant())
      return n.error(Code::UnsupportedForm, "declare the extents of W, or make it an initializer")
             << "the kernel's extents must be constants";
    kernel.push_back(*extent.getConstant());
  }
  if (auto stated = n.intsAttr("kernel_shape"); stated && *stated != kernel)
    return n.error(Code::WrongAttribute) << "kernel_shape differs from the extents of the weights";
  return kernel;
}

namespace {

/// The operand of a pool, with at least one spatial dimension.
Value poolInput(NodeImporter &n) {
  Value x = n.input(0);
  if (x && rankOf(x) < 3) {
    n.error(Code::WrongOperands) << "the operand has rank " << rankOf(x) << ", at least 3 is needed";
    return {};
  }
  return x;
}

FailureOr<Window> poolWindow(NodeImporter &n, Value x) {
  auto kernel = n.intsAttr("kernel_shape");
  if (!kernel)
    return n.error(Code::WrongAttribute) << "kernel_shape is missing";
  Dims extents = dimsOf(x);
  return readWindow(n, ArrayRef<DimAttr>(extents).drop_front(2), *kernel);
}

LogicalResult importMaxPool(NodeImporter &n) {
  Value x = poolInput(n);
  auto window = x ? poolWindow(n, x) : FailureOr<Window>(failure());
  if (failed(window))
    return failure();
  Value maxima = n.create<MaxPoolOp>(x, window->kernel, window->strides, window->pads, window->dilations,
                                     n.intAttr("ceil_mode", 0) != 0, false);
  if (n.wantsOutput(1) &&
      failed(n.setOutput(1, maxPoolIndices(n, x, maxima, *window, n.intAttr("storage_order", 0) != 0))))
    return failure();
  return n.setOutput(maxima);
}

LogicalResult importAveragePool(NodeImporter &n) {
  Value x = poolInput(n);
  auto window = x ? poolWindow(n, x) : FailureOr<Window>(failure());
  if (failed(window))
    return failure();
  return n.setOutput(n.create<AveragePoolOp>(x, window->kernel, window->strides, window->pads, window->dilations,
                                             n.intAttr("ceil_mode", 0) != 0, n.intAttr("count_include_pad", 0) != 0,
                                             false));
}

/// Pads at the end with which `ceil_mode` needs no rounding.
LogicalResult padForCeil(NodeImporter &n, ArrayRef<DimAttr> extents, Window &w) {
  size_t r = extents.size();
  for (size_t i = 0; i < r; ++i) {
    auto extent = extents[i].getConstant();
    if (!extent)
      return n.error(Code::UnsupportedForm, "fix the extent with --shape NAME=...!, or set ceil_mode 0 and state pads")
             << "ceil_mode on a dynamic extent is not supported";
    int64_t reach = (w.kernel[i] - 1) * w.dilations[i] + 1, room = *extent + w.pads[i] + w.pads[r + i] - reach;
    int64_t steps = room <= 0 ? 0 : (room + w.strides[i] - 1) / w.strides[i];
    if (steps * w.strides[i] >= *extent + w.pads[i]) // a window that starts in the end padding is dropped
      --steps;
    w.pads[r + i] += std::max<int64_t>(steps * w.strides[i] - room, 0);
  }
  return success();
}

/// (sum of |x|^p)^(1/p), `sum` of values.
template <typename Sum>
LogicalResult importNorm(NodeImporter &n, Value x, Sum sum) {
  double p = n.opset < 2 ? n.floatAttr("p", 2) : double(n.intAttr("p", 2));
  Compose c{n};
  auto power = [&](Value v, double exponent) { return c.make<PowOp>(v, c.like(v, exponent)); };
  x = p == 2 ? c.mul(x, x) : p == 1 ? c.make<AbsOp>(x) : power(c.make<AbsOp>(x), p);
  Value total = x ? sum(x) : Value();
  return n.setOutput(p == 2 ? c.make<SqrtOp>(total) : p == 1 ? total : power(total, 1 / p));
}

/// Over windows the sum is a mean over the padded input times the number of elements.
LogicalResult importLpPool(NodeImporter &n) {
  Value x = poolInput(n);
  auto window = x ? poolWindow(n, x) : FailureOr<Window>(failure());
  if (failed(window))
    return failure();
  Dims extents = dimsOf(x);
  if (n.intAttr("ceil_mode", 0) != 0 && failed(padForCeil(n, ArrayRef(extents).drop_front(2), *window)))
    return failure();
  double count = 1;
  for (int64_t extent : window->kernel)
    count *= double(extent);
  return importNorm(n, x, [&](Value v) {
    Value mean = n.create<AveragePoolOp>(v, window->kernel, window->strides, window->pads, window->dilations, false,
                                         true, false);
    return Compose{n}.mul(mean, count);
  });
}

Ints spatialAxes(Value x) { return llvm::to_vector(llvm::seq<int64_t>(2, rankOf(x))); }

LogicalResult importGlobalLpPool(NodeImporter &n) {
  Value x = poolInput(n);
  return x ? importNorm(n, x, [&](Value v) { return n.create<ReduceSumOp>(v, spatialAxes(x), true); }) : failure();
}

template <typename OpTy>
LogicalResult importGlobalPool(NodeImporter &n) {
  Value x = poolInput(n);
  if (!x)
    return failure();
  return n.setOutput(n.create<OpTy>(x, spatialAxes(x), true));
}

} // namespace

void addWindowRules(Registry &r) {
  r.add("MaxPool", 1, importMaxPool);
  r.add("AveragePool", 1, importAveragePool);
  r.add("LpPool", 1, importLpPool);
  r.add("GlobalAveragePool", 1, importGlobalPool<ReduceMeanOp>);
  r.add("GlobalLpPool", 1, importGlobalLpPool);
  r.add("GlobalMaxPool", 1, importGlobalPool<ReduceMaxOp>);
}

} // namespace tenon::importer
