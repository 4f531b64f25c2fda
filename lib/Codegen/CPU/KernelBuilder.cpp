//===- KernelBuilder.cpp - One CPU kernel in the making -------------------===//
#include "tenon/Codegen/CPU/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace tenon::codegen {

// VNNI is in no level of the psABI: Xeons and Zen 4 have it for registers of 512 bits, smaller cores for 256 only.
ArrayRef<StringLiteral> CpuTarget::getArchs() {
  static constexpr StringLiteral archs[] = {"x86-64-v4-vnni", "x86-64-v4", "x86-64-v3-vnni", "x86-64-v3"};
  return archs;
}

std::optional<CpuTarget> CpuTarget::get(StringRef arch) {
  if (!llvm::is_contained(getArchs(), arch))
    return std::nullopt;
  CpuTarget target;
  target.arch = arch.str();
  target.hasVnni = arch.consume_back("-vnni");
  target.cpu = arch.str();
  if (arch == "x86-64-v4") {
    // Without the second LLVM takes vpdpwssd apart again.
    target.features = target.hasVnni ? "+avx512vnni,+fast-dpwssd" : "";
    target.integerRows = target.hasVnni ? 14 : 4;
    return target;
  }
  target.features = target.hasVnni ? "+avxvnni,+fast-dpwssd" : "";
  target.vectorBits = 256;
  target.tileRows = 6;
  target.tileVectors = 1;
  target.integerRows = target.hasVnni ? 6 : 4;
  return target;
}

namespace {

/// Type of an element in memory: booleans are bytes.
Type storageType(OpBuilder &b, Type elementType) { return elementType.isInteger(1) ? b.getI8Type() : elementType; }

/// base[index] of a table of 8-byte entries that nobody writes while the kernel runs.
Value loadEntry(OpBuilder &b, Location loc, Type type, Value base, int64_t index) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value address =
      LLVM::GEPOp::create(b, loc, pointer, b.getI64Type(), base, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)},
                          LLVM::GEPNoWrapFlags::inbounds);
  return LLVM::LoadOp::create(b, loc, type, address, /*alignment=*/8, /*isVolatile=*/false, /*isNonTemporal=*/false,
                              /*isInvariant=*/true);
}

} // namespace

KernelBuilder::KernelBuilder(ModuleOp module, StringRef name, ArrayRef<Type> elementTypes)
    : location(module.getLoc()), entry(module.getContext()), body(module.getContext()) {
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  Type i64 = body.getI64Type();
  body.setInsertionPointToEnd(module.getBody());
  auto type = body.getFunctionType({pointer, pointer, i64, i64, pointer}, {});
  function = func::FuncOp::create(body, location, name, type);
  Block *block = function.addEntryBlock();
  body.setInsertionPointToStart(block);
  paramsPointer = block->getArgument(1);
  scratchPointer = block->getArgument(4);
  beginGroup = arith::IndexCastOp::create(body, location, body.getIndexType(), block->getArgument(2));
  endGroup = arith::IndexCastOp::create(body, location, body.getIndexType(), block->getArgument(3));
  // What is loaded at entry goes before this unused constant, the body after it.
  entry.setInsertionPoint(arith::ConstantIndexOp::create(body, location, 0));
  for (auto [i, elementType] : llvm::enumerate(elementTypes)) {
    Value address = loadEntry(entry, location, pointer, block->getArgument(0), i);
    buffers.push_back(bufferFromPointer(entry, address, elementType));
    info.bufferTypes.push_back(elementType);
  }
  body.setInsertionPoint(func::ReturnOp::create(body, location));
  info.name = name.str();
  info.grid = graph::DimAttr::constant(module.getContext(), 1);
  info.scratchBytes = graph::DimAttr::constant(module.getContext(), 0);
}

/// The memref descriptor is built by hand: kernels take raw pointers, and the lowering folds the cast away.
Value KernelBuilder::bufferFromPointer(OpBuilder &b, Value pointer, Type elementType) {
  Type i64 = b.getI64Type();
  auto array = LLVM::LLVMArrayType::get(i64, 1);
  auto descriptor =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {pointer.getType(), pointer.getType(), i64, array, array});
  auto number = [&](int64_t value) { return LLVM::ConstantOp::create(b, location, i64, b.getI64IntegerAttr(value)); };
  auto insert = [&](Value into, Value value, ArrayRef<int64_t> position) {
    return LLVM::InsertValueOp::create(b, location, into, value, position);
  };
  Value d = LLVM::UndefOp::create(b, location, descriptor);
  d = insert(insert(d, pointer, {0}), pointer, {1});
  d = insert(d, number(0), {2});
  d = insert(d, number(std::numeric_limits<int64_t>::max()), {3, 0});
  d = insert(d, number(1), {4, 0});
  auto type = MemRefType::get({ShapedType::kDynamic}, storageType(b, elementType));
  return UnrealizedConversionCastOp::create(b, location, type, d).getResult(0);
}

Value KernelBuilder::param(graph::DimAttr e) {
  Value &value = paramValues[e];
  if (value)
    return value;
  if (auto constant = e.getConstant())
    return value = arith::ConstantIndexOp::create(entry, location, *constant);
  Value loaded = loadEntry(entry, location, entry.getI64Type(), paramsPointer, info.params.size());
  info.params.push_back(e);
  return value = arith::IndexCastOp::create(entry, location, entry.getIndexType(), loaded);
}

Value KernelBuilder::scratch(graph::DimAttr bytes, Type elementType) {
  assert(info.scratchBytes.isConstant(0) && "a kernel has one scratch");
  info.scratchBytes = bytes;
  return bufferFromPointer(entry, scratchPointer, elementType);
}

void KernelBuilder::callLibrary(StringRef name, ArrayRef<graph::DimAttr> numbers, graph::DimAttr scratchBytes) {
  assert(info.scratchBytes.isConstant(0) && "a kernel has one scratch");
  info.scratchBytes = scratchBytes;
  auto pointer = LLVM::LLVMPointerType::get(body.getContext());
  Type i64 = body.getI64Type();
  Block &block = function.getBody().front();
  auto count = LLVM::ConstantOp::create(entry, location, i64, entry.getI64IntegerAttr(int64_t(numbers.size())));
  Value table = LLVM::AllocaOp::create(entry, location, pointer, i64, count, /*alignment=*/8);
  for (auto [i, number] : llvm::enumerate(numbers)) {
    Value value = arith::IndexCastOp::create(body, location, i64, param(number));
    Value address =
        LLVM::GEPOp::create(body, location, pointer, i64, table, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)},
                            LLVM::GEPNoWrapFlags::inbounds);
    LLVM::StoreOp::create(body, location, value, address, /*alignment=*/8);
  }
  OpBuilder outside(function);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(body.getContext()), {pointer, pointer, i64, i64, pointer});
  auto callee = LLVM::LLVMFuncOp::create(outside, location, name, type);
  LLVM::CallOp::create(
      body, location, callee,
      ValueRange{block.getArgument(0), table, block.getArgument(2), block.getArgument(3), block.getArgument(4)});
}

KernelInfo KernelBuilder::finish() { return std::move(info); }

Value KernelBuilder::constant(int64_t value) { return arith::ConstantIndexOp::create(body, location, value); }

Value KernelBuilder::add(Value a, Value b) {
  return body.createOrFold<arith::AddIOp>(location, a, b, arith::IntegerOverflowFlags::nsw);
}

Value KernelBuilder::mul(Value a, Value b) {
  return body.createOrFold<arith::MulIOp>(location, a, b, arith::IntegerOverflowFlags::nsw);
}

} // namespace tenon::codegen
