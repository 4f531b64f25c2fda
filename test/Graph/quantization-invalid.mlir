// RUN: tenon-opt %s -split-input-file -verify-diagnostics

func.func @real_types(%x: tensor<4xf32>, %s: tensor<f16>) -> tensor<4xi8> {
  // expected-error@+1 {{x and scale must have one floating-point type, got 'tensor<4xf32>' and 'tensor<f16>'}}
  %0 = graph.quantize %x, %s : (tensor<4xf32>, tensor<f16>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @shape(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<5xi8> {
  // expected-error@+1 {{must keep the shape, got 'tensor<4xf32>' and 'tensor<5xi8>'}}
  %0 = graph.quantize %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<5xi8>
  return %0 : tensor<5xi8>
}

// -----

func.func @wide_codes(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xi32> {
  // expected-error@+1 {{result must have integers of at most 16 bits or floats of at most 8, got 'i32'}}
  %0 = graph.quantize %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

func.func @zero_type(%x: tensor<4xf32>, %s: tensor<f32>, %z: tensor<ui8>) -> tensor<4xi8> {
  // expected-error@+1 {{zero point must have elements of 'i8', got 'ui8'}}
  %0 = graph.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @zero_shape(%x: tensor<4xf32>, %s: tensor<f32>, %z: tensor<4xi8>) -> tensor<4xi8> {
  // expected-error@+1 {{zero point must have the shape of the scale, got 'tensor<4xi8>' and 'tensor<f32>'}}
  %0 = graph.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<4xi8>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @axis(%x: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<4xi8> {
  // expected-error@+1 {{axis must be in [0, 1), got 1}}
  %0 = graph.quantize %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @negative_block(%x: tensor<4xf32>, %s: tensor<4xf32>) -> tensor<4xi8> {
  // expected-error@+1 {{block_size must be between 0 and 2^31 - 1, got -2}}
  %0 = graph.quantize %x, %s {axis = 0 : i64, block_size = -2 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi8>
  return %0 : tensor<4xi8>
}

// -----

func.func @scale_count(%x: tensor<4x8xi8>, %s: tensor<4xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{scale must be one number or one for each index of axis 1, got 'tensor<4xf32>' for 'tensor<4x8xi8>'}}
  %0 = graph.dequantize %x, %s : (tensor<4x8xi8>, tensor<4xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

func.func @blocks(%x: tensor<5x8xi8>, %s: tensor<2x8xf32>) -> tensor<5x8xf32> {
  // expected-error@+1 {{scale must have one number for each block of 2 along axis 0, got 'tensor<2x8xf32>' for 'tensor<5x8xi8>'}}
  %0 = graph.dequantize %x, %s {axis = 0 : i64, block_size = 2 : i64} : (tensor<5x8xi8>, tensor<2x8xf32>) -> tensor<5x8xf32>
  return %0 : tensor<5x8xf32>
}

// -----

func.func @integer_scale(%x: tensor<4xi8>, %s: tensor<i32>) -> tensor<4xi32> {
  // expected-error@+1 {{scale must be floating point, got 'tensor<i32>'}}
  %0 = graph.dequantize %x, %s : (tensor<4xi8>, tensor<i32>) -> tensor<4xi32>
  return %0 : tensor<4xi32>
}

// -----

func.func @real_codes(%x: tensor<4xf16>, %s: tensor<f32>) -> tensor<4xf32> {
  // expected-error@+1 {{q must have integers of at most 32 bits or floats of at most 8, got 'f16'}}
  %0 = graph.dequantize %x, %s : (tensor<4xf16>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @row(%x: tensor<8xui8>, %w: tensor<8x2xi8>) -> tensor<2xi32> {
  // expected-error@+1 {{needs operands of rank 2 or more, got 1 and 2}}
  %0 = graph.integer_matmul %x, %w : (tensor<8xui8>, tensor<8x2xi8>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

func.func @wide_factor(%x: tensor<4x8xi32>, %w: tensor<8x2xi8>) -> tensor<4x2xi32> {
  // expected-error@+1 {{x must have elements of i8 or ui8, got 'i32'}}
  %0 = graph.integer_matmul %x, %w : (tensor<4x8xi32>, tensor<8x2xi8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// -----

func.func @factor_zero_type(%x: tensor<4x8xui8>, %w: tensor<8x2xi8>, %z: tensor<i8>) -> tensor<4x2xi32> {
  // expected-error@+1 {{x_zero must have elements of 'ui8', got 'i8'}}
  %0 = graph.integer_matmul %x, %w x_zero %z : (tensor<4x8xui8>, tensor<8x2xi8>, tensor<i8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// -----

func.func @row_zero(%x: tensor<4x8xui8>, %w: tensor<8x2xi8>, %z: tensor<4xui8>) -> tensor<4x2xi32> {
  // expected-error@+1 {{x_zero must be one number or [.., m, 1], got 'tensor<4xui8>'}}
  %0 = graph.integer_matmul %x, %w x_zero %z : (tensor<4x8xui8>, tensor<8x2xi8>, tensor<4xui8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// -----

func.func @column_zero(%x: tensor<4x8xui8>, %w: tensor<8x2xi8>, %z: tensor<3xi8>) -> tensor<4x2xi32> {
  // expected-error@+1 {{w_zero must be one number or one for each column, [.., 1, n], got 'tensor<3xi8>'}}
  %0 = graph.integer_matmul %x, %w w_zero %z : (tensor<4x8xui8>, tensor<8x2xi8>, tensor<3xi8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// -----

func.func @conv_zeros(%x: tensor<1x2x5xui8>, %w: tensor<4x2x3xi8>, %z: tensor<2xui8>) -> tensor<1x4x3xi32> {
  // expected-error@+1 {{x_zero must be one number, got 'tensor<2xui8>'}}
  %0 = graph.integer_conv %x, %w x_zero %z {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, group = 1 : i64} : (tensor<1x2x5xui8>, tensor<4x2x3xi8>, tensor<2xui8>) -> tensor<1x4x3xi32>
  return %0 : tensor<1x4x3xi32>
}

// -----

func.func @unpack_ranks(%v: tensor<4xf32>, %i: tensor<2x8xui4>) -> tensor<8xf32> {
  // expected-error@+1 {{operands must have rank 2, got 1 and 2}}
  %0 = graph.unpack_2to4 %v, %i : (tensor<4xf32>, tensor<2x8xui4>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @unpack_types(%v: tensor<4x8xf32>, %i: tensor<2x8xi8>) -> tensor<8x8xf32> {
  // expected-error@+1 {{operands must have elements of f32 and ui4, got 'tensor<4x8xf32>' and 'tensor<2x8xi8>'}}
  %0 = graph.unpack_2to4 %v, %i : (tensor<4x8xf32>, tensor<2x8xi8>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// -----

func.func @unpack_count(%v: tensor<4x8xf32>, %i: tensor<4x8xui4>) -> tensor<8x8xf32> {
  // expected-error@+1 {{must have two values for each index, got 'tensor<4x8xf32>' and 'tensor<4x8xui4>'}}
  %0 = graph.unpack_2to4 %v, %i : (tensor<4x8xf32>, tensor<4x8xui4>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}
