// RUN: tenon-translate --graph-to-onnx %s -o %t.onnx
// RUN: %python -c "import onnx, onnx.printer, sys; m = onnx.load(sys.argv[1]); onnx.checker.check_model(m, full_check=True); print(onnx.printer.to_text(m))" %t.onnx | FileCheck %s

// A code in a byte is the number, but for those below 0.
// CHECK: (int4[3] w
// CHECK: Cast <to: int = 6>
// CHECK: Less
// CHECK: Where
// CHECK: Cast <to: int = 2>
// CHECK: TopK <axis: int = 0, largest: int = 0> (x, {{.+}})
// CHECK: Det (m)
// GRU multiplies by W, here an identity; the bias of the candidate is the last of six.
// CHECK: [[BIAS:[a-z]+[0-9]+]] = Concat <axis: int = 1>
// CHECK: GRU <hidden_size: int = 2, direction: string = "reverse", {{.*}}linear_before_reset: int = 1> ({{.+}}, {{.+}}, {{.+}}, [[BIAS]])
func.func @main(%w: tensor<3xi4> {graph.name = "w"}, %x: tensor<5xf32> {graph.name = "x"}, %m: tensor<3x3xf32> {graph.name = "m"},
                %g: tensor<4x1x1x3x2xf32> {graph.name = "g"}, %b: tensor<1x2xf32> {graph.name = "b"})
    -> (tensor<3xui8>, tensor<2xf32>, tensor<2xi64>, tensor<f32>, tensor<4x1x1x2xf32>) {
  %codes = graph.bitcast %w : tensor<3xi4> -> tensor<3xui8>
  %values, %indices = graph.top_k %x of <2> {axis = 0 : i64, largest = false} : tensor<5xf32> -> (tensor<2xf32>, tensor<2xi64>)
  %d = graph.det %m : tensor<3x3xf32> -> tensor<f32>
  %r = graph.constant dense<0.5> : tensor<1x3x2x2xf32>
  %y, %h = graph.gru %g, %r bias %b {activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64, direction = "backward"}
    : (tensor<4x1x1x3x2xf32>, tensor<1x3x2x2xf32>, tensor<1x2xf32>) -> (tensor<4x1x1x2xf32>, tensor<1x1x2xf32>)
  return %codes, %values, %indices, %d, %y : tensor<3xui8>, tensor<2xf32>, tensor<2xi64>, tensor<f32>, tensor<4x1x1x2xf32>
}
