//===- Describe.cpp - Names and comments for people -----------------------===//
#include "Describe.h"

#include "CudaKernelBuilder.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

/// What operand `i` is to `op`; empty if it is one of equals.
static StringRef roleOf(Operation *op, unsigned i) {
  auto pick = [&](ArrayRef<StringRef> names) { return i < names.size() ? names[i] : StringRef(); };
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<ConvOp, ConvTransposeOp>([&](Operation *) { return pick({"x", "weight", "bias"}); })
      .Case([&](MatMulOp) { return pick({"x", "weight"}); })
      .Case([&](LayerNormalizationOp) { return pick({"x", "scale", "bias"}); })
      .Case([&](BatchNormalizationOp) { return pick({"x", "scale", "bias", "mean", "variance"}); })
      .Case([&](AttentionOp) { return pick({"q", "k", "v", "mask"}); })
      .Case([&](LstmOp lstm) {
        Value operand = op->getOperand(i);
        return operand == lstm.getInitialH()    ? "initial_h"
               : operand == lstm.getInitialC()  ? "initial_c"
               : operand == lstm.getLengths()   ? "lengths"
               : operand == lstm.getPeepholes() ? "peepholes"
                                                : pick({"gates", "r"});
      })
      .Case([&](GatherOp) { return pick({"table", "indices"}); })
      .Case([&](WhereOp) { return pick({"condition"}); })
      .Default([](Operation *) { return StringRef(); });
}

SmallVector<std::string> nameBuffers(DispatchOp dispatch) {
  SmallVector<std::string> names;
  llvm::StringMap<unsigned> used;
  auto add = [&](StringRef wanted) {
    unsigned count = used[wanted]++;
    names.push_back(count ? (wanted + Twine(count)).str() : wanted.str());
  };
  char next = 'a';
  for (BlockArgument argument : dispatch.getBody().getArguments()) {
    StringRef role;
    for (OpOperand &use : argument.getUses())
      if (role.empty())
        role = roleOf(use.getOwner(), use.getOperandNumber());
    if (!role.empty())
      add(role);
    else if (dispatch.getNumOperands() == 1)
      add("x");
    else
      add(StringRef(&next, 1)), next = next < 'h' ? next + 1 : 'h';
  }
  for (unsigned i = 0; i < dispatch.getNumResults(); ++i)
    add("out");
  return names;
}

std::string toText(DimAttr e) {
  if (auto fixed = e.getConstant())
    return std::to_string(*fixed);
  std::string text;
  llvm::raw_string_ostream os(text);
  e.printStripped(os);
  StringRef inner = text;
  if (inner.consume_front("dim<"))
    inner.consume_back(">");
  return inner.str();
}

/// f32[N, 64]
static std::string typeText(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << tensor.getElementType() << "[";
  llvm::interleaveComma(getDims(tensor), os, [&](DimAttr dim) { os << toText(dim); });
  os << "]";
  return text;
}

static void collectNodes(Location loc, llvm::SmallSetVector<StringRef, 8> &names) {
  if (auto name = dyn_cast<NameLoc>(loc))
    names.insert(name.getName().getValue());
  else if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      collectNodes(part, names);
}

/// Comment lines must end where they should, whatever a model calls its nodes.
static std::string sanitize(StringRef text) {
  std::string safe;
  for (char c : text)
    safe += llvm::isPrint(c) && c != '\\' ? c : '_';
  return safe;
}

std::string describe(DispatchOp dispatch, StringRef name) {
  llvm::SmallSetVector<StringRef, 8> nodes;
  std::string ops, text = "// " + name.str() + ":";
  for (Operation &op : dispatch.getBody().front().without_terminator()) {
    collectNodes(op.getLoc(), nodes);
    if (!isa<ConstantOp>(op))
      ops += " " + op.getName().stripDialect().str();
  }
  text += ops + "\n";
  if (nodes.empty())
    collectNodes(dispatch.getLoc(), nodes);
  if (!nodes.empty()) {
    text += "// ONNX nodes:";
    for (StringRef node : nodes)
      text += " " + sanitize(node);
    text += "\n";
  }
  SmallVector<std::string> buffers = nameBuffers(dispatch);
  unsigned i = 0;
  for (Type type : llvm::concat<const Type>(dispatch->getOperandTypes(), dispatch->getResultTypes()))
    text += "//   " + buffers[i++] + ": " + typeText(type) + "\n";
  return text;
}

} // namespace tenon::codegen::cuda
