// RUN: tenon-translate --graph-to-cuda %s | FileCheck %s

// CHECK:      #include "tenon/cuda/lstm.cuh"
// CHECK-NEXT: // k0_lstm: lstm
// CHECK:      struct k0_lstm_Sigmoid0 {
// CHECK-NEXT:   TENON_DEVICE float operator()(float x) const {
// CHECK-NEXT:     return 1.0f / (expf(-x) + 1.0f);
// CHECK-NEXT:   }
// CHECK-NEXT: };
// CHECK-NEXT: struct k0_lstm_Tanh1 {
// CHECK-NOT:  struct
// CHECK:      using k0_lstm_Tile = Lstm<20, 4>;
// CHECK:      k0_lstm(const float *__restrict__ gates, const float *__restrict__ r, const int *__restrict__ lengths,
// CHECK-NEXT:     float *__restrict__ out, float *__restrict__ out1, float *__restrict__ out2, int64_t steps, int64_t rows) {
// CHECK-NEXT:   using Tile = k0_lstm_Tile;
// CHECK-NEXT:   static_assert(Tile::threads == 512 && Tile::sharedBytes == 960, "as launched");
// CHECK-NEXT:   const LstmOperands<int> data{gates, r, nullptr, nullptr, lengths, nullptr, out, out1, out2};
// CHECK-NEXT:   const LstmShape shape{int(steps), int(rows), 2, false, 0.0f, false};
// CHECK-NEXT:   Tile::run(shape, data, k0_lstm_Sigmoid0(), k0_lstm_Tanh1(), k0_lstm_Tanh1());

!g = tensor<?x?x2x4x20xf32, #graph.shape<[T, N, 2, 4, 20]>>
!r = tensor<2x4x20x20xf32>
!n = tensor<?xi32, #graph.shape<[N]>>
!y = tensor<?x2x?x20xf32, #graph.shape<[T, 2, N, 20]>>
!s = tensor<2x?x20xf32, #graph.shape<[2, N, 20]>>

func.func @f(%g: !g, %r: !r, %n: !n) {
  %a:3 = graph.dispatch(%g, %r, %n) {
  ^bb0(%0: !g, %1: !r, %2: !n):
    %y, %h, %c = graph.lstm %0, %1 lengths %2 {direction = "both", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (!g, !r, !n) -> (!y, !s, !s)
    graph.yield %y, %h, %c : !y, !s, !s
  } : (!g, !r, !n) -> (!y, !s, !s)
  return
}
