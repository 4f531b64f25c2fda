//===- BinaryDefinitions.cpp - Generated from the rows -------------------===//
#include "Graph/IR/ElementwiseReference.h"
#include "Graph/IR/OpSupport.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;

// The rows compare x with itself to let NaN through; for integers that is always false.
#pragma clang diagnostic ignored "-Wtautological-compare"
#define GET_OP_CLASSES
#include "Graph/IR/BinaryOps.cpp.inc"
