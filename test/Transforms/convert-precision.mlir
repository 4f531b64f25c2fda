// RUN: tenon-opt --pass-pipeline='builtin.module(func.func(tenon-convert-precision))' %s | FileCheck %s
// RUN: tenon-opt --pass-pipeline='builtin.module(func.func(tenon-convert-precision{to=bf16}))' %s | FileCheck %s --check-prefix=BF16

// Products start it, elementwise ops keep it, the function keeps its types. What is exact stays exact: the mask, and what
// it is added to.
// CHECK-LABEL: @chain
// BF16-LABEL: @chain
func.func @chain(%x: tensor<4x8xf32>, %ids: tensor<4x1xi64>) -> tensor<4x2xf32> {
  // CHECK-DAG: %[[W:.*]] = graph.constant dense<5.000000e-01> : tensor<8x2xf16>
  // CHECK-DAG: %[[X:.*]] = graph.cast %{{.*}} : tensor<4x8xf32> -> tensor<4x8xf16>
  // CHECK-DAG: %[[POSITION:.*]] = graph.cast %{{.*}} : tensor<4x1xi64> -> tensor<4x1xf32>
  // CHECK-DAG: %[[ONE:.*]] = graph.constant dense<1.000000e+00> : tensor<f32>
  // CHECK-DAG: %[[FROM:.*]] = graph.sub %[[ONE]], %[[POSITION]] : (tensor<f32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  // CHECK: %[[Y:.*]] = graph.matmul %[[X]], %[[W]] : (tensor<4x8xf16>, tensor<8x2xf16>) -> tensor<4x2xf16>
  // CHECK: %[[Z:.*]] = graph.relu %[[Y]] : tensor<4x2xf16> -> tensor<4x2xf16>
  // CHECK: %[[WIDE:.*]] = graph.cast %[[Z]] : tensor<4x2xf16> -> tensor<4x2xf32>
  // CHECK: %[[R:.*]] = graph.add %[[WIDE]], %[[FROM]] : (tensor<4x2xf32>, tensor<4x1xf32>) -> tensor<4x2xf32>
  // CHECK: return %[[R]] : tensor<4x2xf32>
  // BF16: graph.matmul {{.*}} -> tensor<4x2xbf16>
  %w = graph.constant dense<0.5> : tensor<8x2xf32>
  %one = graph.constant dense<1.0> : tensor<f32>
  %position = graph.cast %ids : tensor<4x1xi64> -> tensor<4x1xf32>
  %mask = graph.sub %one, %position : (tensor<f32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %y = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %z = graph.relu %y : tensor<4x2xf32> -> tensor<4x2xf32>
  %r = graph.add %z, %mask : (tensor<4x2xf32>, tensor<4x1xf32>) -> tensor<4x2xf32>
  return %r : tensor<4x2xf32>
}

// Sums, powers and softmax are f32; a maximum is exact in any type.
// CHECK-LABEL: @sums
func.func @sums(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>) {
  // CHECK: %[[Y:.*]] = graph.matmul {{.*}} -> tensor<4x8xf16>
  // CHECK-NEXT: %[[WIDE:.*]] = graph.cast %[[Y]] : tensor<4x8xf16> -> tensor<4x8xf32>
  // CHECK: %[[S:.*]] = graph.softmax %[[WIDE]] {{.*}} : tensor<4x8xf32> -> tensor<4x8xf32>
  // CHECK: %[[SUM:.*]] = graph.reduce_sum %[[WIDE]] {{.*}} -> tensor<4x1xf32>
  // CHECK: graph.reduce_max %[[Y]] {{.*}} -> tensor<4x1xf16>
  // CHECK: return %[[S]], %[[SUM]]
  %y = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %s = graph.softmax %y {axis = 1 : i64} : tensor<4x8xf32> -> tensor<4x8xf32>
  %sum = graph.reduce_sum %y {axes = array<i64: 1>, keepdims = true} : tensor<4x8xf32> -> tensor<4x1xf32>
  %max = graph.reduce_max %y {axes = array<i64: 1>, keepdims = true} : tensor<4x8xf32> -> tensor<4x1xf32>
  return %s, %sum, %max : tensor<4x8xf32>, tensor<4x1xf32>, tensor<4x1xf32>
}

// The lowest f32 masks without becoming infinite; infinity stays. A table is looked up narrow.
// CHECK-LABEL: @constants
// BF16-LABEL: @constants
func.func @constants(%ids: tensor<3xi64>, %c: tensor<3x2xi1>) -> tensor<3x2xf32> {
  // CHECK-DAG: dense<-6.550400e+04> : tensor<f16>
  // CHECK-DAG: dense<0xFC00> : tensor<f16>
  // CHECK-DAG: %[[TABLE:.*]] = graph.constant {{.*}} : tensor<5x2xf16>
  // BF16: graph.gather {{.*}} -> tensor<3x2xf32>
  // CHECK: graph.gather %[[TABLE]], %{{.*}} -> tensor<3x2xf16>
  // CHECK: graph.where {{.*}} -> tensor<3x2xf16>
  %table = graph.constant dense<1.0> : tensor<5x2xf32>
  %lowest = graph.constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = graph.constant dense<0xFF800000> : tensor<f32>
  %x = graph.gather %table, %ids {axis = 0 : i64} : (tensor<5x2xf32>, tensor<3xi64>) -> tensor<3x2xf32>
  %y = graph.where %c, %x, %lowest : (tensor<3x2xi1>, tensor<3x2xf32>, tensor<f32>) -> tensor<3x2xf32>
  %z = graph.max %y, %infinity : (tensor<3x2xf32>, tensor<f32>) -> tensor<3x2xf32>
  return %z : tensor<3x2xf32>
}

// Normalisations and tables are narrow in f16, not in bf16.
// CHECK-LABEL: @normalized
// BF16-LABEL: @normalized
func.func @normalized(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %s: tensor<8xf32>) -> tensor<4x8xf32> {
  // CHECK: graph.layer_normalization {{.*}} -> tensor<4x8xf16>
  // BF16: graph.layer_normalization {{.*}} -> tensor<4x8xf32>
  %y = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %n = graph.layer_normalization %y, %s {axis = 1 : i64, epsilon = 1.000000e-05 : f64} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %n : tensor<4x8xf32>
}

// Products that integers are made of are exact in f32, and stay so.
// CHECK-LABEL: @integers
func.func @integers(%x: tensor<4x8xi32>, %w: tensor<8x2xf32>) -> tensor<4x2xi32> {
  // CHECK: graph.matmul {{.*}} -> tensor<4x2xf32>
  %a = graph.cast %x : tensor<4x8xi32> -> tensor<4x8xf32>
  %y = graph.matmul %a, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %z = graph.cast %y : tensor<4x2xf32> -> tensor<4x2xi32>
  return %z : tensor<4x2xi32>
}
