//===- ShapeInputs.cpp - Inputs that shapes are computed from --------------===//
#include "ShapeInputs.h"

#include "Registry.h"

using namespace llvm;

namespace tenon::importer {

ArrayRef<int> getShapeOperands(StringRef op) {
  static const int none[] = {-1}, first[] = {0}, second[] = {1}, third[] = {2}, fourth[] = {3}, bounds[] = {1, 2, 3, 4},
                   pads[] = {1, 3}, window[] = {1, 2}, all[] = {0, 1, 2}, fourier[] = {1, 2}, frames[] = {1, 3},
                   firstTwo[] = {0, 1};
  if (op.starts_with("Reduce"))
    return second;
  return StringSwitch<ArrayRef<int>>(op)
      .Cases({"Reshape", "Expand", "Tile", "Unsqueeze", "Squeeze", "Split", "TopK", "CumSum", "CumProd", "OneHot",
              "Trilu", "CenterCropPad", "AffineGrid"},
             second)
      .Cases({"ConstantOfShape", "HannWindow", "HammingWindow", "BlackmanWindow"}, first)
      .Case("MaxUnpool", third)
      .Case("Resize", fourth)
      .Case("Slice", bounds)
      .Case("Pad", pads)
      .Case("Col2Im", window)
      .Case("Range", all)
      .Case("DFT", fourier)
      .Case("MelWeightMatrix", firstTwo)
      .Case("STFT", frames)
      .Default(ArrayRef<int>(none).drop_front());
}

/// Adds names; graphs of attributes see those of the graph around them (the checker limits how deep they nest).
static void collect(const onnx::GraphProto &graph, StringSet<> &wanted) {
  for (int i = graph.node_size() - 1; i >= 0; --i) { // sorted: users come after producers
    const onnx::NodeProto &node = graph.node(i);
    for (const auto &attribute : node.attribute()) {
      const int first = node.op_type() == "Loop" ? 1 : 0; // a body's first output is its condition
      for (int k = 0; attribute.has_g() && k < node.output_size() && first + k < attribute.g().output_size(); ++k)
        if (wanted.contains(node.output(k)))
          wanted.insert(attribute.g().output(first + k).name());
      if (attribute.has_g())
        collect(attribute.g(), wanted);
    }
    if (!node.domain().empty() && node.domain() != "ai.onnx")
      continue;
    auto want = [&](int operand) {
      if (operand < node.input_size() && !node.input(operand).empty())
        wanted.insert(node.input(operand));
    };
    for (int operand : getShapeOperands(node.op_type()))
      want(operand);
    if (isShapeArithmetic(node.op_type()) && any_of(node.output(), [&](auto &name) { return wanted.contains(name); }))
      for (int operand = 0; operand < node.input_size(); ++operand)
        want(operand);
  }
}

StringSet<> findShapeInputs(const onnx::GraphProto &graph) {
  StringSet<> wanted;
  collect(graph, wanted);
  return wanted;
}

} // namespace tenon::importer
