//===- PrintMemory.cpp - Text of memref and vector ops --------------------===//
#include "../CudaKernelBuilder.h"
#include "CudaPrinter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon::codegen::cuda {

/// "x + i", or "x".
std::string CudaPrinter::address(Value buffer, Value index) {
  if (getConstantIntValue(index) == 0)
    return named[buffer];
  return named[buffer] + " + " + text(index, Binding::Add);
}

std::optional<Expression> CudaPrinter::buildMemory(Operation *op) {
  auto width = [](Type type) { return std::to_string(cast<VectorType>(type).getNumElements()); };
  return TypeSwitch<Operation *, std::optional<Expression>>(op)
      .Case([&](memref::LoadOp load) {
        return Expression{named[load.getMemRef()] + "[" + text(load.getIndices()[0]) + "]"};
      })
      .Case([&](vector::LoadOp load) {
        Value base = load.getBase(), index = load.getIndices()[0];
        if (!isVector(load.getType()))
          return Expression{named[base] + "[" + text(index) + "]"};
        StringRef function = load->hasAttr(unalignedAttr) ? "loadElements" : "loadVector";
        return Expression{(function + "<" + width(load.getType()) + ">(" + address(base, index) + ")").str()};
      })
      .Case([&](vector::GatherOp gather) {
        return Expression{"gatherElements(" + address(gather.getBase(), gather.getOffsets()[0]) + ", " +
                          text(gather.getIndices()) + ")"};
      })
      .Case([&](vector::BroadcastOp broadcast) {
        Expression source = expression(broadcast.getSource());
        if (inLanes)
          return source;
        return Expression{"splat<" + elementName(broadcast.getType()) + ", " + width(broadcast.getType()) + ">(" +
                          source.text + ")"};
      })
      .Case([&](vector::StepOp) { return Expression{inLanes ? "l" : "0"}; })
      .Case([&](vector::ExtractOp extract) -> std::optional<Expression> {
        Value source = extract.getSource();
        if (!isVector(source.getType()))
          return expression(source);
        if (extract.getStaticPosition().size() != 1 || extract.hasDynamicPosition())
          return std::nullopt;
        return Expression{text(source, Binding::Primary) + "[" + std::to_string(extract.getStaticPosition()[0]) + "]"};
      })
      .Case([&](vector::FromElementsOp elements) {
        if (!isVector(elements.getType()))
          return expression(elements.getElements()[0]);
        std::string list;
        for (Value element : elements.getElements())
          list += (list.empty() ? "" : ", ") + text(element);
        return Expression{typeName(elements.getType()) + "{" + list + "}"};
      })
      .Default([](Operation *) { return std::nullopt; });
}

/// Statements; false for other ops.
bool CudaPrinter::printMemory(Operation &op) {
  return TypeSwitch<Operation *, bool>(&op)
      .Case([&](memref::StoreOp store) {
        line(named[store.getMemRef()] + "[" + text(store.getIndices()[0]) + "] = " + text(store.getValue()) + ";");
        return true;
      })
      .Case([&](vector::StoreOp store) {
        Value base = store.getBase(), index = store.getIndices()[0], value = store.getValueToStore();
        if (!isVector(value.getType())) {
          line(named[base] + "[" + text(index) + "] = " + text(value) + ";");
          return true;
        }
        StringRef function = store->hasAttr(unalignedAttr) ? "storeElements" : "storeVector";
        line(function + "(" + address(base, index) + ", " + text(value) + ");");
        return true;
      })
      .Case([&](memref::AllocaOp alloca) {
        auto type = alloca.getType();
        named[alloca] = names.unique(getNameHint(alloca.getLoc()));
        bool isShared = type.getMemorySpace() != nullptr;
        line((isShared ? "__shared__ " : "") + typeName(type.getElementType()) + " " + named[alloca] + "[" +
             Twine(type.getNumElements()) + "];");
        return true;
      })
      .Case([&](gpu::DynamicSharedMemoryOp shared) {
        named[shared] = names.unique("bytes");
        line("TENON_DYNAMIC_SHARED(" + named[shared] + ");");
        return true;
      })
      .Case([&](memref::ViewOp view) {
        std::string type = elementName(view.getType().getElementType());
        named[view] = names.unique(getNameHint(view.getLoc()));
        line(type + " *const " + named[view] + " = reinterpret_cast<" + type + " *>(" +
             address(view.getSource(), view.getByteShift()) + ");");
        return true;
      })
      .Default([](Operation *) { return false; });
}

} // namespace tenon::codegen::cuda
