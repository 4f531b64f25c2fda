//===- ImportRunTimeControl.h - If, Loop and Scan that a run decides --------===//
#ifndef TENON_IMPORTER_IMPORTRUNTIMECONTROL_H
#define TENON_IMPORTER_IMPORTRUNTIMECONTROL_H

#include "GraphImporter.h"

namespace tenon::importer {

/// One If whose branches are imported, each as a frame; the end of the first starts the second.
class GraphImporter::RunTimeIf {
public:
  RunTimeIf(GraphImporter &importer, const NodeImporter &n) : importer(importer), n(n) {}
  static LogicalResult start(const std::shared_ptr<RunTimeIf> &self);

private:
  static LogicalResult enter(const std::shared_ptr<RunTimeIf> &self, unsigned side);
  LogicalResult finish();
  /// Branches whose results differ in rank: what follows is imported for each of them, if it can be.
  LogicalResult split(unsigned preferred);
  /// Where it cannot: the plan serves the runs that take one of them, and checks that they do.
  LogicalResult assume(unsigned side);

  const onnx::GraphProto &getBranch(unsigned side) const {
    return n.findAttr(side == 0 ? "then_branch" : "else_branch")->g();
  }

  GraphImporter &importer;
  NodeImporter n;
  Number condition = noNumber;
  ScriptBlock *blocks[2] = {nullptr, nullptr};
  SmallVector<ValueKind> kinds[2];
};

/// One Loop or Scan. Its body is imported, as a frame, until its results fit what it carries.
class GraphImporter::RunTimeLoop {
public:
  RunTimeLoop(GraphImporter &importer, const NodeImporter &n)
      : importer(importer), n(n), isScan(n.node.op_type() == "Scan") {}
  static LogicalResult start(const std::shared_ptr<RunTimeLoop> &self);

private:
  struct Scanned {
    Number number;
    int64_t axis;
    bool isReversed;
    Dims dims; ///< of an element
    mlir::Type elementType;
  };

  LogicalResult readLoop();
  LogicalResult readScan();
  LogicalResult carry(size_t first, size_t end);
  static LogicalResult attempt(const std::shared_ptr<RunTimeLoop> &self);
  static LogicalResult finishBody(const std::shared_ptr<RunTimeLoop> &self, ArrayRef<ModelValue *> results);
  LogicalResult finish(ArrayRef<ModelValue *> stacked);
  /// `value` with the extents `dims`, where null leaves what it has; null with an error.
  ModelValue *withExtents(ModelValue *value, Dims dims);
  int64_t listed(StringRef name, size_t i) const {
    auto list = n.intsAttr(name);
    return list && i < list->size() ? (*list)[i] : 0;
  }

  GraphImporter &importer;
  NodeImporter n;
  const bool isScan;
  ScriptBlock *block = nullptr;
  Number trips = noNumber, condition = noNumber;
  SmallVector<Number> initial;
  SmallVector<ValueKind> carried;
  SmallVector<Scanned> scanned;
  DimAttr length; ///< of what is scanned
};

} // namespace tenon::importer

#endif // TENON_IMPORTER_IMPORTRUNTIMECONTROL_H
