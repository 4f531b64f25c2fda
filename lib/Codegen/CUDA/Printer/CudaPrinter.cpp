//===- CudaPrinter.cpp - From kernel IR to CUDA C++ -----------------------===//
#include "CudaPrinter.h"

#include "../CudaKernelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen::cuda {

void CudaPrinter::line(const Twine &text) { body += std::string(2 * depth, ' ') + text.str() + "\n"; }

void CudaPrinter::open(const Twine &head) {
  line(head + (head.isTriviallyEmpty() ? "{" : " {"));
  ++depth;
}

void CudaPrinter::close() {
  --depth;
  line("}");
}

void CudaPrinter::refuse(Operation *op) {
  if (!failed)
    emitError(kernel.getLoc()) << "TN5020: no CUDA text for " << op->getName() << "; file an issue with this model";
  failed = true;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

bool CudaPrinter::isVector(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getNumElements() > 1;
}

std::string cudaTypeName(Type type) {
  if (type.isF32())
    return "float";
  if (type.isF64())
    return "double";
  if (type.isF16())
    return "half";
  if (type.isBF16())
    return "bfloat16";
  unsigned width = type.getIntOrFloatBitWidth();
  return width == 1 ? "bool" : width == 32 ? "int" : "int" + std::to_string(width) + "_t";
}

std::string CudaPrinter::elementName(Type type) {
  type = getElementTypeOrSelf(type);
  return type.isIndex() ? options.wideIndex ? "Index" : "int" : cudaTypeName(type);
}

std::string CudaPrinter::typeName(Type type) {
  if (!isVector(type))
    return elementName(type);
  return "Vector<" + elementName(type) + ", " + std::to_string(cast<VectorType>(type).getNumElements()) + ">";
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

void CudaPrinter::nameArguments() {
  for (BlockArgument argument : kernel.getArguments()) {
    StringRef hint = getNameHint(argument.getLoc());
    named[argument] = names.unique(hint.empty() ? "n" : hint);
  }
}

/// The parameters of the kernel, or of its body, where sizes have type Index.
std::string CudaPrinter::parameters(bool inBody) {
  std::string list;
  for (BlockArgument argument : kernel.getArguments()) {
    if (!list.empty())
      list += ", ";
    if (auto type = dyn_cast<MemRefType>(argument.getType()))
      list += (isWritten(argument) ? "" : "const ") + elementName(type.getElementType()) + " *__restrict__ ";
    else
      list += inBody ? "Index " : "int64_t ";
    list += named[argument];
  }
  return list;
}

/// Three quarters of a thousand threads per multiprocessor: below that little is gained, and ptxas would otherwise
/// rather spill than give up the last block.
static std::string bounds(int threads) {
  return "__launch_bounds__(" + std::to_string(threads) + ", " + std::to_string(std::max(768 / threads, 1)) + ")";
}

std::string wrapList(std::string head, StringRef list, StringRef tail) {
  std::string text = head + "(";
  size_t column = text.size();
  SmallVector<StringRef> items;
  list.split(items, ", ");
  for (auto [i, item] : llvm::enumerate(items)) {
    if (i > 0 && column + item.size() + 2 > 118) {
      text.back() = '\n';
      text += "    ";
      column = 4;
    }
    text += item.str() + (i + 1 == items.size() ? "" : ", ");
    column += item.size() + 2;
  }
  return text + tail.str();
}

/// The kernel of a template over Index: small tensors take 32-bit indices.
void CudaPrinter::printEntry() {
  std::string name = kernel.getSymName().str(), extent = names.unique("elements");
  auto call = [&](StringRef type) {
    std::string arguments;
    for (BlockArgument argument : kernel.getArguments()) {
      bool isSize = !isa<MemRefType>(argument.getType()) && type == "int";
      arguments += (arguments.empty() ? "" : ", ") + (isSize ? "int(" + named[argument] + ")" : named[argument]);
    }
    return (name + "_body<" + type + ">(" + arguments + ");").str();
  };
  body += "\nextern \"C\" __global__ void " + bounds(options.threads) + "\n" +
          wrapList(name, parameters(/*inBody=*/false) + ", int64_t " + extent, ") {\n");
  line("// Elements of the largest tensor: where they are few, so are the bits of an index.");
  line("if (" + extent + " < (1 << 30))");
  line("  " + call("int"));
  line("else");
  line("  " + call("int64_t"));
  body += "}\n";
}

std::string CudaPrinter::print() {
  nameArguments();
  std::string name = kernel.getSymName().str();
  if (options.wideIndex) {
    body += "template <class Index>\n" +
            wrapList("TENON_DEVICE void " + name + "_body", parameters(/*inBody=*/true), ") {\n");
  } else {
    body += "extern \"C\" __global__ void " + bounds(options.threads) + "\n" +
            wrapList(name, parameters(/*inBody=*/false), ") {\n");
    for (BlockArgument argument : kernel.getArguments())
      if (argument.getType().isIndex() && !argument.use_empty()) {
        std::string narrow = names.unique(named[argument]);
        line("const int " + narrow + " = int(" + named[argument] + ");");
        named[argument] = narrow;
      }
  }
  printBlock(kernel.getBody().front());
  body += "}\n";
  if (options.wideIndex)
    printEntry();
  body += "TENON_KERNEL(" + name + ");\n";
  return failed ? std::string() : body;
}

std::string CudaPrinter::printMethod(ArrayRef<std::string> members, unsigned buffers) {
  depth = 2;
  for (unsigned i = 0; i < buffers; ++i)
    named[kernel.getArgument(i)] = names.unique(members[i]);
  std::string list;
  for (unsigned i = buffers; i < buffers + 3; ++i) {
    BlockArgument argument = kernel.getArgument(i);
    named[argument] = names.unique(getNameHint(argument.getLoc()));
    list += (list.empty() ? "" : ", ") + typeName(argument.getType()) + " " + named[argument];
  }
  for (unsigned i = buffers; i < members.size(); ++i)
    names.unique(members[i]);
  body = "  template <class Index>\n  TENON_DEVICE " + typeName(kernel.getResultTypes()[0]) + " operator()(" + list +
         ") const {\n";
  for (unsigned i = buffers; i < members.size(); ++i) {
    Value param = kernel.getArgument(i + 3);
    named[param] = names.unique(members[i]);
    line("const Index " + named[param] + " = Index(" + members[i] + ");");
  }
  printBlock(kernel.getBody().front());
  body += "  }\n";
  return failed ? std::string() : body;
}

std::string CudaPrinter::printFunction() {
  depth = 2;
  nameArguments();
  std::string list;
  for (BlockArgument argument : kernel.getArguments())
    list += (list.empty() ? "" : ", ") + typeName(argument.getType()) + " " + named[argument];
  body = "  TENON_DEVICE " + typeName(kernel.getResultTypes()[0]) + " operator()(" + list + ") const {\n";
  printBlock(kernel.getBody().front());
  body += "  }\n";
  return failed ? std::string() : body;
}

void CudaPrinter::printBlock(Block &block) {
  for (Operation &op : block)
    printOp(op);
}

void CudaPrinter::printOp(Operation &op) {
  // A scalar for all lanes needs no variable of its own.
  if (failed || op.hasTrait<OpTrait::ConstantLike>() || isa<vector::BroadcastOp>(op) || isOpTriviallyDead(&op))
    return;
  if (isLaneOp(op)) {
    pending.insert(&op);
    return;
  }
  if (op.getNumResults() == 1 && isInlined(op.getResult(0)))
    return;
  if (needsPending(op))
    flushLanes();
  if (printControl(op) || printMemory(op))
    return;
  if (op.getNumResults() != 1)
    return refuse(&op);
  define(op.getResult(0));
}

/// The name of a value without a hint. What comes from buffer `x` is `x_v`.
static std::string defaultName(Operation *op, StringRef buffer) {
  if (isa<memref::LoadOp, vector::LoadOp, vector::GatherOp>(op))
    return (buffer + "_v").str();
  if (isa<gpu::ThreadIdOp>(op))
    return "thread";
  if (isa<gpu::BlockIdOp>(op))
    return "block";
  return op->getName().stripDialect().str();
}

/// A fresh name: what its location wants; an index that is part of computing an op is an offset.
std::string CudaPrinter::nameFor(Value value) {
  StringRef hint = getNameHint(value.getLoc());
  bool isOfOp = hint.consume_front("op:");
  if (isOfOp && getElementTypeOrSelf(value.getType()).isIndex())
    hint = "offset";
  Operation *op = value.getDefiningOp();
  if (hint.empty() && op)
    return names.unique(defaultName(op, op->getNumOperands() ? named.lookup(op->getOperand(0)) : std::string()));
  return names.unique(hint.empty() ? "value" : hint);
}

/// "target = right;", or "target += ..;" where the value is a sum that starts with the target.
std::string CudaPrinter::assignment(StringRef target, Value value, StringRef right) {
  StringRef rest = right;
  bool starts = rest.consume_front(target) && rest.consume_front(" + ");
  if (starts && value.getDefiningOp() && isa<arith::AddFOp, arith::AddIOp>(value.getDefiningOp()) &&
      expression(value.getDefiningOp()->getOperand(0)).text == target)
    return (target + " += " + rest + ";").str();
  return (target + " = " + right + ";").str();
}

void CudaPrinter::define(Value value) {
  Operation *op = value.getDefiningOp();
  std::string right = build(op).text, name = nameFor(value);
  line("const " + typeName(value.getType()) + " " + name + " = " + right + ";");
  named[value] = name;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Expression CudaPrinter::expression(Value value) {
  Attribute fixed;
  if (matchPattern(value, m_Constant(&fixed))) {
    if (auto dense = dyn_cast<SplatElementsAttr>(fixed))
      fixed = dense.getSplatValue<Attribute>();
    std::string text = constant(fixed, getElementTypeOrSelf(value.getType()));
    if (isVector(value.getType()) && !inLanes)
      return {"splat<" + elementName(value.getType()) + ", " +
              std::to_string(cast<VectorType>(value.getType()).getNumElements()) + ">(" + text + ")"};
    return {text, text[0] == '-' ? Binding::Unary : Binding::Primary};
  }
  if (auto known = named.find(value); known != named.end()) {
    bool isLane = inLanes && isVector(value.getType()) && !scalars.contains(value);
    return {known->second + (isLane ? "[l]" : "")};
  }
  Operation *op = value.getDefiningOp();
  if (!op) {
    refuse(kernel);
    return {"?"};
  }
  return build(op);
}

Expression CudaPrinter::buildCall(StringRef name, ValueRange operands) {
  std::string arguments;
  for (Value operand : operands)
    arguments += (arguments.empty() ? "" : ", ") + text(operand);
  return {name.str() + "(" + arguments + ")"};
}

Expression CudaPrinter::build(Operation *op) {
  for (auto builder :
       {&CudaPrinter::buildArith, &CudaPrinter::buildMath, &CudaPrinter::buildMemory, &CudaPrinter::buildGpu})
    if (std::optional<Expression> result = (this->*builder)(op))
      return *result;
  refuse(op);
  return {"?"};
}

} // namespace tenon::codegen::cuda
