//===- HalfTest.cpp - Regions of f16 and bf16 on the virtual GPU ----------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

/// `text` with T for the element type.
std::string of(llvm::StringRef type, std::string text) {
  for (size_t at = text.find("$T"); at != std::string::npos; at = text.find("$T", at))
    text.replace(at, 2, type.str());
  return text;
}

struct HalfTest : testing::TestWithParam<std::pair<const char *, double>> {
  void check(const std::string &operands, const std::string &body, const llvm::StringMap<int64_t> &symbols = {}) {
    RegionCheck check(of(GetParam().first, operands), of(GetParam().first, body));
    check.run(symbols, GetParam().second);
  }
  /// For sm_90a: the kernel must be an instance of `expected`.
  void checkMaps(const std::string &expected, const std::string &operands, const std::string &body,
                 const std::vector<llvm::StringMap<int64_t>> &sizes = {{}}) {
    RegionCheck check(of(GetParam().first, operands), of(GetParam().first, body), cuda::CudaTarget::forArch("sm_90a"));
    EXPECT_NE(check.kernel.source.find(expected), std::string::npos) << check.kernel.source;
    for (const llvm::StringMap<int64_t> &symbols : sizes)
      check.run(symbols, GetParam().second);
  }
};

TEST_P(HalfTest, Elementwise) {
  check("tensor<3x64x$T>; tensor<64x$T>", R"(
    %2 = graph.mul %0, %1 : (tensor<3x64x$T>, tensor<64x$T>) -> tensor<3x64x$T>
    %3 = graph.tanh %2 : tensor<3x64x$T> -> tensor<3x64x$T>
    graph.yield %3 : tensor<3x64x$T>)");
  check("tensor<?x7x$T, #graph.shape<[N, 7]>>", R"(
    %2 = graph.cast %0 : tensor<?x7x$T, #graph.shape<[N, 7]>> -> tensor<?x7xf32, #graph.shape<[N, 7]>>
    graph.yield %2 : tensor<?x7xf32, #graph.shape<[N, 7]>>)",
        {{"N", 5}});
  check("tensor<?xf32, #graph.shape<[N]>>", R"(
    %2 = graph.cast %0 : tensor<?xf32, #graph.shape<[N]>> -> tensor<?x$T, #graph.shape<[N]>>
    graph.yield %2 : tensor<?x$T, #graph.shape<[N]>>)",
        {{"N", 45}});
}

TEST_P(HalfTest, Movement) {
  check("tensor<20x40x$T>; tensor<20x3x$T>", R"(
    %2 = graph.transpose %0 {perm = array<i64: 1, 0>} : tensor<20x40x$T> -> tensor<40x20x$T>
    graph.yield %2 : tensor<40x20x$T>)");
  check("tensor<20x40x$T>; tensor<20x3x$T>", R"(
    %2 = graph.concat %0, %1 {axis = 1 : i64} : (tensor<20x40x$T>, tensor<20x3x$T>) -> tensor<20x43x$T>
    graph.yield %2 : tensor<20x43x$T>)");
}

TEST_P(HalfTest, Reductions) {
  check("tensor<5x256x$T>", R"(
    %1 = graph.softmax %0 {axis = 1 : i64} : tensor<5x256x$T> -> tensor<5x256x$T>
    graph.yield %1 : tensor<5x256x$T>)");
  check("tensor<6x?x$T, #graph.shape<[6, N]>>", R"(
    %1 = graph.softmax %0 {axis = 1 : i64} : tensor<6x?x$T, #graph.shape<[6, N]>> -> tensor<6x?x$T, #graph.shape<[6, N]>>
    graph.yield %1 : tensor<6x?x$T, #graph.shape<[6, N]>>)",
        {{"N", 37}});
  check("tensor<2x9x12x$T>", R"(
    %1 = graph.reduce_max %0 {axes = array<i64: 1>, keepdims = true} : tensor<2x9x12x$T> -> tensor<2x1x12x$T>
    graph.yield %1 : tensor<2x1x12x$T>)");
}

