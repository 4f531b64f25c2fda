// RUN: tenon-opt %s -split-input-file -verify-diagnostics

func.func @operands_of_two_types(%x: tensor<4xf32>, %y: tensor<4xi64>) -> tensor<4xf32> {
  // expected-error@+2 {{operands must have one element type, got 'f32' and 'i64'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.add %x, %y : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @extents_that_do_not_broadcast(%x: tensor<2x4xf32>, %y: tensor<3xf32>) -> tensor<2x4xf32> {
  // expected-error@+2 {{extents 4 and 3 of dimension 1 do not broadcast}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.add %x, %y : (tensor<2x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @wrong_result_type(%x: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error@+2 {{inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.exp %x : tensor<4xf32> -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @cast_changes_shape(%x: tensor<4xf32>) -> tensor<2x2xf64> {
  // expected-error@+1 {{must keep the shape, got 'tensor<4xf32>' and 'tensor<2x2xf64>'}}
  %0 = graph.cast %x : tensor<4xf32> -> tensor<2x2xf64>
  return %0 : tensor<2x2xf64>
}

// -----

func.func @axes_not_sorted(%x: tensor<2x3xf32>) -> tensor<f32> {
  // expected-error@+1 {{axes must be sorted, unique and in [0, 2)}}
  %0 = graph.reduce_sum %x {axes = array<i64: 1, 0>, keepdims = false} : tensor<2x3xf32> -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @matmul_of_scalar(%x: tensor<f32>, %w: tensor<3x2xf32>) -> tensor<2xf32> {
  // expected-error@+2 {{matmul needs operands of rank 1 or more, and rank 2 or more to transpose w}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.matmul %x, %w : (tensor<f32>, tensor<3x2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @matmul_of_two_types(%x: tensor<4x3xf32>, %w: tensor<3x2xf16>) -> tensor<4x2xf32> {
  // expected-error@+2 {{matmul needs operands of one element type}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.matmul %x, %w : (tensor<4x3xf32>, tensor<3x2xf16>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

func.func @matmul_inner_extents(%x: tensor<4x3xf32>, %w: tensor<5x2xf32>) -> tensor<4x2xf32> {
  // expected-error@+2 {{inner extents must agree, got 3 and 5}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.matmul %x, %w : (tensor<4x3xf32>, tensor<5x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

func.func @conv_attribute_length(%x: tensor<1x2x8xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x4x6xf32> {
  // expected-error@+1 {{pads must have 2 entries, got 1}}
  %0 = graph.conv %x, %w {dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 0>, strides = array<i64: 1>}
    : (tensor<1x2x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// -----

func.func @conv_stride(%x: tensor<1x2x8xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x4x6xf32> {
  // expected-error@+1 {{strides must be between 1 and 2^31 - 1, got 0}}
  %0 = graph.conv %x, %w {dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 0, 0>, strides = array<i64: 0>}
    : (tensor<1x2x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// -----

func.func @conv_dilation(%x: tensor<1x2x8xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x4x8xf32> {
  // expected-error@+1 {{dilations must be between 1 and 2^31 - 1, got 0}}
  %0 = graph.conv %x, %w {dilations = array<i64: 0>, group = 1 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x2x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x8xf32>
  return %0 : tensor<1x4x8xf32>
}

// -----

func.func @conv_group(%x: tensor<1x2x8xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x4x6xf32> {
  // expected-error@+1 {{group must be positive, got 0}}
  %0 = graph.conv %x, %w {dilations = array<i64: 1>, group = 0 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x2x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// -----

func.func @conv_input_channels(%x: tensor<1x2x8xf32>, %w: tensor<4x2x3xf32>) -> tensor<1x4x6xf32> {
  // expected-error@+1 {{input channels must be group * weight channels, got 2 != 2 * 2}}
  %0 = graph.conv %x, %w {dilations = array<i64: 1>, group = 2 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x2x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// -----

func.func @conv_output_channels(%x: tensor<1x4x8xf32>, %w: tensor<3x2x3xf32>) -> tensor<1x3x6xf32> {
  // expected-error@+1 {{group must divide the output channels, got 2 and 3}}
  %0 = graph.conv %x, %w {dilations = array<i64: 1>, group = 2 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x4x8xf32>, tensor<3x2x3xf32>) -> tensor<1x3x6xf32>
  return %0 : tensor<1x3x6xf32>
}

// -----

func.func @conv_bias(%x: tensor<1x2x8xf32>, %w: tensor<4x2x3xf32>, %b: tensor<3xf32>) -> tensor<1x4x6xf32> {
  // expected-error@+1 {{bias must have one value for each of 4 output channels}}
  %0 = graph.conv %x, %w, %b {dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x2x8xf32>, tensor<4x2x3xf32>, tensor<3xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// -----

func.func @conv_transpose_attribute_length(%x: tensor<1x2x8xf32>, %w: tensor<2x4x3xf32>) -> tensor<1x4x10xf32> {
  // expected-error@+2 {{conv_transpose needs x and w of one rank of 3 or more, and attributes of matching length}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.conv_transpose %x, %w {dilations = array<i64: 1>, group = 1 : i64, output_padding = array<i64>, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x2x8xf32>, tensor<2x4x3xf32>) -> tensor<1x4x10xf32>
  return %0 : tensor<1x4x10xf32>
}

// -----

func.func @conv_transpose_group(%x: tensor<1x3x8xf32>, %w: tensor<3x4x3xf32>) -> tensor<1x8x10xf32> {
  // expected-error@+1 {{input channels must be dim(w, 0) and a multiple of group 2}}
  %0 = graph.conv_transpose %x, %w {dilations = array<i64: 1>, group = 2 : i64, output_padding = array<i64: 0>, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x3x8xf32>, tensor<3x4x3xf32>) -> tensor<1x8x10xf32>
  return %0 : tensor<1x8x10xf32>
}

// -----

func.func @pool_attribute_length(%x: tensor<1x2x8xf32>) -> tensor<1x2x4xf32> {
  // expected-error@+1 {{kernel must have 1 entries, got 2}}
  %0 = graph.max_pool %x {ceil_mode = false, dilations = array<i64: 1>, kernel = array<i64: 2, 2>, pads = array<i64: 0, 0>, strides = array<i64: 2>}
    : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// -----

func.func @pool_stride(%x: tensor<1x2x8xf32>) -> tensor<1x2x4xf32> {
  // expected-error@+1 {{strides must be between 1 and 2^31 - 1, got -1}}
  %0 = graph.average_pool %x {ceil_mode = false, count_include_pad = false, dilations = array<i64: 1>, kernel = array<i64: 2>, pads = array<i64: 0, 0>, strides = array<i64: -1>}
    : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// -----

func.func @pool_kernel(%x: tensor<1x2x8xf32>) -> tensor<1x2x9xf32> {
  // expected-error@+1 {{kernel must be between 1 and 2^31 - 1, got 0}}
  %0 = graph.max_pool %x {ceil_mode = false, dilations = array<i64: 1>, kernel = array<i64: 0>, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : tensor<1x2x8xf32> -> tensor<1x2x9xf32>
  return %0 : tensor<1x2x9xf32>
}

// -----

func.func @pool_pads(%x: tensor<1x2x8xf32>) -> tensor<1x2x6xf32> {
  // expected-error@+1 {{pads must be between 0 and 2^31 - 1, got -1}}
  %0 = graph.max_pool %x {ceil_mode = false, dilations = array<i64: 1>, kernel = array<i64: 2>, pads = array<i64: -1, 0>, strides = array<i64: 1>}
    : tensor<1x2x8xf32> -> tensor<1x2x6xf32>
  return %0 : tensor<1x2x6xf32>
}

// -----

func.func @resize_rank(%x: tensor<2x3xf32>) -> tensor<6xf32> {
  // expected-error@+1 {{must keep the rank 2}}
  %0 = graph.resize %x {coordinates = "asymmetric", mode = "nearest", rounding = "floor"} : tensor<2x3xf32> -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @resize_scales(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  // expected-error@+1 {{scales must have 2 entries, got 1}}
  %0 = graph.resize %x {coordinates = "asymmetric", mode = "nearest", rounding = "floor", scales = array<f64: 2.0>} : tensor<2x3xf32> -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

func.func @resize_mode(%x: tensor<3xf32>) -> tensor<6xf32> {
  // expected-error@+1 {{mode must be nearest or linear, got cubic}}
  %0 = graph.resize %x {coordinates = "asymmetric", mode = "cubic", rounding = "floor"} : tensor<3xf32> -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @resize_coordinates(%x: tensor<3xf32>) -> tensor<6xf32> {
  // expected-error@+1 {{unknown coordinates tf_crop_and_resize}}
  %0 = graph.resize %x {coordinates = "tf_crop_and_resize", mode = "linear", rounding = "floor"} : tensor<3xf32> -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @resize_rounding(%x: tensor<3xf32>) -> tensor<6xf32> {
  // expected-error@+1 {{unknown rounding stochastic}}
  %0 = graph.resize %x {coordinates = "asymmetric", mode = "nearest", rounding = "stochastic"} : tensor<3xf32> -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

func.func @softmax_axis(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error@+1 {{axis must be in [0, 2), got 2}}
  %0 = graph.softmax %x {axis = 2 : i64} : tensor<2x3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @layer_normalization_scale(%x: tensor<3xf32>, %s: tensor<2x3xf32>) -> tensor<3xf32> {
  // expected-error@+2 {{scale and bias must broadcast to x}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.layer_normalization %x, %s {axis = 0 : i64, epsilon = 1.0e-5 : f64} : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @batch_normalization_rank(%x: tensor<3xf32>, %v: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error@+1 {{needs x of rank 2 or more, got 1}}
  %0 = graph.batch_normalization %x, %v, %v, %v, %v {epsilon = 1.0e-3 : f64} : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @batch_normalization_vectors(%x: tensor<1x4xf32>, %v: tensor<3xf32>) -> tensor<1x4xf32> {
  // expected-error@+1 {{scale, bias, mean and var must have extent 4, got 'tensor<3xf32>'}}
  %0 = graph.batch_normalization %x, %v, %v, %v, %v {epsilon = 1.0e-3 : f64} : (tensor<1x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

func.func @batch_normalization_types(%x: tensor<1x3xf16>, %v: tensor<3xf32>) -> tensor<1x3xf16> {
  // expected-error@+1 {{operands must have one element type, got 'tensor<1x3xf16>' and 'tensor<3xf32>'}}
  %0 = graph.batch_normalization %x, %v, %v, %v, %v {epsilon = 1.0e-3 : f64} : (tensor<1x3xf16>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3xf16>
  return %0 : tensor<1x3xf16>
}

// -----

func.func @conv_rank(%x: tensor<1x2xf32>, %w: tensor<4x2xf32>) -> tensor<1x4xf32> {
  // expected-error@+1 {{needs x and w of one rank of 3 or more, got 2 and 2}}
  %0 = graph.conv %x, %w {dilations = array<i64>, group = 1 : i64, pads = array<i64>, strides = array<i64>}
    : (tensor<1x2xf32>, tensor<4x2xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

func.func @conv_weight_rank(%x: tensor<1x2x8xf32>, %w: tensor<4xf32>) -> tensor<1x4x8xf32> {
  // expected-error@+1 {{needs x and w of one rank of 3 or more, got 3 and 1}}
  %0 = graph.conv %x, %w {dilations = array<i64: 1>, group = 1 : i64, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1x2x8xf32>, tensor<4xf32>) -> tensor<1x4x8xf32>
  return %0 : tensor<1x4x8xf32>
}

// -----

func.func @conv_transpose_rank(%x: tensor<1xf32>, %w: tensor<f32>) -> tensor<1x4x8xf32> {
  // expected-error@+1 {{needs x and w of one rank of 3 or more, got 1 and 0}}
  %0 = graph.conv_transpose %x, %w {dilations = array<i64: 1>, group = 1 : i64, output_padding = array<i64: 0>, pads = array<i64: 0, 0>, strides = array<i64: 1>}
    : (tensor<1xf32>, tensor<f32>) -> tensor<1x4x8xf32>
  return %0 : tensor<1x4x8xf32>
}

// -----

func.func @resize_type(%x: tensor<3xf32>) -> tensor<6xf16> {
  // expected-error@+1 {{must keep the element type}}
  %0 = graph.resize %x {coordinates = "asymmetric", mode = "nearest", rounding = "floor"} : tensor<3xf32> -> tensor<6xf16>
  return %0 : tensor<6xf16>
}

// -----

func.func @where_condition(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+2 {{the condition must have elements of type i1}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.where %x, %x, %x : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @pool_rank(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  // expected-error@+2 {{pooling needs x of rank 3 or more, and attributes of matching length}}
  // expected-error@+1 {{failed to infer returned types}}
  %0 = graph.max_pool %x {ceil_mode = false, dilations = array<i64>, kernel = array<i64>, pads = array<i64>, strides = array<i64>}
    : tensor<1x2xf32> -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}
