//===- RegionCheck.cpp - A CUDA kernel on the virtual GPU -----------------===//
#include "RegionCheck.h"

#include "../RegionText.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Codegen/CPU/WeightPacking.h"
#include "tenon/Runtime/DeviceHeaders.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace tenon::codegen {

RegionCheck::RegionCheck(StringRef operands, StringRef body, const cuda::CudaTarget &target, bool packs)
    : context(std::make_unique<MLIRContext>()) {
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
  SmallVector<StringRef> formats;
  for (unsigned i = 0; packs && i < dispatch->getNumOperands(); ++i)
    formats.push_back(cuda::getOperandFormat(dispatch, i));
  if (packs)
    dispatch.setFormatsAttr(OpBuilder(dispatch).getStrArrayAttr(formats));
  FailureOr<cuda::CudaKernel> emitted = cuda::emitKernel(dispatch, "kernel", target);
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

RegionCheck::Map RegionCheck::encode(const cuda::KernelTensorMap &map, RegionData &data,
                                     const llvm::StringMap<int64_t> &symbols) const {
  vgpu::TensorMapDescription description;
  description.base = data.buffers[map.buffer].data;
  description.elementBytes = map.element.getIntOrFloatBitWidth() / 8;
  description.rank = static_cast<unsigned>(map.extents.size());
  for (auto [i, extent] : llvm::enumerate(map.extents)) {
    description.extents[i] = static_cast<uint64_t>(evaluate(extent, symbols));
    description.box[i] = static_cast<uint32_t>(map.box[i]);
  }
  for (auto [i, stride] : llvm::enumerate(map.strides))
    description.strides[i] = static_cast<uint64_t>(evaluate(stride, symbols));
  EXPECT_EQ(map.swizzle, 128u);
  description.swizzle = vgpu::TensorSwizzle::Bytes128;
  Map result;
  EXPECT_EQ(vgpu::encodeTensorMap(description, &result), "");
  return result;
}

/// Brings operands to the order that the kernel wants, in place: its formats keep the number of elements.
static void pack(graph::DispatchOp dispatch, RegionData &data) {
  ArrayAttr formats = dispatch.getFormatsAttr();
  for (unsigned i = 0; formats && i < formats.size(); ++i) {
    GuardedBytes &bytes = data.buffers[i];
    SmallVector<char> plain(bytes.data, bytes.data + bytes.size);
    packWeights(cast<RankedTensorType>(dispatch->getOperand(i).getType()), cast<StringAttr>(formats[i]).getValue(),
                plain, {bytes.data, plain.size()});
  }
}

void RegionCheck::launch(RegionData &data, const llvm::StringMap<int64_t> &symbols, uint64_t seed) {
  int64_t blocks = evaluate(kernel.info.blocks, symbols);
  if (blocks == 0)
    return;
  std::vector<int64_t> params;
  for (graph::DimAttr e : kernel.info.params)
    params.push_back(evaluate(e, symbols));
  std::vector<void *> args;
  std::vector<Map> maps;
  for (const cuda::KernelTensorMap &map : kernel.info.maps)
    maps.push_back(encode(map, data, symbols));
  for (Map &map : maps)
    args.push_back(&map);
  vgpu::LaunchOptions options;
  options.seed = seed;
  for (GuardedBytes &bytes : data.buffers) {
    args.push_back(&bytes.data);
    options.globalMemory.push_back({bytes.data, static_cast<size_t>(bytes.size)});
  }
  llvm::sort(options.globalMemory, [](auto &a, auto &b) { return a.base < b.base; });
  for (int64_t &param : params)
    args.push_back(&param);
  vgpu::DeviceLimits limits;
  limits.workers = 1;
  std::string error = vgpu::VirtualGpu(limits).launch(compiled, {static_cast<unsigned>(blocks)},
                                                      {static_cast<unsigned>(kernel.info.threads)},
                                                      evaluate(kernel.info.sharedBytes, symbols), args.data(), options);
  EXPECT_EQ(error, "");
}

void RegionCheck::run(const llvm::StringMap<int64_t> &symbols, double tolerance) {
  ASSERT_TRUE(supported) << "the region has no kernel";
  if (!compiled.trampoline)
    return;
  SCOPED_TRACE(kernel.text());
  // A kernel without barriers or shuffles has one schedule.
  auto mentions = [&](StringRef text) { return StringRef(kernel.source).contains(text); };
  bool meets = kernel.isTemplate || llvm::any_of(ArrayRef<StringRef>{"warp", "__sync", "hared"}, mentions);
  for (uint64_t seed = 0; seed < (meets ? 3 : 1); ++seed) {
    RegionData data(dispatch, symbols, low, high);
    pack(dispatch, data);
    launch(data, symbols, seed);
    data.check(tolerance);
    if (testing::Test::HasFatalFailure())
      return;
  }
}

bool hasGenericKernel(StringRef operands, StringRef body) { return RegionCheck(operands, body).supported; }

} // namespace tenon::codegen
