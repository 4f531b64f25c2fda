// RUN: rm -rf %t && mkdir %t
// RUN: tenon-translate --graph-to-onnx --onnx-weights=%t/m.bin %s -o %t/m.onnx
// RUN: %python -c "import onnx, sys; m = onnx.load(sys.argv[1]); onnx.checker.check_model(sys.argv[1]); [print(t.name, onnx.numpy_helper.to_array(t)) for t in m.graph.initializer]" %t/m.onnx | FileCheck %s

// Weights in a file of their own, each at a page.
// CHECK: [1. 2. 3.]
// CHECK: [ True False]
func.func @main(%x: tensor<3xf32> {graph.name = "x"}) -> (tensor<3xf32> {graph.name = "y"}, tensor<2xi1> {graph.name = "z"}) {
  %w = graph.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = graph.add %x, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %b = graph.constant dense<[true, false]> : tensor<2xi1>
  return %0, %b : tensor<3xf32>, tensor<2xi1>
}
