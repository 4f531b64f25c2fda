// RUN: tenon-opt %s -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: plan.script @script
// CHECK-SAME: inputs [{name = "x", type = tensor<2xf32>}] outputs [{name = "y", type = tensor<*xf32>}]
// CHECK: %[[N:.+]] = plan.host "Extent"(%{{.+}}) [0] -> !plan.value
// CHECK: %[[Y:.+]]:2 = plan.repeat trips %[[N]](%{{.+}}) stacked [{axis = 0 : i64, type = tensor<2xf32>}] {
// CHECK: plan.call @double(%{{.+}}) read %[[N]] at [0] elements [true] -> !plan.value
// CHECK: plan.branch %{{.+}} {
// CHECK: } else {
func.func @double(%x: tensor<2xf32>, %n: tensor<1xi64>) -> tensor<2xf32> {
  %y = graph.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
plan.script @script inputs [{name = "x", type = tensor<2xf32>}] outputs [{name = "y", type = tensor<*xf32>}] {
^bb0(%x: !plan.value):
  %n = plan.host "Extent"(%x) [0] -> !plan.value
  %absent = plan.absent
  %s:4 = plan.host "Unique"(%x) [0, 0, 1] -> !plan.value, !plan.value, !plan.value, !plan.value
  %r:2 = plan.repeat trips %n(%x) stacked [{axis = 0 : i64, type = tensor<2xf32>}] {
  ^bb0(%i: !plan.value, %c: !plan.value, %h: !plan.value):
    %d = plan.call @double(%h) read %n at [0] elements [true] -> !plan.value
    %b = plan.branch %c {
      plan.yield %d
    } else {
      plan.yield %h
    } -> !plan.value
    plan.yield %c, %b, %d
  } -> !plan.value, !plan.value
  plan.yield %r#1
}

// -----

plan.script @script inputs [{name = "x", type = tensor<2xf32>}] outputs [] {
^bb0(%x: !plan.value):
  // expected-error@+1 {{there is no operator Sort}}
  %y = plan.host "Sort"(%x) [] -> !plan.value
  plan.yield
}

// -----

plan.script @script inputs [{name = "x", type = tensor<2xf32>}] outputs [] {
^bb0(%x: !plan.value):
  // expected-error@+1 {{NonZero does not take 2 operands and 0 numbers for 1 results}}
  %n = plan.host "NonZero"(%x, %x) [] -> !plan.value
  plan.yield
}

// -----

plan.script @script inputs [{name = "x", type = tensor<2xf32>}] outputs [] {
^bb0(%x: !plan.value):
  // expected-error@+1 {{function nowhere is not defined}}
  %y = plan.call @nowhere(%x) at [] elements [] -> !plan.value
  plan.yield
}

// -----

func.func @one(%x: tensor<2xf32>) { return }
plan.script @script inputs [{name = "x", type = tensor<2xf32>}] outputs [] {
^bb0(%x: !plan.value):
  // expected-error@+1 {{does not fit the 1 arguments and 0 results of one}}
  %y = plan.call @one(%x) read %x at [0] elements [false] -> !plan.value
  plan.yield
}

// -----

plan.script @script inputs [{name = "x", type = tensor<2xf32>}] outputs [] {
^bb0(%x: !plan.value):
  // expected-error@+1 {{has a block of 0 results, expected 1}}
  %y = plan.branch %x {
    plan.yield
  } else {
    plan.yield %x
  } -> !plan.value
  plan.yield
}

// -----

plan.script @script inputs [{name = "x", type = tensor<2xf32>}] outputs [] {
^bb0(%x: !plan.value):
  // expected-error@+1 {{has a block of 2 arguments, expected 3}}
  %y = plan.repeat (%x) stacked [] {
  ^bb0(%i: !plan.value, %c: !plan.value):
    plan.yield %c, %x
  } -> !plan.value
  plan.yield
}

// -----

// expected-error@+1 {{has a block of 0 results, expected 1}}
plan.script @script inputs [] outputs [{name = "y", type = tensor<*xf32>}] {
  plan.yield
}
