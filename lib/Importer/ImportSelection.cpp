//===- ImportSelection.cpp - TopK and Det: functions of the runtime --------===//
#include "Graph/IR/SpecialOps.h"
#include "NodeImporter.h"
#include "Registry.h"
#include "RunTimeAxes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// The number of elements to pick: an attribute, since opset 10 operand 1, of one element.
FailureOr<DimAttr> readCount(NodeImporter &n) {
  if (n.opset < 10)
    return n.dim(n.intAttr("k", 0));
  auto values = n.shapeOperand(1);
  if (failed(values))
    return failure();
  if (values->size() != 1)
    return n.error(Code::WrongOperands) << "k must be one number";
  return values->front();
}

/// Sorted whether that is asked for or not: the other order is free.
LogicalResult importTopK(NodeImporter &n) {
  Value x = n.input(0);
  auto k = x ? readCount(n) : FailureOr<DimAttr>(failure());
  if (failed(k))
    return failure();
  auto axis = n.normalizeAxis(n.intAttr("axis", -1), rankOf(x));
  if (failed(axis))
    return failure();
  DimAttr extent = dimsOf(x)[size_t(*axis)], count = max(*k, n.dim(0));
  auto wanted = k->getConstant(), have = extent.getConstant();
  if ((wanted && *wanted < 0) || (wanted && have && *wanted > *have))
    return n.error(Code::WrongOperands) << "k is " << *wanted << ", but the axis has extent " << (have ? *have : 0);
  n.requireEqual(min(count, extent), *k, "k elements along the axis");
  auto results = n.createMany<TopKOp>(2, x, uint64_t(*axis), count, n.opset < 11 || n.intAttr("largest", 1) != 0);
  if (results.empty() || failed(n.setOutput(0, results[0])))
    return failure();
  return n.setOutput(1, results[1]);
}

LogicalResult importDet(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  Dims dims = dimsOf(x);
  if (dims.size() < 2)
    return n.error(Code::WrongOperands) << "the operand has rank " << dims.size() << ", at least 2 is needed";
  DimAttr rows = dims[dims.size() - 2], columns = dims.back();
  if (rows != columns) { // one of them may be a number, or both names for it
    n.requireEqual(rows, columns, "square matrices");
    dims[dims.size() - 2] = dims.back() = rows.getConstant() ? rows : columns;
    x = n.reshape(x, dims);
  }
  return n.setOutput(x ? n.create<DetOp>(x) : Value());
}

} // namespace

void addSelectionRules(Registry &r) {
  r.add("TopK", 1, importTopK);
  r.add("Det", 11, importDet);
}

} // namespace tenon::importer
