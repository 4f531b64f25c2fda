// RUN: tenon-opt %s -split-input-file -verify-diagnostics

!gates = tensor<5x3x1x4x8xf32>
!r = tensor<1x4x8x8xf32>
!y = tensor<5x1x3x8xf32>
!s = tensor<1x3x8xf32>

func.func @direction(%g: !gates, %r: !r) {
  // expected-error@+1 {{direction must be forward, backward or both, got up}}
  %y, %h, %c = graph.lstm %g, %r {direction = "up", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (!gates, !r) -> (!y, !s, !s)
  return
}

// -----

func.func @directions(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x4x8x8xf32>) {
  // expected-error@+1 {{gates must be [T, N, 2, 4, H] with a constant H}}
  %y, %h, %c = graph.lstm %g, %r {direction = "both", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @weights(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x4x8x7xf32>) {
  // expected-error@+1 {{r must be [1, 4, 8, 8], got 'tensor<1x4x8x7xf32>'}}
  %y, %h, %c = graph.lstm %g, %r {direction = "forward", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x7xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @state(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x4x8x8xf32>, %s: tensor<1x2x8xf32>) {
  // expected-error@+1 {{an initial state must be [1, N, 8], got 'tensor<1x2x8xf32>'}}
  %y, %h, %c = graph.lstm %g, %r initial %s, %s {direction = "forward", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @lengths(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x4x8x8xf32>, %l: tensor<3xf32>) {
  // expected-error@+1 {{lengths must be N integers, got 'tensor<3xf32>'}}
  %y, %h, %c = graph.lstm %g, %r lengths %l {direction = "forward", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x8xf32>, tensor<3xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @peepholes(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x4x8x8xf32>, %p: tensor<1x4x8xf32>) {
  // expected-error@+1 {{peepholes must be [1, 3, 8], got 'tensor<1x4x8xf32>'}}
  %y, %h, %c = graph.lstm %g, %r peepholes %p {direction = "forward", activations = ["Sigmoid", "Tanh", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @count(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x4x8x8xf32>) {
  // expected-error@+1 {{needs three activations with alpha and beta, got 2}}
  %y, %h, %c = graph.lstm %g, %r {direction = "forward", activations = ["Sigmoid", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return
}

// -----

func.func @unknown(%g: tensor<5x3x1x4x8xf32>, %r: tensor<1x4x8x8xf32>) {
  // expected-error@+1 {{unknown activation Step}}
  %y, %h, %c = graph.lstm %g, %r {direction = "forward", activations = ["Sigmoid", "Step", "Tanh"], alpha = array<f64: 0.0, 0.0, 0.0>, beta = array<f64: 0.0, 0.0, 0.0>, clip = 0.0 : f64, input_forget = false} : (tensor<5x3x1x4x8xf32>, tensor<1x4x8x8xf32>) -> (tensor<5x1x3x8xf32>, tensor<1x3x8xf32>, tensor<1x3x8xf32>)
  return
}