TEST_P(HalfTest, Products) {
  check("tensor<?x40x$T, #graph.shape<[M, 40]>>; tensor<72x40x$T>; tensor<72x$T>", R"(
    %3 = graph.matmul %0, %1 {transpose_w} : (tensor<?x40x$T, #graph.shape<[M, 40]>>, tensor<72x40x$T>) -> tensor<?x72x$T, #graph.shape<[M, 72]>>
    %4 = graph.add %3, %2 : (tensor<?x72x$T, #graph.shape<[M, 72]>>, tensor<72x$T>) -> tensor<?x72x$T, #graph.shape<[M, 72]>>
    %5 = graph.sigmoid %4 : tensor<?x72x$T, #graph.shape<[M, 72]>> -> tensor<?x72x$T, #graph.shape<[M, 72]>>
    %6 = graph.cast %5 : tensor<?x72x$T, #graph.shape<[M, 72]>> -> tensor<?x72xf32, #graph.shape<[M, 72]>>
    graph.yield %6 : tensor<?x72xf32, #graph.shape<[M, 72]>>)",
        {{"M", 67}});
  check("tensor<3x?x17x$T, #graph.shape<[3, M, 17]>>; tensor<3x17x?x$T, #graph.shape<[3, 17, N]>>", R"(
    %3 = graph.matmul %0, %1 : (tensor<3x?x17x$T, #graph.shape<[3, M, 17]>>, tensor<3x17x?x$T, #graph.shape<[3, 17, N]>>) -> tensor<3x?x?x$T, #graph.shape<[3, M, N]>>
    %4 = graph.sigmoid %3 : tensor<3x?x?x$T, #graph.shape<[3, M, N]>> -> tensor<3x?x?x$T, #graph.shape<[3, M, N]>>
    graph.yield %4 : tensor<3x?x?x$T, #graph.shape<[3, M, N]>>)",
        {{"M", 5}, {"N", 9}});
  // A dot product per row is a loop.
  check("tensor<5x16x$T>; tensor<16x1x$T>", R"(
    %3 = graph.matmul %0, %1 : (tensor<5x16x$T>, tensor<16x1x$T>) -> tensor<5x1x$T>
    %4 = graph.sigmoid %3 : tensor<5x1x$T> -> tensor<5x1x$T>
    graph.yield %4 : tensor<5x1x$T>)");
}

TEST_P(HalfTest, ProductsByTensorMaps) {
  checkMaps("GemmWgmma<", "tensor<?x40x$T, #graph.shape<[M, 40]>>; tensor<72x40x$T>; tensor<72x$T>", R"(
    %3 = graph.matmul %0, %1 {transpose_w} : (tensor<?x40x$T, #graph.shape<[M, 40]>>, tensor<72x40x$T>) -> tensor<?x72x$T, #graph.shape<[M, 72]>>
    %4 = graph.add %3, %2 : (tensor<?x72x$T, #graph.shape<[M, 72]>>, tensor<72x$T>) -> tensor<?x72x$T, #graph.shape<[M, 72]>>
    %5 = graph.sigmoid %4 : tensor<?x72x$T, #graph.shape<[M, 72]>> -> tensor<?x72x$T, #graph.shape<[M, 72]>>
    graph.yield %5 : tensor<?x72x$T, #graph.shape<[M, 72]>>)",
            {{{"M", 1}}, {{"M", 67}}, {{"M", 0}}, {{"M", 130}}});
  checkMaps("GemmWgmma<", "tensor<3x?x136x$T, #graph.shape<[3, M, 136]>>; tensor<3x136x264x$T>", R"(
    %3 = graph.matmul %0, %1 : (tensor<3x?x136x$T, #graph.shape<[3, M, 136]>>, tensor<3x136x264x$T>) -> tensor<3x?x264x$T, #graph.shape<[3, M, 264]>>
    %4 = graph.sigmoid %3 : tensor<3x?x264x$T, #graph.shape<[3, M, 264]>> -> tensor<3x?x264x$T, #graph.shape<[3, M, 264]>>
    graph.yield %4 : tensor<3x?x264x$T, #graph.shape<[3, M, 264]>>)",
            {{{"M", 5}}, {{"M", 129}}});
  // Lines that are no multiple of 16 bytes.
  checkMaps("GemmMma<", "tensor<5x36x$T>; tensor<36x72x$T>", R"(
    %3 = graph.matmul %0, %1 : (tensor<5x36x$T>, tensor<36x72x$T>) -> tensor<5x72x$T>
    %4 = graph.sigmoid %3 : tensor<5x72x$T> -> tensor<5x72x$T>
    graph.yield %4 : tensor<5x72x$T>)");
}

INSTANTIATE_TEST_SUITE_P(Types, HalfTest, testing::Values(std::pair("f16", 2e-3), std::pair("bf16", 1.2e-2)));

} // namespace
} // namespace tenon::codegen
