//===- GraphAttributes.td - Symbolic extents of the graph dialect ---------===//
#ifndef GRAPH_ATTRIBUTES
#define GRAPH_ATTRIBUTES

include "Graph/IR/GraphBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"

class Graph_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<Graph_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Graph_DimAttr : Graph_Attr<"Dim", "dim"> {
  let summary = "an extent: an integer expression over named symbols";
  let description = [{
    A symbol is a dimension name of a graph input (ONNX dim_param); its value is the extent of the first input dimension
    whose expression is that symbol alone. Expressions are kept in a normal form (sums of products, constants folded,
    operands ordered), so equal expressions of the usual kinds are the same attribute.

    ```mlir
    #graph.dim<(H + -1) floordiv 2 + 1>
    ```

    Grammar: sum ::= term (`+` term)*; term ::= factor (`*` factor | `floordiv` factor)*;
    factor ::= integer | symbol | string | `(` sum `)` | (`min` | `max` | `broadcast`) `(` sum `,` sum `)`.
    `broadcast(a, b)` is ONNX's broadcast of two extents: a if a = b or b = 1, b if a = 1; otherwise the run fails.
  }];
  let parameters = (ins "DimKind":$kind, "int64_t":$value, "::mlir::StringAttr":$name,
                        ArrayRefParameter<"::mlir::Attribute">:$operands, "int64_t":$complexity);
  let hasCustomAssemblyFormat = 1;
  let skipDefaultBuilders = 0;
  let extraClassDeclaration = [{
    /// The constant `value`.
    static DimAttr constant(::mlir::MLIRContext *context, int64_t value);
    /// The extent named `name`, non-negative.
    static DimAttr symbol(::mlir::MLIRContext *context, ::llvm::StringRef name);
    /// The operands, all of them DimAttr.
    auto dims() const {
      return ::llvm::map_range(getOperands(), [](::mlir::Attribute a) { return ::llvm::cast<DimAttr>(a); });
    }
    /// The value of a constant expression.
    std::optional<int64_t> getConstant() const;
    bool isConstant(int64_t value) const { return getConstant() == value; }
    bool isSymbol() const { return getKind() == DimKind::Symbol; }
    /// True if the value cannot be negative for any non-negative symbols (may be false where it is not).
    bool isNonNegative() const;
    /// The value for the given symbols; nothing on an unknown symbol, a division by zero, an overflow or a failing broadcast.
    std::optional<int64_t> evaluate(::llvm::function_ref<std::optional<int64_t>(::llvm::StringRef)> symbols) const;
    /// Adds the symbols that occur, in order of first occurrence.
    void collectSymbols(::llvm::SetVector<::mlir::StringAttr> &symbols) const;
  }];
}

def Graph_ShapeAttr : Graph_Attr<"Shape", "shape",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "the extents of a tensor with symbolic dimensions, or a list of symbolic integers";
  let description = [{
    As the encoding of a tensor type it names every dimension, also the static ones:

    ```mlir
    tensor<?x3x?x?xf32, #graph.shape<[N, 3, H, W]>>
    ```

    A tensor type all of whose dimensions are static has no encoding.
  }];
  let parameters = (ins ArrayRefParameter<"::tenon::graph::DimAttr">:$dims);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    size_t size() const { return getDims().size(); }
    DimAttr operator[](size_t i) const { return getDims()[i]; }
  }];
}

#endif // GRAPH_ATTRIBUTES
