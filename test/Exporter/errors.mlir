// RUN: not tenon-translate --graph-to-onnx %s -split-input-file 2>&1 | FileCheck %s

// CHECK: TN1301: 'graph.bitcast' has no ONNX form
func.func @main(%x: tensor<4xui8> {graph.name = "x"}) -> tensor<4xf4E2M1FN> {
  %0 = graph.bitcast %x : tensor<4xui8> -> tensor<4xf4E2M1FN>
  return %0 : tensor<4xf4E2M1FN>
}

// -----

// Which optional it is, an ONNX model has to say.
// CHECK: TN1301: 'plan.host' has no ONNX form
plan.script @script inputs [] outputs [{name = "y", type = tensor<*xf32>, optional}] {
  %y = plan.host "OptionalNone"() [] -> !plan.value
  plan.yield %y
}
