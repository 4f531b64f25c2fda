//===- SelectionTest.cpp - The largest elements, determinants, Fourier --------===//
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

TEST_F(SelectionTest, TransformsAreInverseToEachOther) {
  const char *text = R"(func.func @f(%x: tensor<1x5x2x1xf32>) -> tensor<1x5x2x1xf32> {
    %0 = graph.dft %x of <5> {axis = 1 : i64, inverse = false, onesided = true} : tensor<1x5x2x1xf32> -> tensor<1x3x2x2xf32>
    %1 = graph.dft %0 of <5> {axis = 1 : i64, inverse = true, onesided = true} : tensor<1x3x2x2xf32> -> tensor<1x5x2x1xf32>
    return %1 : tensor<1x5x2x1xf32>
  })";
  expect(text, {f32({1, 5, 2, 1}, {1, 2, 3, 4, -5, 6, 7, 8, 9, 0})}, {1, 5, 2, 1}, {1, 2, 3, 4, -5, 6, 7, 8, 9, 0},
         1e-5);
}

TEST_F(SelectionTest, TransformsCutAndFill) {
  const char *text = R"(func.func @f(%x: tensor<2x2xf32>) -> tensor<4x2xf32> {
    %0 = graph.dft %x of <4> {axis = 0 : i64, inverse = false, onesided = false} : tensor<2x2xf32> -> tensor<4x2xf32>
    return %0 : tensor<4x2xf32>
  })";
  expect(text, {f32({2, 2}, {1, 0, 0, 2})}, {4, 2}, {1, 2, 3, 0, 1, -2, -1, 0}, 1e-6);
}
