//===- CompiledKernel.cpp - A dispatch region, compiled and called --------===//
#include "CompiledKernel.h"

#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Codegen/CPU/WeightPacking.h"
#include "llvm/Support/FileSystem.h"
#include <chrono>
#include <cmath>
#include <ctime>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace tenon::codegen {

Floats randomFloats(size_t count, unsigned seed) {
  std::minstd_rand engine(seed + 1);
  Floats values(count);
  for (float &value : values)
    value = static_cast<float>(engine() % 2048) / 1024 - 1;
  return values;
}

bool canRun(StringRef arch) {
  const bool hasLevel =
      arch.starts_with("x86-64-v3") ? __builtin_cpu_supports("x86-64-v3") : __builtin_cpu_supports("x86-64-v4");
  return hasLevel && (arch != "x86-64-v4-vnni" || __builtin_cpu_supports("avx512vnni"));
}

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

/// One launch in the plan serves the kernels of every arch.
static void expectSameLaunch(graph::DispatchOp dispatch, const KernelInfo &info) {
  for (StringRef arch : CpuTarget::getArchs()) {
    OwningOpRef<ModuleOp> kernels = ModuleOp::create(UnknownLoc::get(dispatch.getContext()));
    FailureOr<KernelInfo> other = emitKernel(dispatch, "kernel", *CpuTarget::get(arch), *kernels);
    ASSERT_TRUE(succeeded(other));
    EXPECT_EQ(other->params, info.params);
    EXPECT_EQ(other->grid, info.grid);
    EXPECT_EQ(other->scratchBytes, info.scratchBytes);
  }
}

std::unique_ptr<CompiledKernel> CompiledKernel::create(StringRef text, StringRef arch, ArrayRef<unsigned> constants) {
  auto compiled = std::make_unique<CompiledKernel>();
  compiled->context = std::make_unique<MLIRContext>();
  MLIRContext *context = compiled->context.get();
  context->loadDialect<graph::GraphDialect, func::FuncDialect>();
  compiled->module = parseSourceString<ModuleOp>(text, context);
  if (!compiled->module)
    return ADD_FAILURE() << "not parsed: " << text.str(), nullptr;
  compiled->module->walk([&](graph::DispatchOp op) { compiled->dispatch = op; });

  graph::DispatchOp dispatch = compiled->dispatch;
  EXPECT_TRUE(isSupportedDispatch(dispatch));
  SmallVector<StringRef> formats(dispatch.getInputs().size(), "");
  for (unsigned i : constants)
    formats[i] = getOperandFormat(dispatch, i);
  dispatch.setFormatsAttr(Builder(context).getStrArrayAttr(formats));

  const auto start = std::chrono::steady_clock::now();
  std::optional<CpuTarget> target = CpuTarget::get(arch);
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(UnknownLoc::get(context));
  FailureOr<KernelInfo> info = emitKernel(dispatch, "kernel", *target, *kernels);
  if (failed(info))
    return ADD_FAILURE() << "not emitted", nullptr;
  expectSameLaunch(dispatch, *info);
  if (failed(verify(*kernels)) || failed(lowerKernels(*kernels)))
    return ADD_FAILURE() << "not lowered", nullptr;
  FailureOr<std::vector<char>> code = compileKernels({*kernels}, *target, 1);
  if (failed(code))
    return ADD_FAILURE() << "not compiled", nullptr;
  compiled->compileSeconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (const char *keep = std::getenv("TENON_KEEP_OBJECT")) {
    std::error_code ec;
    llvm::raw_fd_ostream(keep, ec).write(code->data(), code->size());
  }
  compiled->info = *info;
  compiled->library = load(*code);
  if (!compiled->library)
    return ADD_FAILURE() << dlerror(), nullptr;
  compiled->kernel = reinterpret_cast<TenonCpuKernel>(dlsym(compiled->library, "kernel"));
  return compiled;
}

CompiledKernel::~CompiledKernel() {
  if (library)
    dlclose(library);
}

/// Buffers aligned as the runtime aligns them.
struct AlignedFloats {
  explicit AlignedFloats(size_t count)
      : bytes((count * 4 + 127) / 64 * 64), data(static_cast<float *>(std::aligned_alloc(64, bytes))) {
    std::fill_n(data, bytes / 4, NAN);
  }
  AlignedFloats(AlignedFloats &&other) : bytes(other.bytes), data(std::exchange(other.data, nullptr)) {}
  ~AlignedFloats() { std::free(data); }
  size_t bytes;
  float *data;
};

struct CompiledKernel::Call {
  std::vector<AlignedFloats> owned;
  std::vector<void *> buffers;
  std::vector<int64_t> params;
  int64_t grid = 0;
  size_t resultCount = 1;

