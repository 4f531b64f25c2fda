//===- ReferenceTest.h - Evaluates functions written as text --------------===//
#ifndef TENON_TEST_UNIT_REFERENCE_REFERENCETEST_H
#define TENON_TEST_UNIT_REFERENCE_REFERENCETEST_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Reference/Evaluate.h"

#include <cmath>
#include <gtest/gtest.h>

namespace tenon::reference {

class ReferenceTest : public testing::Test {
protected:
  ReferenceTest() {
    context.loadDialect<graph::GraphDialect, mlir::func::FuncDialect>();
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) { messages += diagnostic.str(); });
  }

  /// A tensor of `type` with `dims` and `values`; as many as there are elements.
  static HostTensor tensor(ElementType type, llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<double> values) {
    HostTensor result = *HostTensor::allocate(type, dims);
    EXPECT_EQ(static_cast<size_t>(result.getNumElements()), values.size());
    for (auto [i, value] : llvm::enumerate(values))
      result.setDouble(static_cast<int64_t>(i), value);
    return result;
  }
  static HostTensor f32(llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<double> values) {
    return tensor(ElementType::F32, dims, values);
  }
  static HostTensor i64(llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<double> values) {
    return tensor(ElementType::I64, dims, values);
  }
  /// 0, 1, 2, ..
  static HostTensor iota(llvm::ArrayRef<int64_t> dims, ElementType type = ElementType::F32) {
    HostTensor result = *HostTensor::allocate(type, dims);
    for (int64_t i = 0; i < result.getNumElements(); ++i)
      result.setInteger(i, i);
    return result;
  }

  static std::vector<double> values(const HostTensor &tensor) {
    std::vector<double> result;
    for (int64_t i = 0; i < tensor.getNumElements(); ++i)
      result.push_back(tensor.getDouble(i));
    return result;
  }

  /// Parses the function `text` into `module`.
  mlir::func::FuncOp parse(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << messages << "\n" << text.str();
    if (!module)
      return {};
    return *module->getOps<mlir::func::FuncOp>().begin();
  }

  /// The only result of the function `text`, or an empty tensor if it fails.
  HostTensor run(llvm::StringRef text, llvm::ArrayRef<HostTensor> inputs, const EvaluateOptions &options = {}) {
    llvm::SmallVector<HostTensor> outputs;
    mlir::func::FuncOp func = parse(text);
    if (!func || failed(evaluateFunction(func, inputs, outputs, options)))
      return {};
    EXPECT_EQ(outputs.size(), 1u);
    return outputs[0];
  }

  /// Runs `text` and compares extents and values.
  void expect(llvm::StringRef text, llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<int64_t> dims,
              std::vector<double> expected, double tolerance = 0) {
    HostTensor result = run(text, inputs);
    ASSERT_TRUE(result) << messages;
    EXPECT_EQ(result.getDims(), dims);
    std::vector<double> found = values(result);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      if (bool areNan = std::isnan(found[i]) && std::isnan(expected[i]);
          !areNan && found[i] != expected[i]) // infinities have no difference
        EXPECT_NEAR(found[i], expected[i], tolerance) << "element " << i;
  }

  /// Expects evaluation to fail with `message` (a part of the diagnostics).
  void expectError(llvm::StringRef text, llvm::ArrayRef<HostTensor> inputs, llvm::StringRef message,
                   const EvaluateOptions &options = {}) {
    EXPECT_FALSE(run(text, inputs, options));
    EXPECT_NE(messages.find(message.str()), std::string::npos) << messages;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string messages;
};

} // namespace tenon::reference

#endif // TENON_TEST_UNIT_REFERENCE_REFERENCETEST_H
