// RUN: tenon-translate --graph-to-cuda %s | FileCheck %s

// Elements of 16 bits: 16 bytes at a time, computed in f32, rounded once.
// CHECK-LABEL: // k0_mul_relu: mul relu
// CHECK:         const Vector<half, 8> a_v = loadVector<8>(a + i);
// CHECK:         maximum(float(a_v[l]) * float({{.*}}), 0.0f)
// CHECK:         storeVector(out + i,

// What only moves them keeps them.
// CHECK-LABEL: // k1_slice: slice
// CHECK-NOT:     float

// A sum of bfloat16 is one of f32.
// CHECK-LABEL: // k2_softmax: softmax
// CHECK:         const bfloat16 *__restrict__ x
// CHECK:         Vector<float, 8> kept
// CHECK:         Vector<bfloat16, 8>

func.func @f(%x: tensor<16x64xf16>, %y: tensor<4x512xbf16>) {
  %r0 = graph.dispatch(%x, %x) {
  ^bb0(%0: tensor<16x64xf16>, %1: tensor<16x64xf16>):
    %2 = graph.mul %0, %1 : (tensor<16x64xf16>, tensor<16x64xf16>) -> tensor<16x64xf16>
    %3 = graph.relu %2 : tensor<16x64xf16> -> tensor<16x64xf16>
    graph.yield %3 : tensor<16x64xf16>
  } : (tensor<16x64xf16>, tensor<16x64xf16>) -> tensor<16x64xf16>
  %r1 = graph.dispatch(%x) {
  ^bb0(%0: tensor<16x64xf16>):
    %1 = graph.slice %0 from #graph.shape<[3, 0]> {steps = array<i64: 1, 1>} : tensor<16x64xf16> -> tensor<5x64xf16>
    graph.yield %1 : tensor<5x64xf16>
  } : (tensor<16x64xf16>) -> tensor<5x64xf16>
  %r2 = graph.dispatch(%y) {
  ^bb0(%0: tensor<4x512xbf16>):
    %1 = graph.softmax %0 {axis = 1 : i64} : tensor<4x512xbf16> -> tensor<4x512xbf16>
    graph.yield %1 : tensor<4x512xbf16>
  } : (tensor<4x512xbf16>) -> tensor<4x512xbf16>
  return
}
