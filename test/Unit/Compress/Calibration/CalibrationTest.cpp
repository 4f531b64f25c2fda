//===- CalibrationTest.cpp ------------------------------------------------===//
//
// Statistics of a small model against what its values are by hand.
//
//===----------------------------------------------------------------------===//
#include "tenon/Compress/Calibration.h"

#include "Graph/IR/GraphOps.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Pipelines/Registration.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace tenon;
using namespace tenon::compress;
using runtime::Tensor;

namespace {

constexpr const char *model = R"(
func.func @main(%x: tensor<?x2xf32, #graph.shape<[N, 2]>> {graph.name = "x"})
    -> (tensor<?x2xf32, #graph.shape<[N, 2]>> {graph.name = "y"}) {
  %w = graph.constant dense<[[1.0, 2.0], [-1.0, 0.5]]> : tensor<2x2xf32>
  %0 = graph.matmul %x, %w : (tensor<?x2xf32, #graph.shape<[N, 2]>>, tensor<2x2xf32>)
      -> tensor<?x2xf32, #graph.shape<[N, 2]>>
  %1 = graph.relu %0 : tensor<?x2xf32, #graph.shape<[N, 2]>> -> tensor<?x2xf32, #graph.shape<[N, 2]>>
  %2 = graph.neg %1 : tensor<?x2xf32, #graph.shape<[N, 2]>> -> tensor<?x2xf32, #graph.shape<[N, 2]>>
  return %2 : tensor<?x2xf32, #graph.shape<[N, 2]>>
})";

class Calibration : public ::testing::Test {
protected:
  Calibration() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(model, &context);
  }

  /// Two batches: rows (1, 2), (3, -1) and (0, 4).
  std::unique_ptr<data::Dataset> makeData() {
    static const float first[] = {1, 2, 3, -1}, second[] = {0, 4};
    std::vector<data::Batch> batches(2);
    batches[0].inputs = {{"x", Tensor::borrow(first, ElementType::F32, {2, 2})}};
    batches[0].samples = 2;
    batches[1].inputs = {{"x", Tensor::borrow(second, ElementType::F32, {1, 2})}};
    batches[1].samples = 1;
    return data::makeDataset(std::move(batches));
  }

  template <typename Op>
  Value resultOf() {
    Value found;
    module->walk([&](Op op) { found = op->getResult(0); });
    return found;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

} // namespace

TEST_F(Calibration, gathers_what_is_asked_for_in_the_order_of_requests) {
  ASSERT_TRUE(module);
  Value product = resultOf<graph::MatMulOp>(), x = product.getDefiningOp()->getOperand(0);
  const WatchRequest watched[] = {{product, true, 1, false},
                                  {x, false, -1, true},
                                  {resultOf<graph::ReluOp>()},
                                  {product, false, std::nullopt, true},
                                  {resultOf<graph::NegOp>()}};
  auto data = makeData();
  auto found = calibrate(*module, watched, *data);
  ASSERT_TRUE(succeeded(found));
  EXPECT_EQ(found->samples, 3);
  EXPECT_EQ(found->batches, 2);
  // Products: (-1, 3), (4, 5.5), (-4, 2).
  const ValueStatistics &products = found->values[0];
  EXPECT_EQ(products.histogram.count(), 6);
  EXPECT_EQ(products.histogram.min(), -4);
  EXPECT_EQ(products.histogram.max(), 5.5f);
  EXPECT_TRUE(products.grams.empty());
  ASSERT_EQ(products.channels.size(), 2u);
  EXPECT_EQ(products.channels.count, (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(products.channels.min[0], -4);
  EXPECT_EQ(products.channels.max[1], 5.5f);
  EXPECT_NEAR(products.channels.mean(1), 10.5 / 3, 1e-6);
  EXPECT_NEAR(products.channels.meanMagnitude(0), 3, 1e-6);
  EXPECT_NEAR(products.channels.meanSquare(0), 33.0 / 3, 1e-6);
  // An argument of the function, which is no output.
  ASSERT_EQ(found->values[1].grams.size(), 1u);
  EXPECT_EQ(found->values[1].grams[0].rows(), 3);
  EXPECT_EQ(found->values[1].grams[0].at(0, 1), 1 * 2 + 3 * -1);
  EXPECT_EQ(found->values[1].histogram.count(), 0);
  EXPECT_EQ(found->values[2].histogram.min(), 0);
  EXPECT_EQ(found->values[3].grams[0].at(1, 1), 9 + 5.5f * 5.5f + 4);
  // A result of the model, which is one already.
  EXPECT_EQ(found->values[4].histogram.min(), -5.5f);
}

/// Rows (1, inf), (NaN, 2), (3, -inf) and (-5, 4): what is finite counts.
TEST_F(Calibration, leaves_out_what_is_not_finite) {
  Value x = resultOf<graph::MatMulOp>().getDefiningOp()->getOperand(0);
  const WatchRequest watched[] = {{x, true, 1, true}, {x, false, 0, false}};
  static const float values[] = {1, INFINITY, NAN, 2, 3, -INFINITY, -5, 4};
  std::vector<data::Batch> batches(1);
  batches[0].inputs = {{"x", Tensor::borrow(values, ElementType::F32, {4, 2})}};
  batches[0].samples = 4;
  auto data = data::makeDataset(std::move(batches));
  auto found = calibrate(*module, watched, *data);
  ASSERT_TRUE(succeeded(found));
  EXPECT_EQ(found->nonFinite, 3);
  ValueStatistics &first = found->values[0];
  EXPECT_EQ(first.nonFinite, 3);
  EXPECT_EQ(first.histogram.count(), 5);
  EXPECT_EQ(first.grams[0].rows(), 1);
  EXPECT_EQ(first.channels.count, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(first.channels.sum, (std::vector<double>{-1, 6}));
  EXPECT_EQ(first.channels.mean(1), 3);
  EXPECT_EQ(first.channels.meanSquare(0), 35.0 / 3);
  EXPECT_EQ(first.channels.meanMagnitude(0), 3);
  EXPECT_EQ(first.channels.min, (std::vector<float>{-5, 2}));
  EXPECT_EQ(first.channels.largestMagnitude(1), 4);
  EXPECT_EQ(found->values[1].channels.count, (std::vector<int64_t>{1, 1, 1, 2}));
  first.merge(first);
  EXPECT_EQ(first.channels.count, (std::vector<int64_t>{6, 4}));
  EXPECT_EQ(first.nonFinite, 6);
}

TEST_F(Calibration, an_observer_sees_each_batch) {
  const WatchRequest watched[] = {{resultOf<graph::ReluOp>()}};
  CalibrationOptions options;
  std::vector<int64_t> rows;
  options.observer = [&](const data::Batch &batch, ArrayRef<Tensor> tensors) {
    EXPECT_EQ(batch.inputs[0].tensor.dims, tensors[0].dims);
    rows.push_back(tensors[0].dims[0]);
    return Status::success();
  };
  auto data = makeData();
  ASSERT_TRUE(succeeded(calibrate(*module, watched, *data, options)));
  EXPECT_EQ(rows, (std::vector<int64_t>{2, 1}));
}

TEST_F(Calibration, describes_the_inputs) {
  auto inputs = describeInputs(*module);
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].name, "x");
  EXPECT_EQ(inputs[0].dims, (std::vector<int64_t>{-1, 2}));
  EXPECT_EQ(inputs[0].dimNames, (std::vector<std::string>{"N", ""}));
}

TEST_F(Calibration, refuses_data_without_samples) {
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    text += diagnostic.str();
    return success();
  });
  const WatchRequest watched[] = {{resultOf<graph::ReluOp>()}};
  auto data = data::makeDataset({});
  EXPECT_TRUE(failed(calibrate(*module, watched, *data)));
  EXPECT_NE(text.find("TN9057"), std::string::npos) << text;
}

TEST_F(Calibration, refuses_an_axis_that_is_none) {
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    text += diagnostic.str();
    return success();
  });
  WatchRequest request{resultOf<graph::ReluOp>()};
  request.channelAxis = 2;
  auto data = makeData();
  EXPECT_TRUE(failed(calibrate(*module, request, *data)));
  EXPECT_NE(text.find("TN9056"), std::string::npos) << text;
}
