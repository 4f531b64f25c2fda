// RUN: tenon-opt %s -split-input-file -verify-diagnostics

func.func @one_type(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x7x8xf16>) -> tensor<1x4x3x8xf32> {
  // expected-error@+1 {{q, k and v must have one element type}}
  %0 = graph.attention %q, %k, %k {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x8xf16>, tensor<1x2x7x8xf16>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// -----

func.func @extents(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x7x9xf32>) -> tensor<1x4x3x9xf32> {
  // expected-error@+1 {{extents of q, k and v do not fit}}
  %0 = graph.attention %q, %k, %k {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x9xf32>, tensor<1x2x7x9xf32>) -> tensor<1x4x3x9xf32>
  return %0 : tensor<1x4x3x9xf32>
}

// -----

func.func @heads(%q: tensor<1x4x3x8xf32>, %k: tensor<1x3x7x8xf32>) -> tensor<1x4x3x8xf32> {
  // expected-error@+1 {{the constant number of heads of k must divide that of q}}
  %0 = graph.attention %q, %k, %k {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x3x7x8xf32>, tensor<1x3x7x8xf32>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// -----

func.func @mask_type(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x7x8xf32>, %m: tensor<3x7xi64>) -> tensor<1x4x3x8xf32> {
  // expected-error@+1 {{the mask must have elements i1 or 'f32'}}
  %0 = graph.attention %q, %k, %k mask %m {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32>, tensor<3x7xi64>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// -----

func.func @mask_extents(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x7x8xf32>, %m: tensor<3x6xf32>) -> tensor<1x4x3x8xf32> {
  // expected-error@+1 {{the mask does not broadcast to the scores}}
  %0 = graph.attention %q, %k, %k mask %m {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<1x4x3x8xf32>, tensor<1x2x7x8xf32>, tensor<1x2x7x8xf32>, tensor<3x6xf32>) -> tensor<1x4x3x8xf32>
  return %0 : tensor<1x4x3x8xf32>
}

// -----

func.func @angles(%x: tensor<2x4x3x8xf32>, %c: tensor<2x1x3x5xf32>) -> tensor<2x4x3x8xf32> {
  // expected-error@+1 {{needs at most E / 2 constant angles of a constant E}}
  %0 = graph.rotary_embedding %x, %c, %c : (tensor<2x4x3x8xf32>, tensor<2x1x3x5xf32>, tensor<2x1x3x5xf32>) -> tensor<2x4x3x8xf32>
  return %0 : tensor<2x4x3x8xf32>
}

// -----

func.func @one_angle_type(%x: tensor<2x4x3x8xf32>, %c: tensor<2x1x3x4xf32>, %s: tensor<1x3x4xf32>) -> tensor<2x4x3x8xf32> {
  // expected-error@+1 {{cos and sin must have one type, of x's elements}}
  %0 = graph.rotary_embedding %x, %c, %s : (tensor<2x4x3x8xf32>, tensor<2x1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<2x4x3x8xf32>
  return %0 : tensor<2x4x3x8xf32>
}

// -----

func.func @angle_extents(%x: tensor<2x4x3x8xf32>, %c: tensor<2x2x3x4xf32>) -> tensor<2x4x3x8xf32> {
  // expected-error@+1 {{cos does not broadcast to x}}
  %0 = graph.rotary_embedding %x, %c, %c : (tensor<2x4x3x8xf32>, tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32>) -> tensor<2x4x3x8xf32>
  return %0 : tensor<2x4x3x8xf32>
}

// -----

func.func @cumsum_axis(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{axis must be in [0, 2), got 2}}
  %0 = graph.cumsum %x {axis = 2 : i64, exclusive = false, reverse = true} : tensor<4x8xf32> -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
