//===- CompileTest.cpp - NVRTC, its cache and its messages ----------------===//
#include "tenon/Codegen/CUDA/Compile.h"
#include "RegionCheck.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

namespace tenon::codegen::cuda {
namespace {

const char *const allArchs[] = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a"};

/// Compiles, with a cache of its own, or skips the test where there is no compiler.
class CudaCompile : public testing::Test {
protected:
  void SetUp() override {
    CompilerInfo compiler = findCudaCompiler();
    ASSERT_TRUE(compiler.isFound) << compiler.description;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("tenon-cuda-cache", folder));
    options.cache = folder.str().str();
    options.jobs = 2;
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  mlir::MLIRContext context;
  llvm::SmallString<128> folder;
  CompileOptions options;
};

CudaKernel layerNorm() {
  return RegionCheck("tensor<?x768xf32, #graph.shape<[N, 768]>>; tensor<768xf32>", R"(
    %2 = graph.layer_normalization %0, %1, %1 {axis = 1 : i64, epsilon = 1.0e-05 : f64} : (tensor<?x768xf32, #graph.shape<[N, 768]>>, tensor<768xf32>, tensor<768xf32>) -> tensor<?x768xf32, #graph.shape<[N, 768]>>
    graph.yield %2 : tensor<?x768xf32, #graph.shape<[N, 768]>>)")
      .kernel;
}

bool contains(const std::vector<char> &bytes, llvm::StringRef text) {
  return llvm::StringRef(bytes.data(), bytes.size()).contains(text);
}

TEST_F(CudaCompile, CompilesForEveryArchitecture) {
  options.archs.assign(std::begin(allArchs), std::end(allArchs));
  auto images = compileCuda(context, layerNorm(), options);
  ASSERT_TRUE(succeeded(images));
  ASSERT_EQ(images->size(), 5u);
  for (const CudaImage &image : *images) {
    SCOPED_TRACE(image.arch);
    EXPECT_TRUE(contains(image.bytes, "ELF"));
    EXPECT_EQ(image.kernels, std::vector<std::string>{"kernel"});
    EXPECT_GT(image.resources[0].registers, 16);
    EXPECT_LE(image.resources[0].registers, 128);
    EXPECT_EQ(image.resources[0].spillBytes, 0);
    EXPECT_EQ(image.resources[0].stackBytes, 0);
  }
}

TEST_F(CudaCompile, MovesSixteenBytes) {
  options.archs = {"compute_80"};
  auto images = compileCuda(context, layerNorm(), options);
  ASSERT_TRUE(succeeded(images));
  EXPECT_TRUE(contains(images->front().bytes, "ld.global.nc.v4") || contains(images->front().bytes, "ld.global.v4"));
  EXPECT_TRUE(contains(images->front().bytes, "st.global.v4"));
}

TEST_F(CudaCompile, FindsInTheCache) {
  options.archs = {"sm_80"};
  auto first = compileCuda(context, layerNorm(), options);
  auto second = compileCuda(context, layerNorm(), options);
  ASSERT_TRUE(succeeded(first) && succeeded(second));
  EXPECT_FALSE(first->front().fromCache);
  EXPECT_TRUE(second->front().fromCache);
  EXPECT_EQ(first->front().bytes, second->front().bytes);
  EXPECT_EQ(first->front().resources[0].registers, second->front().resources[0].registers);
}

TEST_F(CudaCompile, DoesNotTrustADamagedCache) {
  options.archs = {"sm_80"};
  auto first = compileCuda(context, layerNorm(), options);
  std::error_code error;
  int files = 0;
  for (llvm::sys::fs::recursive_directory_iterator it(folder, error), end; it != end && !error; it.increment(error)) {
    if (llvm::sys::fs::is_directory(it->path()))
      continue;
    llvm::raw_fd_ostream os(it->path(), error, llvm::sys::fs::CD_OpenExisting, llvm::sys::fs::FA_Write,
                            llvm::sys::fs::OF_None);
    os.seek(100);
    os << "damage";
    ++files;
  }
  EXPECT_EQ(files, 1);
  auto second = compileCuda(context, layerNorm(), options);
  ASSERT_TRUE(succeeded(first) && succeeded(second));
  EXPECT_FALSE(second->front().fromCache);
  EXPECT_EQ(first->front().bytes, second->front().bytes);
}

TEST_F(CudaCompile, ReportsTheLog) {
  CudaKernel kernel = layerNorm();
  kernel.source += "int broken = ;\n";
  std::string message;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    message = diagnostic.str();
    return mlir::success();
  });
  EXPECT_TRUE(failed(compileCuda(context, kernel, options)));
  EXPECT_TRUE(llvm::StringRef(message).starts_with("TN5022")) << message;
  EXPECT_TRUE(llvm::StringRef(message).contains("expected an expression")) << message;
  options.archs = {"sm_1"};
  EXPECT_TRUE(failed(compileCuda(context, kernel, options)));
  EXPECT_TRUE(llvm::StringRef(message).starts_with("TN5023")) << message;
}

TEST(CudaResources, ReadsTheMessagesOfPtxas) {
  constexpr const char *log = R"(ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'a' for 'sm_80'
ptxas info    : Function properties for a
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers, 2048 bytes smem, 376 bytes cmem[0]
ptxas info    : Compiling entry function 'ab' for 'sm_80'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 9 registers, 368 bytes cmem[0]
)";
  auto a = parseResources(log, "a"), ab = parseResources(log, "ab");
  ASSERT_TRUE(a && ab);
  EXPECT_EQ(a->registers, 32);
  EXPECT_EQ(a->spillBytes, 16);
  EXPECT_EQ(a->stackBytes, 8);
  EXPECT_EQ(a->sharedBytes, 2048);
  EXPECT_EQ(ab->registers, 9);
  EXPECT_EQ(ab->sharedBytes, 0);
  EXPECT_FALSE(parseResources(log, "c"));
}

TEST_F(CudaCompile, CountsWaitsForWgmma) {
  llvm::StringRef log =
      "ptxas info    : (C7519) warpgroup.arrive is injected in around line 194 by compiler to allow use of "
      "registers in GMMA in function 'a'\n"
      "ptxas info    : (C7517) warpgroup.wait is injected in around line 199 by compiler to allow use of "
      "registers defined by GMMA in function 'a'\n"
      "ptxas info    : Compiling entry function 'a' for 'sm_90a'\n"
      "ptxas info    : Used 32 registers\n"
      "ptxas info    : Compiling entry function 'b' for 'sm_90a'\n"
      "ptxas info    : Used 32 registers\n";
  EXPECT_EQ(parseResources(log, "a")->serialized, 2);
  EXPECT_EQ(parseResources(log, "b")->serialized, 0);
}

} // namespace
} // namespace tenon::codegen::cuda
