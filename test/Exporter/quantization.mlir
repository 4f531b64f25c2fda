// RUN: tenon-translate --graph-to-onnx %s -o %t.onnx
// RUN: %python -c "import onnx, onnx.printer, sys; m = onnx.load(sys.argv[1]); onnx.checker.check_model(m, full_check=True); print(onnx.printer.to_text(m)); print([(i.name, len(i.raw_data)) for i in m.graph.initializer])" %t.onnx | FileCheck %s

// Zeros say what the type of the result is.
// CHECK: [[Z:c[0-9]+]] = {0,0,0,0}
// CHECK: [[Q:t[0-9]+]] = QuantizeLinear <axis: int = 0> (x, s, [[Z]])
// CHECK: DequantizeLinear <axis: int = 0> ([[Q]], s)
// CHECK: DequantizeLinear <axis: int = 0, block_size: int = 2> ([[W:c[0-9]+]], b)
// CHECK: [[T:t[0-9]+]] = Transpose <perm: ints = [1, 0]> (w)
// CHECK: MatMulInteger (u, [[T]], z)
// CHECK: ConvInteger <strides: ints = [1], pads: ints = [0, 0], dilations: ints = [1], group: int = 1> (v, k)
// Codes of 4 bits share bytes; pairs are written dense: 8 x 1 f32.
// CHECK: ('[[W]]', 4)
// CHECK: 32)]
func.func @main(%x: tensor<4x8xf32> {graph.name = "x"}, %s: tensor<4xf32> {graph.name = "s"}, %b: tensor<1x4xf32> {graph.name = "b"},
                %u: tensor<3x8xui8> {graph.name = "u"}, %w: tensor<2x8xi8> {graph.name = "w"}, %z: tensor<ui8> {graph.name = "z"},
                %v: tensor<1x2x5xui8> {graph.name = "v"}, %k: tensor<4x2x3xi8> {graph.name = "k"})
    -> (tensor<4x8xf32>, tensor<2x4xf32>, tensor<3x2xi32>, tensor<1x4x3xi32>, tensor<8x1xf32>) {
  %q = graph.quantize %x, %s {axis = 0 : i64} : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xi8>
  %d = graph.dequantize %q, %s {axis = 0 : i64} : (tensor<4x8xi8>, tensor<4xf32>) -> tensor<4x8xf32>
  %c = graph.constant dense<[[1, -2, 3, -4], [5, -6, 7, -8]]> : tensor<2x4xi4>
  %e = graph.dequantize %c, %b {axis = 0 : i64, block_size = 2 : i64} : (tensor<2x4xi4>, tensor<1x4xf32>) -> tensor<2x4xf32>
  %m = graph.integer_matmul %u, %w x_zero %z {transpose_w} : (tensor<3x8xui8>, tensor<2x8xi8>, tensor<ui8>) -> tensor<3x2xi32>
  %n = graph.integer_conv %v, %k {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64} : (tensor<1x2x5xui8>, tensor<4x2x3xi8>) -> tensor<1x4x3xi32>
  %values = graph.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32>
  %indices = graph.constant dense<[[4], [13]]> : tensor<2x1xui4>
  %t = graph.unpack_2to4 %values, %indices : (tensor<4x1xf32>, tensor<2x1xui4>) -> tensor<8x1xf32>
  return %d, %e, %m, %n, %t : tensor<4x8xf32>, tensor<2x4xf32>, tensor<3x2xi32>, tensor<1x4x3xi32>, tensor<8x1xf32>
}
