// RUN: not tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{parallel=data:8})' 2>&1 | FileCheck %s --check-prefix=DEVICES
// RUN: not tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{parallel=data:2})' 2>&1 | FileCheck %s --check-prefix=SAMPLES
// RUN: not tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{parallel=pipeline:4})' 2>&1 | FileCheck %s --check-prefix=STAGES
// RUN: not tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{parallel=rows:2})' 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{parallel=data:0})' 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: not tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{parallel=data:2,data:2})' 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not tenon-opt %s --pass-pipeline='builtin.module(tenon-choose-partition{cluster=none})' 2>&1 | FileCheck %s --check-prefix=CLUSTER

// DEVICES: TN4022: data:8 takes 8 devices, the cluster has 4
// DEVICES: remedy: ask for fewer
// SAMPLES: TN4020: no operation can be split along the axis 'data'
// SAMPLES: remedy: the model takes one sample at a time
// STAGES: TN4020: a pipeline of 4 stages needs as many operations, the model has 1
// NAME: TN4022: 'rows:2': there is no axis 'rows'
// SIZE: TN4022: 'data:0': the size of 'data' is not a whole number from 1 to 4096
// TWICE: TN4022: 'data:2,data:2': 'data' is there twice
// CLUSTER: TN9041: there is no cluster 'none'
func.func @one(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %0 = graph.relu %x : tensor<1x8xf32> -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}
