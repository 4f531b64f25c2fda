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
