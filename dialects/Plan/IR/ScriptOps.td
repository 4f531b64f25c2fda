//===- ScriptOps.td - The entry of a plan of several functions ------------===//
//
// What the host does between functions: one op per ScriptOp of lib/Plan/plan.fbs. The importer writes the script beside
// the functions; until these become programs, `plan.call` names functions of the graph.
//
//===----------------------------------------------------------------------===//
#ifndef PLAN_SCRIPT_OPS
#define PLAN_SCRIPT_OPS

include "Plan/IR/PlanOps.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Plan_ValueType : TypeDef<Plan_Dialect, "Value"> {
  let mnemonic = "value";
  let summary = "a tensor, a sequence of tensors or an optional, in memory of its own";
}
def Plan_Value : Type<Plan_ValueType.predicate, "a value of a script">,
                 BuildableType<"$_builder.getType<::tenon::plan_ir::ValueType>()">;

def Plan_ScriptOp : Plan_Op<"script", [Symbol, IsolatedFromAbove, SingleBlock]> {
  let summary = "The entry: what is done, in order, on the model's inputs";
  let description = [{
    `inputs` and `outputs`: dictionaries of a name `name` and a type `type`, ranked or not, of a tensor or, with
    `sequence`, of the elements of a sequence; with `optional` it may be absent.  C1 as many block arguments as inputs.  C2 as many results as outputs.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DictArrayAttr:$inputs, DictArrayAttr:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `inputs` $inputs `outputs` $outputs attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def Plan_YieldOp : Plan_Op<"yield", [Terminator, ReturnLike, Pure]> {
  let summary = "The results of a block";
  let arguments = (ins Variadic<Plan_Value>:$results);
  let assemblyFormat = "$results attr-dict";
}

def Plan_CallOp : Plan_Op<"call", [AttrSizedOperandSegments]> {
  let summary = "Runs a function";
  let description = [{
    With `read` values the function has one more argument, a vector of i64: for each, element `indices[i]` where
    `elements[i]`, else the extent of dimension `indices[i]`.
    C1 the function exists and has as many arguments and results.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Plan_Value>:$arguments, Variadic<Plan_Value>:$read,
                       DenseI64ArrayAttr:$indices, DenseBoolArrayAttr:$elements);
  let results = (outs Variadic<Plan_Value>:$outs);
  let assemblyFormat = [{
    $callee `(` $arguments `)` (`read` $read^)? `at` $indices `elements` $elements attr-dict `->` type($outs)
  }];
  let hasVerifier = 1;
}

def Plan_AbsentOp : Plan_Op<"absent", [Pure]> {
  let summary = "Stands for an operand that is not there";
  let results = (outs Plan_Value:$result);
  let assemblyFormat = "attr-dict";
}

def Plan_HostOp : Plan_Op<"host"> {
  let summary = "An operator that the runtime has a function for: HostOp of plan.fbs";
  let description = "C1 the operator exists.  C2 it has as many operands, numbers and results.";
  let arguments = (ins StrAttr:$op, Variadic<Plan_Value>:$arguments, DenseI64ArrayAttr:$numbers);
  let results = (outs Variadic<Plan_Value>:$outs);
  let assemblyFormat = "$op `(` $arguments `)` $numbers attr-dict `->` type($outs)";
  let hasVerifier = 1;
}

def Plan_BranchOp : Plan_Op<"branch", [SingleBlock]> {
  let summary = "Runs one of two blocks";
  let arguments = (ins Plan_Value:$condition);
  let results = (outs Variadic<Plan_Value>:$outs);
  let regions = (region SizedRegion<1>:$onTrue, SizedRegion<1>:$onFalse);
  let assemblyFormat = "$condition $onTrue `else` $onFalse attr-dict `->` type($outs)";
  let hasVerifier = 1;
}

def Plan_RepeatOp : Plan_Op<"repeat", [SingleBlock, AttrSizedOperandSegments]> {
  let summary = "Runs a block `trips` times, and while the condition holds; ONNX's Loop";
  let description = [{
    The block's arguments: iteration, condition, carried values. It yields the condition, carried values, and values
    that are stacked as `stacked` says: dictionaries of `axis`, `reverse` and the `type` of one (`dims` of it that only
    a run knows are dynamic).
  }];
  let arguments = (ins Optional<Plan_Value>:$trips, Optional<Plan_Value>:$condition, Variadic<Plan_Value>:$carried,
                       DictArrayAttr:$stacked);
  let results = (outs Variadic<Plan_Value>:$outs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`trips` $trips^)? (`while` $condition^)? `(` $carried `)` `stacked` $stacked $body attr-dict `->` type($outs)
  }];
  let hasVerifier = 1;
}

#endif // PLAN_SCRIPT_OPS
