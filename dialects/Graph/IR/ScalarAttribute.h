//===- ScalarAttribute.h - A number as a tensor of rank 0 ------------------===//
#ifndef GRAPH_IR_SCALARATTRIBUTE_H
#define GRAPH_IR_SCALARATTRIBUTE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tenon::graph {

/// `value` in `elementType`, rounded to nearest if that is a float, cut to its low bits if it is an integer.
inline mlir::DenseElementsAttr scalarAttribute(mlir::Type elementType, double value) {
  auto type = mlir::RankedTensorType::get({}, elementType);
  if (auto floatType = llvm::dyn_cast<mlir::FloatType>(elementType)) {
    llvm::APFloat number(value);
    bool losesInfo;
    number.convert(floatType.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return mlir::DenseElementsAttr::get(type, number);
  }
  const unsigned width = llvm::cast<mlir::IntegerType>(elementType).getWidth();
  return mlir::DenseElementsAttr::get(type,
                                      llvm::APInt(width, uint64_t(int64_t(value)), false, /*implicitTrunc=*/true));
}

} // namespace tenon::graph

#endif // GRAPH_IR_SCALARATTRIBUTE_H
