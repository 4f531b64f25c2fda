//===- LibraryTest.cpp - Regions that libraries compute, and who decides --===//
#include "../RegionText.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Codegen/CUDA/KernelTable.h"

#include <gtest/gtest.h>

namespace tenon::codegen::cuda {
namespace {

using mlir::OpBuilder;
using Activation = LibraryCall::Activation;

constexpr const char *rows = "tensor<?x64xf32, #graph.shape<[N, 64]>>",
                     *result = "tensor<?x32xf32, #graph.shape<[N, 32]>>";

/// The kernels of one region for some architectures.
class LibraryTest : public testing::Test {
protected:
  LibraryTest() {
    context.loadDialect<graph::GraphDialect, mlir::func::FuncDialect>();
    cost.device = *cost::findDevice("h100");
    common.cost = &cost;
    common.tuning = &tuning;
    tuning.tactics = cost::Tactics::Libraries;
  }

  using Entries = llvm::SmallVector<KernelTable::Entry, 1>;
  Entries add(const std::string &operands, const std::string &body) {
    module = parseRegion(context, operands, body);
    if (!module)
      return {};
    graph::DispatchOp dispatch;
    module->walk([&](graph::DispatchOp op) { dispatch = op; });
    llvm::SmallVector<llvm::StringRef> formats;
    for (unsigned i = 0; i < dispatch->getNumOperands(); ++i)
      formats.push_back(getOperandFormat(dispatch, i));
    dispatch.setFormatsAttr(OpBuilder(dispatch).getStrArrayAttr(formats));
    KernelTable table(archs, common);
    auto entries = table.add(dispatch);
    texts.clear();
    for (const CudaKernel &kernel : table.getKernels())
      texts.push_back(kernel.text());
    return mlir::succeeded(entries) ? *entries : Entries();
  }
  /// What computes x * w followed by `ops`, lines that begin with %10 as the product and yield the last one.
  KernelInfo product(const std::string &ops, const std::string &more = "") {
    Entries entries =
        add(std::string(rows) + "; tensor<64x32xf32>" + more,
            std::string("%10 = graph.matmul %0, %1 : (") + rows + ", tensor<64x32xf32>) -> " + result + "\n" + ops);
    return entries.size() == 1 ? entries[0].info : KernelInfo();
  }
  static std::string yield(const std::string &value) { return "graph.yield " + value + " : " + result; }
  static std::string add(const std::string &to, const std::string &a, const std::string &b, const std::string &type) {
    return to + " = graph.add " + a + ", " + b + " : (" + result + ", " + type + ") -> " + result + "\n";
  }
  static std::string unary(const std::string &to, const std::string &op, const std::string &x) {
    return to + " = graph." + op + " " + x + " : " + result + " -> " + result + "\n";
  }
  KernelInfo conv(const std::string &attributes, const std::string &y = "tensor<2x9x7x20xf32>") {
    Entries entries = add("tensor<2x9x7x3xf32>; tensor<20x3x3x3xf32>; tensor<20xf32>",
                          "%10 = graph.conv %0, %1, %2 {" + attributes +
                              ", channels_last} : (tensor<2x9x7x3xf32>, tensor<20x3x3x3xf32>, tensor<20xf32>) -> " + y +
                              "\ngraph.yield %10 : " + y);
    return entries.empty() ? KernelInfo() : entries[0].info;
  }

