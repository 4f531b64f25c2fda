//===- RegionCheck.cpp - A generic kernel against the reference -----------===//
#include "RegionCheck.h"

#include "../RegionText.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Verifier.h"
#include "tenon/Reference/Evaluate.h"
#include "llvm/Support/FileSystem.h"
#include <chrono>
#include <cmath>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace tenon::codegen {

static int64_t evaluate(graph::DimAttr e, const llvm::StringMap<int64_t> &symbols) {
  std::optional<int64_t> value = e.evaluate([&](StringRef name) -> std::optional<int64_t> {
    auto it = symbols.find(name);
    return it == symbols.end() ? std::nullopt : std::optional(it->second);
  });
  EXPECT_TRUE(value.has_value());
  return value.value_or(0);
}

/// Loads the code object by way of a file that is gone afterwards.
static void *load(ArrayRef<char> code) {
  SmallString<128> path;
  int file;
  if (llvm::sys::fs::createTemporaryFile("tenon-kernel", "so", file, path))
    return nullptr;
  llvm::raw_fd_ostream(file, /*shouldClose=*/true).write(code.data(), code.size());
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  llvm::sys::fs::remove(path);
  return library;
}

RegionCheck::RegionCheck(StringRef operands, StringRef body) : context(std::make_unique<MLIRContext>()) {
  context->loadDialect<graph::GraphDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect>();
  module = parseRegion(*context, operands, body);
  if (!module) {
    ADD_FAILURE() << "not parsed: " << body.str();
    return;
  }
  module->walk([&](graph::DispatchOp op) { dispatch = op; });
  supported = isSupportedDispatch(dispatch);
  if (!supported)
    return;
  std::optional<CpuTarget> target =
      CpuTarget::get(__builtin_cpu_supports("x86-64-v4") && !std::getenv("TENON_TEST_V3") ? "x86-64-v4" : "x86-64-v3");
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(UnknownLoc::get(context.get()));
  FailureOr<KernelInfo> emitted = emitKernel(dispatch, "kernel", *target, *kernels);
  if (std::getenv("TENON_DUMP"))
    kernels->dump();
  if (failed(emitted) || failed(verify(*kernels)) || failed(lowerKernels(*kernels))) {
    ADD_FAILURE() << "not emitted: " << body.str();
    return;
  }
  FailureOr<std::vector<char>> code = compileKernels({*kernels}, *target, 1);
  if (failed(code)) {
    ADD_FAILURE() << "not compiled: " << body.str();
    return;
  }
  if (const char *keep = std::getenv("TENON_KEEP_OBJECT")) {
    std::error_code ec;
    llvm::raw_fd_ostream(keep, ec).write(code->data(), code->size());
  }
  info = *emitted;
  library = load(*code);
  if (!library)
    ADD_FAILURE() << dlerror();
  else
    kernel = reinterpret_cast<TenonCpuKernel>(dlsym(library, "kernel"));
}

RegionCheck::~RegionCheck() {
  if (library)
    dlclose(library);
}

namespace {

/// Bytes aligned as the runtime aligns them, with a guard of 64 bytes behind.
struct AlignedBytes {
  explicit AlignedBytes(int64_t size) : size(size), data(static_cast<char *>(std::aligned_alloc(64, padded()))) {
    std::fill_n(data, padded(), char(0xA5));
  }
  AlignedBytes(AlignedBytes &&other) : size(other.size), data(std::exchange(other.data, nullptr)) {}
  ~AlignedBytes() { std::free(data); }
  int64_t padded() const { return (size + 127) / 64 * 64; }
  bool isGuardIntact() const {
    return std::all_of(data + size, data + padded(), [](char c) { return c == char(0xA5); });
  }
  int64_t size;
  char *data;
};

} // namespace

struct RegionCheck::Call {
  std::vector<AlignedBytes> owned;
  std::vector<void *> buffers;
  std::vector<int64_t> params;
  SmallVector<reference::HostTensor> inputs, results;
  int64_t grid = 0;
  int64_t scratchBytes = 0;

  Call(RegionCheck &check, const llvm::StringMap<int64_t> &symbols) {
    std::minstd_rand engine(7);
    auto dimsOf = [&](Type type) { return *reference::evaluateDims(cast<RankedTensorType>(type), symbols); };
    auto typeOf = [&](Type type) { return *reference::getElementType(cast<RankedTensorType>(type).getElementType()); };
    for (Type type : check.dispatch->getOperandTypes()) {
      auto tensor = *reference::HostTensor::allocate(typeOf(type), dimsOf(type));
      bool isFloat = reference::isFloat(tensor.getType());
      for (int64_t i = 0; i < tensor.getNumElements(); ++i) {
        double value = check.low + (check.high - check.low) * (engine() % 4096) / 4096.0;
        tensor.setDouble(i, isFloat ? value : std::floor(value));
      }
      inputs.push_back(tensor);
      owned.emplace_back(tensor.getNumBytes());
      if (tensor.getNumBytes())
        std::copy_n(tensor.bytes(), tensor.getNumBytes(), owned.back().data);
    }
    for (Type type : check.dispatch->getResultTypes())
      owned.emplace_back(*reference::countElements(dimsOf(type)) * elementSize(typeOf(type)));
    scratchBytes = codegen::evaluate(check.info.scratchBytes, symbols);
    owned.emplace_back(scratchBytes);
    for (AlignedBytes &bytes : owned)
      buffers.push_back(bytes.data);
    for (graph::DimAttr e : check.info.params)
      params.push_back(codegen::evaluate(e, symbols));
    grid = codegen::evaluate(check.info.grid, symbols);
    reference::Environment env;
    env.symbols = symbols;
    if (failed(reference::evaluate(check.dispatch, inputs, results, env)))
      ADD_FAILURE() << "no reference";
  }
};

void RegionCheck::run(const llvm::StringMap<int64_t> &symbols, double tolerance) {
  ASSERT_TRUE(supported) << "the region has no kernel";
  if (!kernel)
    return;
  Call call(*this, symbols);
  // From the last group to the first: groups are independent.
  for (int64_t group = call.grid; group-- > 0;)
    kernel(call.buffers.data(), call.params.data(), group, group + 1, call.buffers.back());
  for (const AlignedBytes &bytes : call.owned)
    EXPECT_TRUE(bytes.isGuardIntact()) << "written past the end";
  for (auto [i, expected] : llvm::enumerate(call.results)) {
    auto got =
        reference::HostTensor::borrow(expected.getType(), expected.getDims(), call.owned[call.inputs.size() + i].data);
    for (int64_t j = 0; j < expected.getNumElements(); ++j) {
      if (!reference::isFloat(expected.getType())) {
        ASSERT_EQ(got.getInteger(j), expected.getInteger(j)) << "result " << i << " at " << j;
        continue;
      }
      double a = got.getDouble(j), b = expected.getDouble(j);
      if ((std::isnan(a) && std::isnan(b)) || a == b)
        continue;
      ASSERT_NEAR(a, b, tolerance * std::max(1.0, std::abs(b))) << "result " << i << " at " << j;
    }
  }
}

double RegionCheck::measure(const llvm::StringMap<int64_t> &symbols, int times) {
  Call call(*this, symbols);
  double best = 1e9;
  for (int i = 0; i < times; ++i) {
    const auto start = std::chrono::steady_clock::now();
    kernel(call.buffers.data(), call.params.data(), 0, call.grid, call.buffers.back());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

bool hasGenericKernel(StringRef operands, StringRef body) { return RegionCheck(operands, body).supported; }

} // namespace tenon::codegen
