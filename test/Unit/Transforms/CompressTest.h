//===- CompressTest.h - Small graphs with drawn weights --------------------===//
#ifndef TENON_TEST_TRANSFORMS_COMPRESSTEST_H
#define TENON_TEST_TRANSFORMS_COMPRESSTEST_H

#include "Graph/IR/GraphDialect.h"
#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Reference/Evaluate.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace tenon {

using namespace mlir;
using reference::HostTensor;

// Text of ops on images of 6 x 6.
inline const std::string unit =
    " {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, "
    "group = 1 : i64} : ";
inline std::string window(int group) {
  return " {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = " +
         std::to_string(group) + " : i64} : ";
}
inline std::string image(int channels) { return "tensor<2x" + std::to_string(channels) + "x6x6xf32>"; }
inline std::string kernel(int m, int c, int k) {
  return "tensor<" + std::to_string(m) + "x" + std::to_string(c) + "x" + std::to_string(k) + "x" + std::to_string(k) +
         "xf32>";
}
inline std::string weight(const std::string &name, const std::string &type) {
  return "  %" + name + " = graph.constant dense<0.0> : " + type + "\n";
}
inline std::string conv(const std::string &y, const std::string &x, const std::string &w, int from, int to, int k,
                        int group = 1) {
  return weight(w, kernel(to, from / group, k)) + "  %" + y + " = graph.conv %" + x + ", %" + w +
         (k == 1 ? unit : window(group)) + "(" + image(from) + ", " + kernel(to, from / group, k) + ") -> " +
         image(to) + "\n";
}

class CompressTest : public testing::Test {
protected:
  CompressTest() { context.loadDialect<func::FuncDialect, graph::GraphDialect>(); }

  /// The module, with every constant drawn from the seed.
  OwningOpRef<ModuleOp> parse(const std::string &text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return module;
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    module->walk([&](graph::ConstantOp constant) {
      HostTensor tensor = *HostTensor::allocate(ElementType::F32, constant.getType().getShape());
      for (int64_t i = 0; i < tensor.getNumElements(); ++i)
        tensor.setDouble(i, normal(random));
      constant.setValueAttr(reference::tensorToAttr(&context, tensor, "w"));
    });
    return module;
  }

  static func::FuncOp mainOf(ModuleOp module) { return *module.getOps<func::FuncOp>().begin(); }

  SmallVector<HostTensor> evaluate(func::FuncOp function) {
    std::mt19937 random(2);
    std::normal_distribution<double> normal;
    std::vector<HostTensor> inputs;
    for (Type type : function.getArgumentTypes()) {
      HostTensor tensor = *HostTensor::allocate(ElementType::F32, cast<RankedTensorType>(type).getShape());
      for (int64_t i = 0; i < tensor.getNumElements(); ++i)
        tensor.setDouble(i, normal(random));
      inputs.push_back(tensor);
    }
    SmallVector<HostTensor> outputs;
    EXPECT_TRUE(succeeded(reference::evaluateFunction(function, inputs, outputs)));
    return outputs;
  }

  /// The largest difference of the first result, relative to its largest value.
  static double compare(const SmallVector<HostTensor> &a, const SmallVector<HostTensor> &b) {
    double largest = 0, difference = 0;
    EXPECT_EQ(a[0].getDims(), b[0].getDims());
    for (int64_t i = 0; i < a[0].getNumElements(); ++i) {
      largest = std::max(largest, std::abs(b[0].getDouble(i)));
      difference = std::max(difference, std::abs(a[0].getDouble(i) - b[0].getDouble(i)));
    }
    EXPECT_GT(largest, 0);
    return difference / largest;
  }

  MLIRContext context;
};

} // namespace tenon

#endif // TENON_TEST_TRANSFORMS_COMPRESSTEST_H
