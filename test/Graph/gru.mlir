// RUN: tenon-opt %s -split-input-file -verify-diagnostics | tenon-opt -split-input-file | FileCheck %s

!gates = tensor<?x?x1x3x8xf32, #graph.shape<[T, N, 1, 3, 8]>>
!y = tensor<?x1x?x8xf32, #graph.shape<[T, 1, N, 8]>>
!s = tensor<1x?x8xf32, #graph.shape<[1, N, 8]>>
!n = tensor<?xi32, #graph.shape<[N]>>

// CHECK-LABEL: func.func @every_operand
//       CHECK:   graph.gru %{{.+}}, %{{.+}} bias %{{.+}} initial %{{.+}} lengths %{{.+}} {
func.func @every_operand(%g: !gates, %r: tensor<1x3x8x8xf32>, %b: tensor<1x8xf32>, %h: !s, %l: !n) -> !y {
  %y, %last = graph.gru %g, %r bias %b initial %h lengths %l {direction = "forward", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64}
    : (!gates, tensor<1x3x8x8xf32>, tensor<1x8xf32>, !s, !n) -> (!y, !s)
  return %y : !y
}

// -----

func.func @direction(%g: tensor<5x3x1x3x8xf32>, %r: tensor<1x3x8x8xf32>) {
  // expected-error@+1 {{direction must be forward, backward or both, got up}}
  %y, %h = graph.gru %g, %r {direction = "up", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x3x8xf32>, tensor<1x3x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @gates(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x3x8x8xf32>) {
  // expected-error@+1 {{gates must be [T, N, 1, 3, H] with a constant H}}
  %y, %h = graph.gru %g, %r {direction = "forward", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x4x8xf32>, tensor<1x3x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @weights(%g: tensor<5x3x1x3x8xf32>, %r: tensor<1x3x8x7xf32>) {
  // expected-error@+1 {{r must be [1, 3, 8, 8], got 'tensor<1x3x8x7xf32>'}}
  %y, %h = graph.gru %g, %r {direction = "forward", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x3x8xf32>, tensor<1x3x8x7xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @bias(%g: tensor<5x3x1x3x8xf32>, %r: tensor<1x3x8x8xf32>, %b: tensor<1x9xf32>) {
  // expected-error@+1 {{bias must be [1, 8], got 'tensor<1x9xf32>'}}
  %y, %h = graph.gru %g, %r bias %b {direction = "forward", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x3x8xf32>, tensor<1x3x8x8xf32>, tensor<1x9xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @initial(%g: tensor<5x3x1x3x8xf32>, %r: tensor<1x3x8x8xf32>, %s: tensor<1x4x8xf32>) {
  // expected-error@+1 {{the initial state must be [1, N, 8], got 'tensor<1x4x8xf32>'}}
  %y, %h = graph.gru %g, %r initial %s {direction = "forward", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x3x8xf32>, tensor<1x3x8x8xf32>, tensor<1x4x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @lengths(%g: tensor<5x3x1x3x8xf32>, %r: tensor<1x3x8x8xf32>, %l: tensor<3xf32>) {
  // expected-error@+1 {{lengths must be N integers, got 'tensor<3xf32>'}}
  %y, %h = graph.gru %g, %r lengths %l {direction = "forward", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x3x8xf32>, tensor<1x3x8x8xf32>, tensor<3xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @activations(%g: tensor<5x3x1x3x8xf32>, %r: tensor<1x3x8x8xf32>) {
  // expected-error@+1 {{needs two activations with alpha and beta, got 1}}
  %y, %h = graph.gru %g, %r {direction = "forward", activations = ["Sigmoid"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x3x8xf32>, tensor<1x3x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @unknown(%g: tensor<5x3x1x3x8xf32>, %r: tensor<1x3x8x8xf32>) {
  // expected-error@+1 {{unknown activation Sine}}
  %y, %h = graph.gru %g, %r {direction = "forward", activations = ["Sigmoid", "Sine"], alpha = array<f64: 0.0, 0.0>, beta = array<f64: 0.0, 0.0>, clip = 0.0 : f64} : (tensor<5x3x1x3x8xf32>, tensor<1x3x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>)
  return
}
