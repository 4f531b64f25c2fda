//===- ExportRecurrent.cpp - graph.lstm and graph.gru ----------------------===//
//
// They take their input product ready made. ONNX's LSTM and GRU multiply by W: here by an identity, which is exact; one
// node for each direction.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/DimExpr.h"
#include "Graph/IR/GruOp.h"
#include "GraphWriter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::exporter {
namespace {

/// What LSTM and GRU have in common, for one direction.
template <typename OpTy>
class RecurrenceExport {
public:
  RecurrenceExport(GraphWriter &w, OpTy op, int64_t gates, int64_t d)
      : w(w), op(op), gates(gates), d(d), hidden(op.getHiddenSize()),
        type(cast<RankedTensorType>(op.getGates().getType()).getElementType()) {}
  /// Results of the direction, those of each step first.
  std::vector<Name> run();

private:
  DimAttr dim(int64_t value) { return DimAttr::constant(w.context, value); }
  /// What `v` has for the direction, as [1, ..]; empty if null.
  Name part(Value v) { return v ? w.slice(w.get(v), 0, d, d + 1) : Name(); }
  Name zeros(const Ints &shape) { return w.add("Expand", {w.number(type, 0), w.integers(shape)}); }
  std::vector<Name> addNode(ArrayRef<Name> operands, SmallVector<Attribute> attributes);

  GraphWriter &w;
  OpTy op;
  const int64_t gates, d, hidden;
  Type type;
};

template <typename OpTy>
std::vector<Name> RecurrenceExport<OpTy>::run() {
  auto dims = getDims(cast<RankedTensorType>(op.getGates().getType()));
  const int64_t size = gates * hidden;
  Name x = w.reshape(w.slice(w.get(op.getGates()), 2, d, d + 1), {dims[0], dims[1], dim(size)});
  Name identity = w.reshape(w.add("EyeLike", {zeros({size, size})}), {dim(1), dim(size), dim(size)});
  Name r = w.reshape(part(op.getR()), {dim(1), dim(size), dim(hidden)});
  Name lengths = op.getLengths() ? w.cast(w.get(op.getLengths()), IntegerType::get(w.context, 32)) : Name();
  bool isBackward = op.getDirection() == "backward" || d == 1;
  SmallVector<Attribute> attributes{{"hidden_size", hidden},
                                    {"direction", std::string(isBackward ? "reverse" : "forward")}};
  Strings names;
  for (auto name : op.getActivations().template getAsValueRange<StringAttr>())
    names.push_back(name.str());
  attributes.push_back({"activations", names});
  attributes.push_back({"activation_alpha", Floats(op.getAlpha().begin(), op.getAlpha().end())});
  attributes.push_back({"activation_beta", Floats(op.getBeta().begin(), op.getBeta().end())});
  if (double clip = op.getClip().convertToDouble(); clip > 0)
    attributes.push_back({"clip", clip});
  return addNode({x, identity, r, Name(), lengths, part(op.getInitialH())}, attributes);
}

template <>
std::vector<Name> RecurrenceExport<LstmOp>::addNode(ArrayRef<Name> operands, SmallVector<Attribute> attributes) {
  SmallVector<Name> all(operands);
  all.push_back(part(op.getInitialC()));
  all.push_back(op.getPeepholes() ? w.reshape(part(op.getPeepholes()), {dim(1), dim(3 * hidden)}) : Name());
  attributes.push_back({"input_forget", int64_t(op.getInputForget())});
  return w.addMany("LSTM", all, 3, attributes);
}

template <>
std::vector<Name> RecurrenceExport<GruOp>::addNode(ArrayRef<Name> operands, SmallVector<Attribute> attributes) {
  SmallVector<Name> all(operands);
  if (op.getBias()) // of the candidate in the recurrence: the last of six
    all[3] = w.add("Concat", {zeros({1, 5 * hidden}), part(op.getBias())}, {{"axis", int64_t(1)}});
  attributes.push_back({"linear_before_reset", int64_t(1)});
  return w.addMany("GRU", all, 2, attributes);
}

template <typename OpTy>
void exportDirections(GraphWriter &w, OpTy op, int64_t gates) {
  std::vector<std::vector<Name>> directions;
  for (int64_t d = 0; d < op.getNumDirections(); ++d)
    directions.push_back(RecurrenceExport<OpTy>(w, op, gates, d).run());
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    SmallVector<Name> parts = llvm::map_to_vector(directions, [&](const auto &results) { return results[i]; });
    Name joined = parts.size() == 1 ? parts[0] : w.add("Concat", parts, {{"axis", int64_t(i == 0)}});
    w.bind(op->getResult(i), joined);
  }
}

} // namespace

bool exportRecurrent(GraphWriter &w, Operation *op) {
  if (auto lstm = dyn_cast<LstmOp>(op))
    exportDirections(w, lstm, 4);
  else if (auto gru = dyn_cast<GruOp>(op))
    exportDirections(w, gru, 3);
  else
    return false;
  return true;
}

} // namespace tenon::exporter
