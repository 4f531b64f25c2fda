//===- ExportRecurrent.cpp - graph.lstm ------------------------------------===//
//
// graph.lstm takes its input product ready made. ONNX's LSTM multiplies by W: here by an identity, which is exact; one
// node for each direction.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/DimExpr.h"
#include "GraphWriter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {
namespace {

class LstmExport {
public:
  LstmExport(GraphWriter &w, LstmOp op) : w(w), op(op), hidden(op.getHiddenSize()) {}
  /// Y, Y_h, Y_c of direction `d`.
  std::vector<Name> run(int64_t d);

private:
  DimAttr dim(int64_t value) { return DimAttr::constant(w.context, value); }
  SmallVector<DimAttr> dimsOf(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }
  Name direction(Value v, int64_t axis, int64_t d) { return v ? w.slice(w.get(v), axis, d, d + 1) : Name(); }

  GraphWriter &w;
  LstmOp op;
  int64_t hidden;
};

std::vector<Name> LstmExport::run(int64_t d) {
  auto dims = dimsOf(op.getGates());
  Type type = cast<RankedTensorType>(op.getGates().getType()).getElementType();
  Name x = w.reshape(direction(op.getGates(), 2, d), {dims[0], dims[1], dim(4 * hidden)});
  Name zeros = w.add("Expand", {w.number(type, 0), w.integers({4 * hidden, 4 * hidden})});
  Name identity = w.reshape(w.add("EyeLike", {zeros}), {dim(1), dim(4 * hidden), dim(4 * hidden)});
  Name r = w.reshape(direction(op.getR(), 0, d), {dim(1), dim(4 * hidden), dim(hidden)});
  Name lengths = op.getLengths() ? w.cast(w.get(op.getLengths()), IntegerType::get(w.context, 32)) : Name();
  Name peepholes =
      op.getPeepholes() ? w.reshape(direction(op.getPeepholes(), 0, d), {dim(1), dim(3 * hidden)}) : Name();
  bool isBackward = op.getDirection() == "backward" || d == 1;
  SmallVector<Attribute> attributes{{"hidden_size", hidden},
                                    {"direction", std::string(isBackward ? "reverse" : "forward")},
                                    {"input_forget", int64_t(op.getInputForget())}};
  Strings names;
  Floats alpha(op.getAlpha().begin(), op.getAlpha().end()), beta(op.getBeta().begin(), op.getBeta().end());
  for (auto name : op.getActivations().getAsValueRange<StringAttr>())
    names.push_back(name.str());
  attributes.push_back({"activations", names});
  attributes.push_back({"activation_alpha", alpha});
  attributes.push_back({"activation_beta", beta});
  if (double clip = op.getClip().convertToDouble(); clip > 0)
    attributes.push_back({"clip", clip});
  return w.addMany("LSTM",
                   {x, identity, r, Name(), lengths, direction(op.getInitialH(), 0, d),
                    direction(op.getInitialC(), 0, d), peepholes},
                   3, attributes);
}

} // namespace

bool exportRecurrent(GraphWriter &w, Operation *op) {
  auto lstm = dyn_cast<LstmOp>(op);
  if (!lstm)
    return false;
  std::vector<std::vector<Name>> directions;
  for (int64_t d = 0; d < lstm.getNumDirections(); ++d)
    directions.push_back(LstmExport(w, lstm).run(d));
  for (unsigned i = 0; i < 3; ++i) {
    SmallVector<Name> parts = llvm::map_to_vector(directions, [&](const auto &results) { return results[i]; });
    Name joined = parts.size() == 1 ? parts[0] : w.add("Concat", parts, {{"axis", int64_t(i == 0)}});
    w.bind(op->getResult(i), joined);
  }
  return true;
}

} // namespace tenon::exporter