  mlir::MLIRContext context;
  cost::Context cost;
  cost::Tuning tuning;
  cost::Timings timings;
  CudaTarget common;
  std::vector<std::string> archs = {"sm_90a", "sm_80"}, texts;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(LibraryTest, CublasLtComputesProducts) {
  KernelInfo plain = product(yield("%10"));
  ASSERT_TRUE(plain.call);
  EXPECT_EQ(plain.call->name(), "cublaslt");
  EXPECT_EQ(plain.call->x, 0);
  EXPECT_EQ(plain.call->w, 1);
  EXPECT_EQ(plain.call->result, 2);
  EXPECT_EQ(plain.call->bias, -1);
  EXPECT_FALSE(plain.call->tf32);
  EXPECT_EQ(plain.threads, 0);
  EXPECT_EQ(plain.tactic.why, "asked for by --tactics=libraries");
  ASSERT_EQ(plain.params.size(), 4u);
  EXPECT_TRUE(plain.params[2].isConstant(32));
  EXPECT_TRUE(plain.params[3].isConstant(64));
  EXPECT_EQ(plain.blocks, min(graph::DimAttr::constant(&context, 1), plain.params[1] * 32)) << "nothing for no rows";
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_NE(texts[0].find("// cublasLtMatmul: out (argument 2) = x (argument 0) * weight (argument 1)"),
            std::string::npos)
      << texts[0];
  common.allowTf32 = true;
  EXPECT_TRUE(product(yield("%10")).call->tf32);
}

TEST_F(LibraryTest, CublasLtHasBiasResidualAndActivation) {
  const std::string bias = "; tensor<32xf32>", both = bias + "; " + result;
  KernelInfo relu =
      product(add("%11", "%10", "%2", "tensor<32xf32>") + unary("%12", "relu", "%11") + yield("%12"), bias);
  ASSERT_TRUE(relu.call);
  EXPECT_EQ(relu.call->bias, 2);
  EXPECT_EQ(relu.call->activation, Activation::Relu);
  KernelInfo residual = product(add("%11", "%10", "%2", "tensor<32xf32>") + add("%12", "%11", "%3", result) +
                                    unary("%13", "relu", "%12") + yield("%13"),
                                both);
  ASSERT_TRUE(residual.call);
  EXPECT_EQ(residual.call->bias, 2);
  EXPECT_EQ(residual.call->residual, 3);
  EXPECT_EQ(residual.call->result, 4);
}

/// 0.5 x (1 + f(c x + ..)) as the importer spells it.
static std::string gelu(const std::string &y, const std::string &inner) {
  auto binary = [&](const char *to, const char *op, const char *a, const char *b, const std::string &type) {
    return std::string(to) + " = graph." + op + " " + a + ", " + b + " : (" + y + ", " + type + ") -> " + y + "\n";
  };
  const std::string scalar = "tensor<f32>";
  return "%c1 = graph.constant dense<1.0> : tensor<f32>\n%c2 = graph.constant dense<0.5> : tensor<f32>\n" + inner +
         binary("%24", "add", "%23", "%c1", scalar) + binary("%25", "mul", "%10", "%24", y) +
         binary("%26", "mul", "%25", "%c2", scalar) + "graph.yield %26 : " + y;
}

TEST_F(LibraryTest, CublasLtHasTheGeluOfTanhAlone) {
  const std::string y = result, s = "tensor<f32>";
  auto binary = [&](const char *to, const char *op, const char *a, const char *b, const std::string &type) {
    return std::string(to) + " = graph." + op + " " + a + ", " + b + " : (" + y + ", " + type + ") -> " + y + "\n";
  };
  auto tanhGelu = [&](const char *cubic) {
    return gelu(y, std::string("%c3 = graph.constant dense<") + cubic +
                       "> : tensor<f32>\n%c4 = graph.constant dense<0.797884583> : tensor<f32>\n" +
                       binary("%11", "mul", "%10", "%10", y) + binary("%12", "mul", "%11", "%10", y) +
                       binary("%13", "mul", "%12", "%c3", s) + binary("%14", "add", "%10", "%13", y) +
                       binary("%15", "mul", "%14", "%c4", s) + "%23 = graph.tanh %15 : " + y + " -> " + y + "\n");
  };
  KernelInfo info = product(tanhGelu("4.471500e-02"));
  ASSERT_TRUE(info.call);
  EXPECT_EQ(info.call->activation, Activation::Gelu);
  EXPECT_FALSE(product(tanhGelu("4.500000e-02")).call) << "nearly the same";
  KernelInfo erf =
      product(gelu(y, "%c3 = graph.constant dense<0.707106769> : tensor<f32>\n" +
                          binary("%11", "mul", "%10", "%c3", s) + "%23 = graph.erf %11 : " + y + " -> " + y + "\n"));
  EXPECT_FALSE(erf.call);
  EXPECT_NE(erf.tactic.why.find("; no library: no library has its epilogue"), std::string::npos) << erf.tactic.why;
}

TEST_F(LibraryTest, OtherEpiloguesAreNotOffered) {
  const std::string scalar = "; tensor<1xf32>";
  EXPECT_FALSE(product(unary("%11", "exp", "%10") + yield("%11")).call);
  EXPECT_FALSE(product(add("%11", "%10", "%2", "tensor<1xf32>") + yield("%11"), scalar).call);
  EXPECT_FALSE(product(unary("%11", "relu", "%10") + add("%12", "%11", "%2", "tensor<32xf32>") + yield("%12"),
                       "; tensor<32xf32>")
                   .call)
      << "a bias after the activation";
}

TEST_F(LibraryTest, CudnnComputesConvolutionsWithEvenPads) {
  KernelInfo even = conv("strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, "
                         "group = 1 : i64");
  ASSERT_TRUE(even.call);
  EXPECT_EQ(even.call->name(), "cudnn");
  EXPECT_EQ(even.call->bias, 2);
  EXPECT_EQ(llvm::ArrayRef<int64_t>(even.call->window), llvm::ArrayRef<int64_t>({3, 3, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(even.params.size(), 7u);
  KernelInfo uneven = conv("strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 2, 1>, dilations = array<i64: 1, 1>, "
                           "group = 1 : i64",
                           "tensor<2x10x7x20xf32>");
  EXPECT_FALSE(uneven.call);
  EXPECT_NE(uneven.tactic.why.find("cuDNN pads both sides alike"), std::string::npos) << uneven.tactic.why;
}

TEST_F(LibraryTest, OwnMeansOwn) {
  tuning.tactics = cost::Tactics::Own;
  EXPECT_FALSE(product(yield("%10")).call);
  tuning.tactics = cost::Tactics::Auto;
  EXPECT_FALSE(product(yield("%10")).call) << "nothing was measured";
  EXPECT_EQ(product(yield("%10")).tactic.key, "") << "nobody asks for a key";
}

TEST_F(LibraryTest, TimingsChooseTilesAndLibraries) {
  cost.symbols["N"] = 100;
  tuning.forced = "tile=2";
  tuning.tactics = cost::Tactics::Auto;
  KernelInfo forced = product(yield("%10"));
  EXPECT_EQ(forced.tactic.name, "gemm_simt 128x32x16");
  EXPECT_EQ(forced.tactic.choices, 3);
  EXPECT_EQ(forced.size, 3200);
  ASSERT_FALSE(forced.tactic.key.empty());
  tuning.forced = "tile=3";
  EXPECT_TRUE(product(yield("%10")).tactic.key.empty()) << "there are three";
  tuning.forced = "cublaslt";
  EXPECT_EQ(product(yield("%10")).tactic.key, forced.tactic.key);

  tuning.forced.clear();
  tuning.timings = &timings;
  auto measured = [&](const char *tactic, double microseconds) {
    timings.add({"h100", forced.tactic.key, tactic, "a product", 3200, microseconds * 1e-6, 0.01, 20});
  };
  const std::string standard = product(yield("%10")).tactic.name;
  measured("gemm_simt 64x64x16", 9);
  measured("gemm_simt 128x64x8", 5);
  measured("gemm_simt 128x32x16", 7);
  KernelInfo tile = product(yield("%10"));
  EXPECT_EQ(tile.tactic.name, "gemm_simt 128x64x8");
  EXPECT_NE(standard, tile.tactic.name);
  EXPECT_EQ(tile.tactic.why.find("measured on h100: gemm_simt 128x64x8 5.0 us, "), 0u) << tile.tactic.why;
  EXPECT_NE(texts[0].find("GemmSimt<128, 64, 8, "), std::string::npos);
  measured("cublaslt", 3);
  EXPECT_TRUE(product(yield("%10")).call);
  tuning.tactics = cost::Tactics::Own;
  EXPECT_EQ(product(yield("%10")).tactic.name, "gemm_simt 128x64x8");
  cost.device = *cost::findDevice("a100");
  EXPECT_EQ(product(yield("%10")).tactic.why.find("on a100 at"), 0u) << "nothing was measured there";
}

TEST_F(LibraryTest, ACallIsForAllArchitectures) {
  const std::string x = "tensor<256x64xf16>", w = "tensor<64x128xf16>", y = "tensor<256x128xf16>";
  const std::string body = "%10 = graph.matmul %0, %1 : (" + x + ", " + w + ") -> " + y + "\ngraph.yield %10 : " + y;
  Entries called = add(x + "; " + w, body);
  ASSERT_EQ(called.size(), 1u);
  EXPECT_TRUE(called[0].info.call);
  EXPECT_TRUE(called[0].archs.empty());
  tuning.tactics = cost::Tactics::Own;
  Entries own = add(x + "; " + w, body);
  ASSERT_EQ(own.size(), 2u);
  EXPECT_EQ(own[0].info.tactic.family, "gemm_wgmma");
  EXPECT_EQ(own[1].info.tactic.family, "gemm_mma");
  tuning.forced = "tile=2"; // after two of wgmma come those of mma.sync
  Entries forced = add(x + "; " + w, body);
  EXPECT_EQ(forced[0].info.tactic.name, "gemm_mma 64x64x32");
}

} // namespace
} // namespace tenon::codegen::cuda
