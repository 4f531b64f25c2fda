// RUN: tenon-translate --graph-to-onnx %s -o %t.onnx
// RUN: %python -c "import onnx, onnx.printer, sys; m = onnx.load(sys.argv[1]); onnx.checker.check_model(m, full_check=True); print(onnx.printer.to_text(m))" %t.onnx | FileCheck %s

// A script is control flow. The functions that it calls are written in their place; what they read of values is a vector.
// Loop stacks in front and from the first iteration; what comes from outside leaves a graph through an Identity.
// CHECK: main (float[2] x, int64 n, bool c) => (float[?,2] y, float[2,?] z)
// CHECK: [[READ:[a-z]+[0-9]+]] = Concat <axis: int = 0> ({{.+}})
// CHECK: [[ALL:[a-z]+[0-9]+]] = Expand (x, {{.+}})
// CHECK: [[EXTENT:[a-z]+[0-9]+]] = Shape <start: int = 0, end: int = 1> ([[ALL]])
// CHECK: [[TRIPS:[a-z]+[0-9]+]] = Squeeze ([[EXTENT]])
// CHECK: {{.+}}, [[STACK:[a-z]+[0-9]+]] = Loop ([[TRIPS]], "", x) <body: graph = body (int64 [[I:[a-z]+[0-9]+]], bool [[ON:[a-z]+[0-9]+]], {{.*}}) => (
// CHECK: [[AT:[a-z]+[0-9]+]] = Sub ({{.+}}, [[I]])
// CHECK: [[ROW:[a-z]+[0-9]+]] = Gather <axis: int = 0> ([[ALL]], [[AT]])
// CHECK: Identity ([[ON]])
// CHECK: Identity ([[ROW]])
// CHECK: [[REVERSED:[a-z]+[0-9]+]] = Slice ([[STACK]]
// CHECK: [[Z:[a-z]+[0-9]+]] = Transpose <perm: ints = [1, 0]> ([[REVERSED]])
// CHECK: [[Y:[a-z]+[0-9]+]] = If (c) <then_branch: graph = then () =>
// CHECK: Identity ([[ALL]])
// CHECK: else_branch: graph = else ()
// CHECK: Unique <sorted: int = 1, axis: int = 0> ([[ALL]])
// CHECK: y = Identity ([[Y]])
// CHECK: z = Identity ([[Z]])

func.func @repeated(%x: tensor<2xf32>, %n: tensor<1xi64>) -> tensor<?x2xf32, #graph.shape<[K, 2]>> attributes {graph.symbols = ["K"]} {
  %y = graph.expand %x : tensor<2xf32> -> tensor<?x2xf32, #graph.shape<[K, 2]>>
  return %y : tensor<?x2xf32, #graph.shape<[K, 2]>>
}
plan.script @script inputs [{name = "x", type = tensor<2xf32>}, {name = "n", type = tensor<i64>}, {name = "c", type = tensor<i1>}]
    outputs [{name = "y", type = tensor<?x2xf32, #graph.shape<[_, 2]>>}, {name = "z", type = tensor<2x?xf32, #graph.shape<[2, _]>>}] {
^bb0(%x: !plan.value, %n: !plan.value, %c: !plan.value):
  %all = plan.call @repeated(%x) read %n at [0] elements [true] -> !plan.value
  %trips = plan.host "Extent"(%all) [0] -> !plan.value
  %r:2 = plan.repeat trips %trips(%x) stacked [{axis = 1 : i64, reverse = true, type = tensor<2xf32>}] {
  ^bb0(%i: !plan.value, %on: !plan.value, %h: !plan.value):
    %row = plan.host "TakeElement"(%all, %i) [0, 1] -> !plan.value
    plan.yield %on, %h, %row
  } -> !plan.value, !plan.value
  %b = plan.branch %c {
    plan.yield %all
  } else {
    %s:4 = plan.host "Unique"(%all) [1, 0, 1] -> !plan.value, !plan.value, !plan.value, !plan.value
    plan.yield %s#0
  } -> !plan.value
  plan.yield %b, %r#1
}
