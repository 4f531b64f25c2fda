// RUN: tenon-opt %s -split-input-file -verify-diagnostics

plan.program @undefined_kernel {
  // expected-error @+1 {{kernel k0 is not defined}}
  plan.launch @k0() grid <1> params <[]> scratch <0>
}

// -----

plan.kernel @k0 buffers 1 params 0 nodes []
plan.program @wrong_buffers {
  // expected-error @+1 {{kernel k0 takes 1 buffers, got 0}}
  plan.launch @k0() grid <1> params <[]> scratch <0>
}

// -----

plan.kernel @k0 buffers 0 params 2 nodes []
plan.program @wrong_parameters {
  // expected-error @+1 {{kernel k0 takes 2 parameters, got 1}}
  plan.launch @k0() grid <1> params <[1]> scratch <0>
}

// -----

plan.kernel @k0 buffers 0 params 0 nodes [] {maps = 1}
plan.program @wrong_maps {
  // expected-error @+1 {{kernel k0 takes 1 tensor maps, got 0}}
  plan.launch @k0() grid <1> params <[]> scratch <0>
}

// -----

plan.program @unknown_collective {
  %a = plan.arena <32>
  // expected-error @+1 {{has unknown kind gather}}
  plan.collective "gather" tensor<8xf32> group [0, 1] from %a
}

// -----

plan.program @send_to_nowhere {
  // expected-error @+1 {{has a source or target that send has not, or lacks one}}
  plan.collective "send" tensor<8xf32> group [1]
}

// -----

plan.program @one_axis {
  %a = plan.arena <32>
  %b = plan.arena <32>
  // expected-error @+1 {{must have a second axis just where it is an all_to_all}}
  plan.collective "all_to_all" tensor<8xf32> group [0, 1] from %a to %b {extents = #graph.shape<[4, 4]>}
}
