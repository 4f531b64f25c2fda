//===- SelectionTest.cpp - The largest elements, determinants -------------===//
#include "ReferenceTest.h"

#include <cmath>

using namespace tenon;
using namespace tenon::reference;

using SelectionTest = ReferenceTest;

TEST_F(SelectionTest, TopKPutsNanFirstAndKeepsTheOrderOfEqualElements) {
  const char *text = R"(func.func @f(%x: tensor<5xf32>) -> tensor<4xi64> {
    %v, %i = graph.top_k %x of <4> {axis = 0 : i64, largest = true} : tensor<5xf32> -> (tensor<4xf32>, tensor<4xi64>)
    return %i : tensor<4xi64>
  })";
  expect(text, {f32({5}, {2, 7, NAN, 7, -1})}, {4}, {2, 1, 3, 0});
}

TEST_F(SelectionTest, TopKOfTheSmallestAlongAnInnerAxis) {
  const char *text = R"(func.func @f(%x: tensor<3x2xf32>) -> tensor<2x2xf32> {
    %v, %i = graph.top_k %x of <2> {axis = 0 : i64, largest = false} : tensor<3x2xf32> -> (tensor<2x2xf32>, tensor<2x2xi64>)
    return %v : tensor<2x2xf32>
  })";
  expect(text, {f32({3, 2}, {5, 1, 3, 2, 4, 0})}, {2, 2}, {3, 0, 4, 1});
}

TEST_F(SelectionTest, Determinants) {
  const char *text = R"(func.func @f(%x: tensor<2x2x2xf32>) -> tensor<2xf32> {
    %0 = graph.det %x : tensor<2x2x2xf32> -> tensor<2xf32>
    return %0 : tensor<2xf32>
  })";
  expect(text, {f32({2, 2, 2}, {0, 1, 2, 3, 1, 2, 2, 4})}, {2}, {-2, 0});
}
