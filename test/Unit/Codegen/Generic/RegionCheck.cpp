//===- RegionCheck.cpp - A generic kernel against the reference -----------===//
#include "RegionCheck.h"

#include "../RegionText.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Verifier.h"
#include "tenon/Codegen/CPU/WeightPacking.h"
#include "llvm/Support/FileSystem.h"
#include <chrono>
#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace mlir;

namespace tenon::codegen {

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

static std::string bestArch() {
  return __builtin_cpu_supports("x86-64-v4") && !std::getenv("TENON_TEST_V3") ? "x86-64-v4" : "x86-64-v3";
}

RegionCheck::RegionCheck(StringRef operands, StringRef body, StringRef arch, ArrayRef<unsigned> constants)
    : context(std::make_unique<MLIRContext>()) {
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
  SmallVector<StringRef> formats(dispatch.getInputs().size(), "");
  for (unsigned i : constants)
    formats[i] = getOperandFormat(dispatch, i);
  if (!constants.empty())
    dispatch.setFormatsAttr(Builder(context.get()).getStrArrayAttr(formats));
  std::optional<CpuTarget> target = CpuTarget::get(arch.empty() ? bestArch() : arch);
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
  if (!arch.empty())
    expectSameLaunch();
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

/// One launch in the plan serves the kernels of every arch.
void RegionCheck::expectSameLaunch() {
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(UnknownLoc::get(context.get()));
  FailureOr<KernelInfo> other = emitKernel(dispatch, "kernel", *CpuTarget::get("x86-64-v3"), *kernels);
  ASSERT_TRUE(succeeded(other));
  EXPECT_EQ(other->params, info.params);
  EXPECT_EQ(other->grid, info.grid);
  EXPECT_EQ(other->scratchBytes, info.scratchBytes);
}

struct RegionCheck::Call {
  Call(RegionCheck &check, const llvm::StringMap<int64_t> &symbols)
      : data(check.dispatch, symbols, check.low, check.high), scratch(evaluate(check.info.scratchBytes, symbols)),
        grid(evaluate(check.info.grid, symbols)) {
    for (GuardedBytes &bytes : data.buffers)
      buffers.push_back(bytes.data);
    packConstants(check.dispatch);
    buffers.push_back(scratch.data);
    for (graph::DimAttr e : check.info.params)
      params.push_back(evaluate(e, symbols));
  }

  /// Operands with a format are passed packed.
  void packConstants(graph::DispatchOp dispatch) {
    SmallVector<Attribute> formats;
    if (ArrayAttr all = dispatch.getFormatsAttr())
      formats.append(all.begin(), all.end());
    for (auto [i, format] : llvm::enumerate(formats)) {
      StringRef name = cast<StringAttr>(format).getValue();
      auto type = cast<RankedTensorType>(dispatch.getInputs()[i].getType());
      if (name.empty())
        continue;
      const GuardedBytes &plain = data.buffers[i];
      packed.emplace_back(packedElements(type, name) * llvm::divideCeil(type.getElementTypeBitWidth(), 8));
      packWeights(type, name, ArrayRef(plain.data, plain.size),
                  MutableArrayRef(packed.back().data, packed.back().size));
      buffers[i] = packed.back().data;
    }
  }

  RegionData data;
  std::vector<GuardedBytes> packed;
  GuardedBytes scratch;
  int64_t grid;
  std::vector<void *> buffers;
  std::vector<int64_t> params;
};

void RegionCheck::run(const llvm::StringMap<int64_t> &symbols, double tolerance) {
  ASSERT_TRUE(supported) << "the region has no kernel";
  if (!kernel)
    return;
  Call call(*this, symbols);
  // From the last group to the first: groups are independent.
  for (int64_t group = call.grid; group-- > 0;)
    kernel(call.buffers.data(), call.params.data(), group, group + 1, call.buffers.back());
  EXPECT_TRUE(call.scratch.isGuardIntact()) << "written past the end of scratch";
  call.data.check(tolerance);
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
