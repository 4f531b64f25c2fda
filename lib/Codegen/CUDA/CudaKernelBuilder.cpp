//===- CudaKernelBuilder.cpp - One CUDA kernel in the making --------------===//
#include "CudaKernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numeric>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

/// Marks names that are hints: ONNX node names never begin so.
static constexpr StringLiteral hintMark = "\x01";

Location nameHint(MLIRContext *context, StringRef hint) {
  return NameLoc::get(StringAttr::get(context, hintMark + hint));
}

StringRef getNameHint(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    StringRef hint = name.getName();
    return hint.consume_front(hintMark) ? hint : StringRef();
  }
  if (auto fused = dyn_cast<FusedLoc>(loc))
    return fused.getLocations().empty() ? StringRef() : getNameHint(fused.getLocations().front());
  return {};
}

int64_t divisorOf(DimAttr e) {
  auto all = [&](int64_t start) {
    int64_t divisor = start;
    for (Attribute operand : e.getOperands())
      divisor = std::gcd(divisor, divisorOf(cast<DimAttr>(operand)));
    return divisor;
  };
  switch (e.getKind()) {
  case DimKind::Constant:
    return std::abs(e.getValue());
  case DimKind::Sum:
    return all(std::abs(e.getValue()));
  case DimKind::Product: {
    int64_t divisor = std::abs(e.getValue());
    for (Attribute operand : e.getOperands()) {
      int64_t own = divisorOf(cast<DimAttr>(operand));
      if (llvm::MulOverflow(divisor, own, divisor))
        return 1;
    }
    return divisor;
  }
  case DimKind::Min:
  case DimKind::Max:
  case DimKind::Broadcast:
    return all(0);
  case DimKind::Symbol:
  case DimKind::FloorDiv:
    return 1;
  }
  llvm_unreachable("every kind is handled");
}

CudaKernelBuilder::CudaKernelBuilder(ModuleOp module, StringRef name, ArrayRef<Type> elementTypes,
                                     ArrayRef<std::string> bufferNames)
    : location(UnknownLoc::get(module.getContext())), entry(module.getContext()), body(module.getContext()),
      bufferCount(elementTypes.size()) {
  SmallVector<Type> types;
  for (Type type : elementTypes)
    types.push_back(MemRefType::get({ShapedType::kDynamic}, type.isInteger(1) ? body.getI8Type() : type));
  body.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(body, location, name, body.getFunctionType(types, {}));
  Block *block = function.addEntryBlock();
  for (auto [argument, own] : llvm::zip_equal(block->getArguments(), bufferNames))
    argument.setLoc(nameHint(module.getContext(), own));
  body.setInsertionPointToStart(block);
  auto end = func::ReturnOp::create(body, location);
  // What belongs at entry goes before this unused constant, the body after it.
  body.setInsertionPointToStart(block);
  entry.setInsertionPoint(arith::ConstantIndexOp::create(body, location, 0));
  body.setInsertionPoint(end);
  info.name = name.str();
  info.blocks = DimAttr::constant(module.getContext(), 1);
  info.sharedBytes = DimAttr::constant(module.getContext(), 0);
}

/// "B_S" for B * S; "n" for what does not read well.
static std::string nameOf(DimAttr e) {
  if (e.isSymbol())
    return e.getName().str();
  bool isPlain = e.getKind() == DimKind::Product &&
                 llvm::all_of(e.getOperands(), [](Attribute a) { return cast<DimAttr>(a).isSymbol(); });
  if (!isPlain || e.getOperands().size() > 3)
    return "n";
  std::string name;
  for (Attribute operand : e.getOperands())
    name += (name.empty() ? "" : "_") + cast<DimAttr>(operand).getName().str();
  return e.getValue() == 1 ? name : name + "_" + std::to_string(e.getValue());
}

Value CudaKernelBuilder::param(DimAttr e) {
  Value &value = paramValues[e];
  if (value)
    return value;
  if (auto fixed = e.getConstant())
    return value = arith::ConstantIndexOp::create(entry, location, *fixed);
  unsigned position = function.getNumArguments();
  LogicalResult inserted = function.insertArgument(position, entry.getIndexType(), {}, nameHint(context(), nameOf(e)));
  assert(succeeded(inserted) && "a new last argument");
  (void)inserted;
  value = function.getArgument(position);
  divisors[value] = cuda::divisorOf(e);
  info.params.push_back(e);
  return value;
}

Location CudaKernelBuilder::locationOf(Operation *op) const {
  StringRef name = op->getName().stripDialect();
  if (name.consume_front("reduce_"))
    name = name == "max" ? "largest" : name == "min" ? "smallest" : name;
  return nameHint(context(), ("op:" + name).str());
}

