//===- PlanOps.td - The plan dialect: what the runtime will do ------------===//
//
// One op per record of lib/Plan/plan.fbs, so that a plan can be printed, verified and tested before it is written.
//
//===----------------------------------------------------------------------===//
#ifndef PLAN_OPS
#define PLAN_OPS

include "Graph/IR/GraphAttributes.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::tenon::plan_ir";
  let summary = "Buffers, launches, copies and checks, in execution order";
  let description = [{
    A program's buffers are SSA values; sizes, grids and parameters are expressions over the symbols of the graph
    (`#graph.dim`), which the writer turns into the plan's shape program. A buffer of the arena lives from the first to
    the last record that uses it.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

def Plan_BufferType : TypeDef<Plan_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "a range of bytes the runtime knows";
}

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

def Plan_ProgramOp : Plan_Op<"program", [Symbol, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "An entry point, or with `graph.rank` that of a rank: buffers, then records in execution order";
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
}

def Plan_InputOp : Plan_Op<"input", [Pure]> {
  let summary = "The caller's input tensor number `index`";
  let arguments = (ins I64Attr:$index, StrAttr:$name, TypeAttr:$tensor);
  let results = (outs Plan_BufferType:$result);
  let assemblyFormat = "$index $name $tensor attr-dict";
}

def Plan_OutputOp : Plan_Op<"output", [Pure]> {
  let summary = "The caller's output tensor number `index`";
  let arguments = (ins I64Attr:$index, StrAttr:$name, TypeAttr:$tensor);
  let results = (outs Plan_BufferType:$result);
  let assemblyFormat = "$index $name $tensor attr-dict";
}

def Plan_WeightOp : Plan_Op<"weight", [Pure]> {
  let summary = "A constant, stored packed in `format` (empty: as it is)";
  let arguments = (ins ElementsAttr:$value, StrAttr:$format);
  let results = (outs Plan_BufferType:$result);
  let assemblyFormat = "$value `format` $format attr-dict";
}

def Plan_ArenaOp : Plan_Op<"arena", [Pure]> {
  let summary = "`bytes` of the session's arena; with `host`, in memory of the host beside a device with its own";
  let arguments = (ins Graph_DimAttr:$bytes, UnitAttr:$host);
  let results = (outs Plan_BufferType:$result);
  let assemblyFormat = "$bytes attr-dict";
}

def Plan_LibraryCallAttr : AttrDef<Plan_Dialect, "LibraryCall"> {
  let mnemonic = "call";
  let summary = "a kernel that a library computes: result = activation(x * w + residual + bias)";
  let description = [{
    `library` is "cublaslt" or "cudnn", `activation` "none", "relu" or "gelu"; `x`, `w`, `bias`, `residual` and `result`
    are buffers of the launch, -1 for none; `tf32` and `transposed` are 0 or 1. See LibraryCall in plan.fbs.
  }];
  let parameters = (ins "::mlir::StringAttr":$library, "::mlir::Type":$element, "unsigned":$tf32, "int64_t":$x,
                        "int64_t":$w, "int64_t":$bias, "int64_t":$residual, "int64_t":$result,
                        "::mlir::StringAttr":$activation, "unsigned":$transposed, "::mlir::DenseI64ArrayAttr":$window,
                        "int64_t":$workspace);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Plan_KernelOp : Plan_Op<"kernel", [Symbol]> {
  let summary = "A kernel of the code objects; on a GPU with `threads` threads in a block";
  let description = [{
    `codes` are the numbers of the code objects that hold it, in ascending order; without them all do. With `call` no
    code object holds it. With `host` it runs on the processor beside the device, from code objects of the host.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$buffers, I64Attr:$params, StrArrayAttr:$nodes,
                       DefaultValuedAttr<I64Attr, "0">:$threads, DefaultValuedAttr<I64Attr, "0">:$maps,
                       OptionalAttr<DenseI32ArrayAttr>:$codes, OptionalAttr<Plan_LibraryCallAttr>:$call,
                       UnitAttr:$host);
  let assemblyFormat = "$sym_name `buffers` $buffers `params` $params `nodes` $nodes attr-dict";
}

def Plan_TensorMapAttr : AttrDef<Plan_Dialect, "TensorMap"> {
  let mnemonic = "map";
  let summary = "a buffer of a launch as a tensor that the kernel copies by boxes (TMA)";
  let description = [{
    `extents` in elements, from the contiguous dimension; `strides` in bytes, of all but that one; `box` in elements;
    `swizzle` in bytes.
  }];
  let parameters = (ins "unsigned":$buffer, "::mlir::Type":$element, "::tenon::graph::ShapeAttr":$extents,
                        "::tenon::graph::ShapeAttr":$strides, "::mlir::DenseI64ArrayAttr":$box, "unsigned":$swizzle);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Plan_LaunchOp : Plan_Op<"launch"> {
  let summary = "Runs a kernel over work groups 0 .. grid - 1";
  let description = [{
    `scratch` is in bytes: of a thread, on a GPU the dynamic shared memory of a block. `flops` (floating-point operations) and `traffic` (bytes of operands and results) are for profiles.
    Arguments are tensor maps, buffers, parameters. A launch with `codes` happens only with these code objects.
    Constraints: C1 the kernel exists and takes as many tensor maps, buffers and parameters as are given.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<Plan_BufferType>:$buffers, Graph_DimAttr:$grid,
                       Graph_ShapeAttr:$params, Graph_DimAttr:$scratch,
                       OptionalAttr<Graph_DimAttr>:$flops, OptionalAttr<Graph_DimAttr>:$traffic,
                       OptionalAttr<TypedArrayAttrBase<Plan_TensorMapAttr, "tensor maps">>:$maps,
                       OptionalAttr<DenseI32ArrayAttr>:$codes);
  let assemblyFormat = "$kernel `(` $buffers `)` `grid` $grid `params` $params `scratch` $scratch attr-dict";
  let hasVerifier = 1;
}

def Plan_CopyOp : Plan_Op<"copy"> {
  let summary = "Copies `bytes` from the start of source to the start of target";
  let arguments = (ins Plan_BufferType:$source, Plan_BufferType:$target, Graph_DimAttr:$bytes);
  let assemblyFormat = "$source `to` $target `bytes` $bytes attr-dict";
}

def Plan_CollectiveOp : Plan_Op<"collective", [AttrSizedOperandSegments]> {
  let summary = "A rank's share of what ranks do together";
  let description = [{
    `kind` is "all_reduce", "all_gather", "reduce_scatter", "all_to_all", "send" or "receive". `tensor` is what is at the
    source, of a receive at the target; `group` holds ranks, of a send or receive the peer alone; `reduction`, `axis`,
    `extents` and the second axis with its own as in Collective of plan.fbs.
    C1 the kind is known.  C2 a receive has no source and a send no target, all others have both.
    C3 an all-to-all has a second axis, nothing else has.
  }];
  let arguments = (ins StrAttr:$kind, DefaultValuedStrAttr<StrAttr, "sum">:$reduction, TypeAttr:$tensor,
                       DenseI64ArrayAttr:$group, Optional<Plan_BufferType>:$source, Optional<Plan_BufferType>:$target,
                       DefaultValuedAttr<I64Attr, "0">:$axis, OptionalAttr<Graph_ShapeAttr>:$extents,
                       DefaultValuedAttr<I64Attr, "0">:$concat_axis, OptionalAttr<Graph_ShapeAttr>:$concat_extents);
  let assemblyFormat = "$kind $tensor `group` $group (`from` $source^)? (`to` $target^)? attr-dict";
  let hasVerifier = 1;
}

def Plan_CheckOp : Plan_Op<"check"> {
  let summary = "Fails the run unless the expressions are equal";
  let arguments = (ins Graph_DimAttr:$lhs, Graph_DimAttr:$rhs, StrAttr:$message);
  let assemblyFormat = "$lhs `equals` $rhs $message attr-dict";
}

#endif // PLAN_OPS
