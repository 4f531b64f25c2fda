//===- RegionCheck.cpp - A CUDA kernel on the virtual GPU -----------------===//
#include "RegionCheck.h"

#include "../RegionText.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Reference/Evaluate.h"
#include "tenon/Runtime/DeviceHeaders.h"
#include <cmath>
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

RegionCheck::RegionCheck(StringRef operands, StringRef body) : context(std::make_unique<MLIRContext>()) {
  context->loadDialect<graph::GraphDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect>();
  module = parseRegion(*context, operands, body);
  if (!module) {
    ADD_FAILURE() << "not parsed: " << body.str();
    return;
  }
  module->walk([&](graph::DispatchOp op) { dispatch = op; });
  supported = cuda::isSupportedDispatch(dispatch);
  if (!supported)
    return;
  FailureOr<cuda::CudaKernel> emitted = cuda::emitKernel(dispatch, "kernel", {});
  if (failed(emitted)) {
    ADD_FAILURE() << "not emitted: " << body.str();
    return;
  }
  kernel = *emitted;
  if (std::getenv("TENON_DUMP"))
    llvm::errs() << kernel.text();
  std::vector<char> object;
  std::string error = vgpu::compileForHost(kernel.text(), object);
  if (!error.empty()) {
    ADD_FAILURE() << error << kernel.text();
    return;
  }
  vgpu::Module loaded = vgpu::Module::load(object.data(), object.size(), error);
  EXPECT_TRUE(error.empty()) << error;
  compiled = loaded.find("kernel");
  EXPECT_NE(compiled.trampoline, nullptr) << kernel.text();
}

namespace {

/// Device memory: aligned as the runtime aligns it, with a guard of 64 bytes behind.
struct DeviceBytes {
  explicit DeviceBytes(int64_t size) : size(size), data(static_cast<char *>(std::aligned_alloc(256, padded()))) {
    std::fill_n(data, padded(), char(0xA5));
  }
  DeviceBytes(DeviceBytes &&other) : size(other.size), data(std::exchange(other.data, nullptr)) {}
  ~DeviceBytes() { std::free(data); }
  int64_t padded() const { return (size + 64 + 255) / 256 * 256; }
  bool isGuardIntact() const {
    return std::all_of(data + size, data + padded(), [](char c) { return c == char(0xA5); });
  }
  int64_t size;
  char *data;
};

} // namespace

struct RegionCheck::Call {
  std::vector<DeviceBytes> memory;
  std::vector<int64_t> params;
  SmallVector<reference::HostTensor> inputs, results;

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
      memory.emplace_back(tensor.getNumBytes());
      if (tensor.getNumBytes())
        std::copy_n(tensor.bytes(), tensor.getNumBytes(), memory.back().data);
    }
    for (Type type : check.dispatch->getResultTypes())
      memory.emplace_back(*reference::countElements(dimsOf(type)) * elementSize(typeOf(type)));
    for (graph::DimAttr e : check.kernel.info.params)
      params.push_back(codegen::evaluate(e, symbols));
    reference::Environment env;
    env.symbols = symbols;
    if (failed(reference::evaluate(check.dispatch, inputs, results, env)))
      ADD_FAILURE() << "no reference";
  }

  void launch(RegionCheck &check, const llvm::StringMap<int64_t> &symbols, uint64_t seed) {
    int64_t blocks = codegen::evaluate(check.kernel.info.blocks, symbols);
    if (blocks == 0)
      return;
    std::vector<void *> pointers, args;
    for (DeviceBytes &bytes : memory)
      pointers.push_back(bytes.data);
    for (void *&pointer : pointers)
      args.push_back(&pointer);
    for (int64_t &param : params)
      args.push_back(&param);
    vgpu::DeviceLimits limits;
    limits.workers = 1;
    vgpu::LaunchOptions options;
    options.seed = seed;
    for (const DeviceBytes &bytes : memory)
      options.globalMemory.push_back({bytes.data, static_cast<size_t>(bytes.size)});
    llvm::sort(options.globalMemory, [](auto &a, auto &b) { return a.base < b.base; });
    std::string error = vgpu::VirtualGpu(limits).launch(
        check.compiled, {static_cast<unsigned>(blocks)}, {static_cast<unsigned>(check.kernel.info.threads)},
        codegen::evaluate(check.kernel.info.sharedBytes, symbols), args.data(), options);
    EXPECT_EQ(error, "") << check.kernel.text();
  }
};

static void compare(const reference::HostTensor &got, const reference::HostTensor &expected, double tolerance) {
  for (int64_t j = 0; j < expected.getNumElements(); ++j) {
    if (!reference::isFloat(expected.getType())) {
      ASSERT_EQ(got.getInteger(j), expected.getInteger(j)) << "at " << j;
      continue;
    }
    double a = got.getDouble(j), b = expected.getDouble(j);
    if ((std::isnan(a) && std::isnan(b)) || a == b)
      continue;
    ASSERT_NEAR(a, b, tolerance * std::max(1.0, std::abs(b))) << "at " << j;
  }
}

void RegionCheck::run(const llvm::StringMap<int64_t> &symbols, double tolerance) {
  ASSERT_TRUE(supported) << "the region has no kernel";
  if (!compiled.trampoline)
    return;
  // A kernel without barriers or shuffles has one schedule.
  bool meets = StringRef(kernel.source).contains("warp") || StringRef(kernel.source).contains("__sync") ||
               StringRef(kernel.source).contains("block");
  for (uint64_t seed = 0; seed < (meets ? 3 : 1); ++seed) {
    Call call(*this, symbols);
    call.launch(*this, symbols, seed);
    for (const DeviceBytes &bytes : call.memory)
      EXPECT_TRUE(bytes.isGuardIntact()) << "written past the end";
    for (auto [i, expected] : llvm::enumerate(call.results)) {
      SCOPED_TRACE("result " + std::to_string(i) + "\n" + kernel.text());
      compare(reference::HostTensor::borrow(expected.getType(), expected.getDims(),
                                            call.memory[call.inputs.size() + i].data),
              expected, tolerance);
      if (testing::Test::HasFatalFailure())
        return;
    }
  }
}

bool hasGenericKernel(StringRef operands, StringRef body) { return RegionCheck(operands, body).supported; }

} // namespace tenon::codegen
