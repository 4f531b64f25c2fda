//===- SequenceTest.cpp - Running sums ------------------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

TEST(CumSum, SumsAlongAnyAxis) {
  for (const char *attributes : {"exclusive = false, reverse = false", "exclusive = true, reverse = false",
                                 "exclusive = false, reverse = true", "exclusive = true, reverse = true"})
    for (int axis : {0, 1, 2}) {
      std::string type = "tensor<?x?x5xf32, #graph.shape<[N, M, 5]>>";
      RegionCheck check(type, "%a = graph.cumsum %0 {axis = " + std::to_string(axis) + " : i64, " + attributes +
                                  "} : " + type + " -> " + type + "\ngraph.yield %a : " + type);
      check.run({{"N", 3}, {"M", 37}}, 1e-5);
      check.run({{"N", 0}, {"M", 4}});
    }
}

TEST(CumSum, WrapsIntegers) {
  for (const char *element : {"i32", "i64", "ui8"}) {
    std::string type = std::string("tensor<70x3x") + element + ">";
    RegionCheck check(type, "%a = graph.cumsum %0 {axis = 0 : i64, exclusive = false, reverse = false} : " + type +
                                " -> " + type + "\ngraph.yield %a : " + type);
    check.low = 0, check.high = 100;
    check.run();
  }
}

} // namespace
} // namespace tenon::codegen
