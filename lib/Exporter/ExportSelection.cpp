//===- ExportSelection.cpp - TopK and Det ----------------------------------===//
#include "Graph/IR/SpecialOps.h"
#include "GraphWriter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {

bool exportSelection(GraphWriter &w, Operation *op) {
  if (auto det = dyn_cast<DetOp>(op)) {
    w.bind(det.getResult(), w.add("Det", {w.get(det.getX())}));
    return true;
  }
  auto topK = dyn_cast<TopKOp>(op);
  if (!topK)
    return false;
  auto results = w.addMany("TopK", {w.get(topK.getX()), w.extent(topK.getK())}, 2,
                           {{"axis", int64_t(topK.getAxis())}, {"largest", int64_t(topK.getLargest())}});
  w.bind(topK.getValues(), results[0]);
  w.bind(topK.getIndices(), results[1]);
  return true;
}

} // namespace tenon::exporter
