//===- MaterializePartitionTest.cpp - What ranks compute is what one computes --===//
#include "Graph/IR/GraphDialect.h"
#include "RandomGraph.h"
#include "RankInterpreter.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Transforms/Passes.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

/// The largest difference, relative to the largest value; infinite where shapes differ.
double compare(const HostTensor &a, const HostTensor &b) {
  if (a.getDims() != b.getDims())
    return INFINITY;
  double largest = 1, difference = 0;
  for (int64_t i = 0; i < a.getNumElements(); ++i) {
    largest = std::max(largest, std::abs(a.getDouble(i)));
    const bool isSame = a.getDouble(i) == b.getDouble(i) || (std::isnan(a.getDouble(i)) && std::isnan(b.getDouble(i)));
    difference = std::max(difference, isSame ? 0 : std::abs(a.getDouble(i) - b.getDouble(i)));
  }
  return difference / largest;
}

/// One random graph, mesh and plan, at two extents.
void tryOne(MLIRContext &context, unsigned seed) {
  std::mt19937 random(seed);
  OwningOpRef<ModuleOp> module = test::makeRandomGraph(context, random);
  auto function = *module->getOps<func::FuncOp>().begin();
  const bool isSumSplit = test::splitRandomly(function, random);
  const std::string before = textOf(*module);
  ASSERT_TRUE(succeeded(verify(*module))) << before;
  std::vector<std::vector<HostTensor>> inputs;
  std::vector<SmallVector<HostTensor>> expected;
  for (int64_t n : {int64_t(random() % 4), int64_t(random() % 9)}) {
    inputs.push_back(test::makeInputs(function, n, random));
    ASSERT_TRUE(succeeded(evaluateFunction(function, inputs.back(), expected.emplace_back()))) << before;
  }
  PassManager manager(&context);
  manager.addPass(createMaterializePartition());
  ASSERT_TRUE(succeeded(manager.run(*module))) << "seed " << seed << "\n" << before;
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto results = test::runRanks(*module, inputs[i]);
    ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError()) << "\nseed " << seed << "\n" << before;
    ASSERT_EQ(results->size(), expected[i].size());
    for (auto [result, wanted] : llvm::zip_equal(*results, expected[i]))
      ASSERT_LE(compare(result, wanted), isSumSplit ? 1e-5 : 0) << "seed " << seed << "\n" << before << textOf(*module);
  }
}

} // namespace

// Not one of them may differ, and none may wait for ever. Where no sum is split, the bits are the same.
TEST(MaterializePartition, RandomGraphsMeshesAndPlans) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<func::FuncDialect, graph::GraphDialect, shard::ShardDialect>();
  const char *count = std::getenv("TENON_RANDOM_PLANS");
  for (int seed = 0; seed < (count ? std::atoi(count) : 2000); ++seed) {
    tryOne(context, seed);
    if (testing::Test::HasFatalFailure())
      break;
  }
}
