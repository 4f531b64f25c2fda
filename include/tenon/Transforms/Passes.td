//===- Passes.td - Passes from graph to graph -----------------------------===//
#ifndef TENON_TRANSFORMS_PASSES
#define TENON_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def FoldConstants : Pass<"tenon-fold-constants", "::mlir::func::FuncOp"> {
  let summary = "Evaluate ops whose operands are constants";
  let description = [{
    Every pure graph op with constant operands is replaced by its value, computed by lib/Reference. A result over 64 KiB is
    made only if it is at most four times as large as its operands, and all results together may exceed theirs by
    `max-bytes`. Idempotent.
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "uint64_t", "67108864", "bytes by which results may exceed their operands in all">,
    Option<"readsWeights", "reads-weights", "bool", "true", "false: what reads over 64 KiB becomes a constant without data">,
  ];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def Simplify : Pass<"tenon-simplify", "::mlir::func::FuncOp"> {
  let summary = "Rewrite graph ops to fewer or cheaper ones";
  let description = [{
    Turns batch normalisation into a scale and a shift, folds shifts into the bias of a convolution, turns matrix products
    with transposed operands into their transposed form, and transposed convolutions that do not overlap into products.
    A scale stays beside its convolution: fused, it costs one operation per result, and folded it would round the weights.

    ```mlir
    %0 = graph.conv %x, %w ...              %0 = graph.conv %x, %w ...
    %1 = graph.batch_normalization %0 ..  ->  %1 = graph.mul %0, %scale
                                            %2 = graph.add %1, %shift
    ```

    Guarantees: no graph.batch_normalization, graph.conv_transpose is left where it can be rewritten. Idempotent.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def ConvertPrecision : Pass<"tenon-convert-precision", "::mlir::func::FuncOp"> {
  let summary = "Compute products and what follows them in f16 or bf16";
  let description = [{
    Products, and look-ups in constant tables, get narrow operands; ops that keep the size of their values are narrow
    where an operand is. Reductions (but for extrema), softmax, powers and exponentials take f32, with casts around; so
    do elementwise ops that mix both, normalisations in bf16, every op that is not known here, and those with the
    attribute `graph.full_precision`. Constants are
    rounded, within the finite range. Inputs and results keep their types.

    ```mlir
    %0 = graph.matmul %x, %w                  %c = graph.cast %x : f32 -> f16
    return %0                              ->  %0 = graph.matmul %c, %w_f16
                                               %1 = graph.cast %0 : f16 -> f32
                                               return %1
    ```

    What is narrow is so in memory; kernels compute in f32.
  }];
  let options = [Option<"to", "to", "std::string", "\"f16\"", "f16 or bf16">];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def ChoosePartition : Pass<"tenon-choose-partition", "::mlir::ModuleOp"> {
  let summary = "Decide how a model is split over devices";
  let description = [{
    Writes the choice down and rewrites nothing: `shard.grid @mesh`, on the function `graph.axes` (the names of the grid's
    axes) and `graph.stages`, on ops `graph.split` (for each axis the loop of the op's split rule, or -1),
    `graph.scatter` (the dimension of the results over which a sum is scattered, or -1) and `graph.stage`. What is absent
    is -1, or stage 0. Nothing is written where one device is best.

    ```mlir
                                                 shard.grid @mesh(shape = 4)
    %0 = graph.matmul %x, %w                 ->  %0 = graph.matmul %x, %w {graph.split = array<i64: 1>}
    ```

    For models of one function without a script.
  }];
  let options = [
    Option<"cluster", "cluster", "std::string", "\"cpu\"", "a cluster by name, or the file of one">,
    Option<"parallel", "parallel", "std::string", "\"auto\"", "auto, or data:N,tensor:N,pipeline:N">,
    ListOption<"extents", "extents", "std::string", "the extents that are priced, NAME=EXTENT; others are 16">,
  ];
  let dependentDialects = ["::tenon::graph::GraphDialect", "::mlir::shard::ShardDialect"];
}

def AssignLayout : Pass<"tenon-assign-layout", "::mlir::func::FuncOp"> {
  let summary = "Put channels last around convolutions and pools";
  let description = [{
    Rewrites 4-D convolution, pooling and resampling to channels-last and moves the transposes this takes outwards,
    through elementwise ops, concatenation, padding and reductions, until they cancel or reach the function's border.
    1-D convolutions become 2-D with a unit extent. Guarantees: every graph.conv and pool is channels_last.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def FuseAttention : Pass<"tenon-fuse-attention", "::mlir::func::FuncOp"> {
  let summary = "Recognise attention in matrix products around a softmax";
  let description = [{
    With constant sizes and numbers of heads; the scale and an additive mask are optional, in this order. The
    result is that of the softmax, NaN where every score of a row is minus infinity.

    ```mlir
    %s = graph.matmul %q, %k {transpose_w}  ->  %0 = graph.attention %q, %k, %v mask %m {scale, nan_rows}
    %w = graph.softmax (%s * scale + %m)
    %0 = graph.matmul %w, %v
    ```

    Scores that something else uses stay. Keys that are transposed more than their product needs are transposed less.
    Idempotent.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def DecomposeAttention : Pass<"tenon-decompose-attention", "::mlir::func::FuncOp"> {
  let summary = "Rewrite attention as matrix products and a softmax";
  let description = [{
    For targets without a kernel for attention. Scores are a tensor; heads that share keys are rows of one product.

    ```mlir
    %0 = graph.attention %q, %k, %v ..  ->  %s = graph.matmul %q, %k {transpose_w}
                                            %w = graph.softmax (%s * scale + mask)
                                            %0 = graph.matmul %w, %v
    ```

    Guarantees: leaves no graph.attention but, with `gpu` or `cpu`, those that have a kernel there.
  }];
  let options = [Option<"gpu", "gpu", "bool", "false", "keep attention that has a CUDA kernel">,
                 Option<"cpu", "cpu", "bool", "false", "keep attention that has a processor's kernel">];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def LegalizeForCpu : Pass<"tenon-legalize-for-cpu", "::mlir::func::FuncOp"> {
  let summary = "Bring ops into the forms and types that CPU kernels have";
  let description = [{
    f16 and bf16 are stored, and computed with in f32; each op rounds its result (a softmax of f16 each of its steps, as
    the body that ONNX defines for it does). Products and convolutions of f64 and
    integers become sums of elementwise products.

    ```mlir
    %0 = graph.add %x, %y : (tensor<4xf16>, ..)  ->  %1 = graph.cast %x : .. -> tensor<4xf32>
                                                     %2 = graph.cast %y : .. -> tensor<4xf32>
                                                     %3 = graph.add %1, %2
                                                     %0 = graph.cast %3 : .. -> tensor<4xf16>
    ```

    Guarantees: no op computes in f16 or bf16; no graph.matmul but in f32; no graph.conv over three dimensions (with a
    constant kernel); no graph.conv_transpose but those whose windows tile the result. Idempotent.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def FormDispatches : Pass<"tenon-form-dispatches", "::mlir::func::FuncOp"> {
  let summary = "Group ops into dispatch regions, one kernel each";
  let description = [{
    A contraction takes the elementwise ops that consume it, in order; the remaining elementwise ops, reductions and data
    movement form regions of their own. Reshapes stay outside: they are views. Guarantees: outside graph.dispatch only
    graph.constant and graph.reshape remain. Every decision is an MLIR remark of category "fusion".
  }];
  let options = [Option<"maxOps", "max-ops", "unsigned", "32", "ops of a region">,
                 Option<"gpu", "gpu", "bool", "false", "regions for CUDA kernels, not for a processor's">,
                 Option<"host", "host", "bool", "true",
                        "with gpu: mark regions that only a processor has kernels for (graph.host)">];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def MaterializePartition : Pass<"tenon-materialize-partition", "::mlir::ModuleOp"> {
  let summary = "A program for each rank, from how every op is split";
  let description = [{
    The function has `graph.axes`, the names of the axes of the module's `shard.grid`, and `graph.stages`, the number of
    stages (1 if absent); `graph.shares` may have for each axis how much of a dimension each of its devices takes, such as
    [array<i64: 2, 1>] (all the same if absent). `graph.split` of an op has for each axis the loop of the op's SplitRule that it splits, or -1;
    `graph.scatter` for each axis that splits a sum the dimension of the result over which parts of it are left, or -1 for
    the whole sum on every rank; `graph.stage` is the op's stage. A loop too short to give each device something is
    not split along its last axis.

    ```mlir
    shard.grid @mesh(shape = 2)
    func.func @main(%x: tensor<4x8xf32>) -> tensor<4x2xf32> attributes {graph.axes = ["tensor"]} {
      %w = graph.constant dense<..> : tensor<8x2xf32>
      %0 = graph.matmul %x, %w {graph.split = array<i64: 2>} : ..    // loops m, n, k
      return %0 : tensor<4x2xf32>
    }
    // becomes
    func.func @rank_0(%x: tensor<4x8xf32>) -> tensor<4x2xf32> attributes {graph.rank = 0} {
      %w = graph.constant dense<..> : tensor<4x2xf32>
      %0 = graph.slice %x from [0, 0] : tensor<4x8xf32> -> tensor<4x4xf32>
      %1 = graph.matmul %0, %w : ..
      %2 = graph.all_reduce "sum" %1 group [0, 1] : tensor<4x2xf32>
      return %2 : tensor<4x2xf32>
    }
    ```

    Guarantees: a function `rank_R` with `graph.rank` for each rank, numbered stage by stage, in a stage by coordinates,
    the last one fastest. Each takes all inputs, whole; rank 0 returns all results, whole, the others nothing. All ranks
    meet in the same order.
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect", "::mlir::shard::ShardDialect"];
}

#endif // TENON_TRANSFORMS_PASSES