int64_t CudaKernelBuilder::divisorOf(Value value) const {
  if (auto known = divisors.find(value); known != divisors.end())
    return known->second;
  if (auto fixed = getConstantIntValue(value))
    return std::abs(*fixed);
  Operation *op = value.getDefiningOp();
  if (!op)
    return 1;
  auto of = [&](unsigned i) { return divisorOf(op->getOperand(i)); };
  return TypeSwitch<Operation *, int64_t>(op)
      .Case<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MaxSIOp>([&](auto) { return std::gcd(of(0), of(1)); })
      .Case([&](arith::MulIOp) {
        int64_t result;
        return llvm::MulOverflow(of(0), of(1), result) ? 1 : result;
      })
      .Case([&](arith::SelectOp) { return std::gcd(of(1), of(2)); })
      .Default([](Operation *) { return 1; });
}

Value CudaKernelBuilder::loadConsecutive(OpBuilder &b, VectorType type, Value buffer, Value offset, Value mask) {
  assert(!mask && "tails are scalar on a GPU");
  auto load = vector::LoadOp::create(b, location, type, buffer, ValueRange{offset});
  if (divisorOf(offset) % type.getNumElements() != 0)
    load->setAttr(unalignedAttr, b.getUnitAttr());
  return load;
}

Value CudaKernelBuilder::gather(OpBuilder &b, VectorType type, Value buffer, Value base, Value offsets, Value mask) {
  return KernelBuilderBase::gather(b, type, buffer, base, offsets, mask);
}

void CudaKernelBuilder::storeConsecutive(OpBuilder &b, Value vector, Value buffer, Value offset, Value mask) {
  assert(!mask && "tails are scalar on a GPU");
  auto store = vector::StoreOp::create(b, location, vector, buffer, ValueRange{offset});
  if (divisorOf(offset) % cast<VectorType>(vector.getType()).getNumElements() != 0)
    store->setAttr(unalignedAttr, b.getUnitAttr());
}

Value CudaKernelBuilder::constant(int64_t value) { return arith::ConstantIndexOp::create(body, location, value); }
Value CudaKernelBuilder::threadId() { return gpu::ThreadIdOp::create(body, location, gpu::Dimension::x); }
Value CudaKernelBuilder::blockId() { return gpu::BlockIdOp::create(body, location, gpu::Dimension::x); }
Value CudaKernelBuilder::gridSize() { return gpu::GridDimOp::create(body, location, gpu::Dimension::x); }
void CudaKernelBuilder::barrier() { gpu::BarrierOp::create(body, location); }

Value CudaKernelBuilder::sharedMemory(DimAttr elements, Type elementType) {
  assert(info.sharedBytes.isConstant(0) && "a kernel has one piece of dynamic shared memory");
  info.sharedBytes = elements * llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
  auto space = gpu::AddressSpaceAttr::get(context(), gpu::AddressSpace::Workgroup);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, entry.getI8Type(), MemRefLayoutAttrInterface(), space);
  auto type = MemRefType::get({ShapedType::kDynamic}, elementType, MemRefLayoutAttrInterface(), space);
  Value all = gpu::DynamicSharedMemoryOp::create(entry, location, bytes);
  Value zero = arith::ConstantIndexOp::create(entry, location, 0);
  return memref::ViewOp::create(entry, nameHint(context(), "tile"), type, all, zero, ValueRange{param(elements)});
}

Value CudaKernelBuilder::addArgument(Type type, StringRef name) {
  assert(info.params.empty() && "arguments come before parameters");
  unsigned position = function.getNumArguments();
  LogicalResult inserted = function.insertArgument(position, type, {}, nameHint(context(), name));
  assert(succeeded(inserted) && "a new last argument");
  (void)inserted;
  return function.getArgument(position);
}

void CudaKernelBuilder::setReturn(Value value) {
  Operation *end = function.getBody().front().getTerminator();
  end->setOperands(value);
  function.setType(body.getFunctionType(function.getArgumentTypes(), value.getType()));
}

void CudaKernelBuilder::setLaunch(DimAttr blocks, int threads) {
  info.blocks = blocks;
  info.threads = threads;
}

void CudaKernelBuilder::setTactic(const Twine &name, StringRef family, const Twine &why) {
  info.tactic.name = name.str();
  info.tactic.family = family.str();
  info.tactic.why = why.str();
}

KernelInfo CudaKernelBuilder::finish() { return std::move(info); }

} // namespace tenon::codegen::cuda
