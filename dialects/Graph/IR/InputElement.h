//===- InputElement.h - Extents that depend on the elements of an input ---===//
#ifndef GRAPH_IR_INPUTELEMENT_H
#define GRAPH_IR_INPUTELEMENT_H

#include "Graph/IR/GraphAttributes.h"

namespace tenon::graph {

/// The symbol of element `element` of argument `input` of the function, a tensor of integers, or of f32 in units of
/// 2^-32, of rank 0 or 1. Unlike an extent it may be negative.
DimAttr inputElement(mlir::MLIRContext *context, unsigned input, unsigned element);

/// The input and element of such a symbol.
std::optional<std::pair<unsigned, unsigned>> parseInputElement(llvm::StringRef symbol);

/// Whether a symbol of this name has a meaning of its own ("element:I:E"; "input:I:A", dimension A of argument I), so
/// that no dimension may be called so.
bool isReservedSymbol(llvm::StringRef name);

/// Attribute of a function among others of a plan: the symbols that its last argument, a vector of i64, holds.
inline constexpr llvm::StringLiteral symbolsAttr = "graph.symbols";

} // namespace tenon::graph

#endif // GRAPH_IR_INPUTELEMENT_H