  Call(CompiledKernel &k, ArrayRef<Bytes> inputs, const llvm::StringMap<int64_t> &symbols) {
    for (auto [i, input] : llvm::enumerate(inputs)) {
      auto type = cast<RankedTensorType>(k.dispatch.getInputs()[i].getType());
      StringRef format = cast<StringAttr>(k.dispatch.getFormatsAttr()[i]).getValue();
      if (format.empty()) {
        owned.emplace_back(llvm::divideCeil(input.size(), 4));
        std::copy(input.begin(), input.end(), reinterpret_cast<char *>(owned.back().data));
        continue;
      }
      const size_t bytes = packedElements(type, format) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      owned.emplace_back(llvm::divideCeil(bytes, 4));
      packWeights(type, format, input, MutableArrayRef(reinterpret_cast<char *>(owned.back().data), bytes));
    }
    finish(k, symbols);
  }

  /// Random operands of static shapes: floats, or bytes of any kind.
  explicit Call(CompiledKernel &k) {
    for (auto [i, operand] : llvm::enumerate(k.dispatch.getInputs())) {
      auto type = cast<RankedTensorType>(operand.getType());
      const bool isFloat = type.getElementType().isF32();
      const size_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      StringRef format = cast<StringAttr>(k.dispatch.getFormatsAttr()[i]).getValue();
      std::vector<char> source(bytes);
      if (isFloat)
        std::memcpy(source.data(), randomFloats(bytes / 4, i + 1).data(), bytes);
      else
        std::generate(source.begin(), source.end(), std::minstd_rand(i + 1));
      const size_t packed = packedElements(type, format) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      owned.emplace_back(packed / 4 + 1);
      packWeights(type, format, source, MutableArrayRef(reinterpret_cast<char *>(owned.back().data), packed));
    }
    finish(k, {});
  }

  void finish(CompiledKernel &k, const llvm::StringMap<int64_t> &symbols) {
    for (graph::DimAttr dim : graph::getDims(cast<RankedTensorType>(k.dispatch.getResults()[0].getType())))
      resultCount *= evaluate(dim, symbols);
    owned.emplace_back(resultCount + 64); // the slack must stay NaN
    owned.emplace_back(evaluate(k.info.scratchBytes, symbols) / 4);
    for (AlignedFloats &floats : owned)
      buffers.push_back(floats.data);
    for (graph::DimAttr e : k.info.params)
      params.push_back(evaluate(e, symbols));
    grid = evaluate(k.info.grid, symbols);
  }

  void run(TenonCpuKernel kernel, int64_t begin, int64_t end) {
    kernel(buffers.data(), params.data(), begin, end, buffers.back());
  }
};

Bytes toBytes(const Floats &values) {
  auto *first = reinterpret_cast<const char *>(values.data());
  return Bytes(first, first + values.size() * sizeof(float));
}

static std::vector<Bytes> toBytes(ArrayRef<Floats> inputs) {
  std::vector<Bytes> all;
  for (const Floats &input : inputs)
    all.push_back(toBytes(input));
  return all;
}

Floats CompiledKernel::run(ArrayRef<Floats> inputs, const llvm::StringMap<int64_t> &symbols, bool oneByOne) {
  return runBytes(toBytes(inputs), symbols, oneByOne);
}

double CompiledKernel::measure(ArrayRef<Floats> inputs, const llvm::StringMap<int64_t> &symbols, int times) {
  return measureBytes(toBytes(inputs), symbols, times);
}

Floats CompiledKernel::runBytes(ArrayRef<Bytes> inputs, const llvm::StringMap<int64_t> &symbols, bool oneByOne) {
  Call call(*this, inputs, symbols);
  if (oneByOne)
    for (int64_t group = call.grid; group-- > 0;)
      call.run(kernel, group, group + 1);
  else
    call.run(kernel, 0, call.grid);
  const float *result = call.owned[call.owned.size() - 2].data;
  for (size_t i = call.resultCount; i < call.resultCount + 64; ++i)
    EXPECT_TRUE(std::isnan(result[i])) << "written past the end";
  return Floats(result, result + call.resultCount);
}

/// Time of this thread: what else the machine does counts only by the caches it takes.
static double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

double CompiledKernel::measureBytes(ArrayRef<Bytes> inputs, const llvm::StringMap<int64_t> &symbols, int times) {
  Call call(*this, inputs, symbols);
  return measure(call, times);
}

double CompiledKernel::measureRandom(int times) {
  Call call(*this);
  return measure(call, times);
}

double CompiledKernel::measure(Call &call, int times) {
  double best = 1e9;
  for (int i = 0; i < times; ++i) {
    const double start = threadSeconds();
    call.run(kernel, 0, call.grid);
    best = std::min(best, threadSeconds() - start);
  }
  return best;
}

} // namespace tenon::codegen
