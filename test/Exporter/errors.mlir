// RUN: not tenon-translate --graph-to-onnx %s 2>&1 | FileCheck %s

// CHECK: TN1301: 'graph.bitcast' has no ONNX form
func.func @main(%x: tensor<4xui8> {graph.name = "x"}) -> tensor<4xi4> {
  %0 = graph.bitcast %x : tensor<4xui8> -> tensor<4xi4>
  return %0 : tensor<4xi4>
}
