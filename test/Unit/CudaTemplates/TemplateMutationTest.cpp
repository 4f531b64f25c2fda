//===- TemplateMutationTest.cpp - Are faults in templates found? ----------===//
//
// As VgpuMutationTests, for attention and convolution: faults are injected into the headers of the templates, and
// trials of one instance must notice each of them under some seed, by a message, a wrong value, or a write to where
// nothing belongs. Without a fault every seed must pass.
//
//===----------------------------------------------------------------------===//
#include "AttentionTrial.h"
#include "ConvTrial.h"
#include "TemplateMutations.h"

#include <functional>
#include <gtest/gtest-spi.h>

using namespace tenon::test;

namespace {

/// A file of test/Device with only one of its instances: what is compiled again for every fault.
std::string instanceOf(const char *file, const std::string &kernel) {
  std::istringstream lines(deviceSource(file));
  std::string text, line;
  while (std::getline(lines, line)) {
    bool isInstance = (line.starts_with("CONV(") || line.starts_with("DEPTHWISE(") || line.starts_with("ATTENTION("));
    if (!isInstance || line.find("(" + kernel + ",") != std::string::npos)
      text += line + "\n";
  }
  return text;
}

/// The first message of what `check` expects in vain; empty if all is well.
template <class F>
std::string firstFailure(F check) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    check();
  }
  for (int i = 0; i < results.size(); ++i)
    if (results.GetTestPartResult(i).failed())
      return results.GetTestPartResult(i).message();
  return {};
}

/// One problem: launches it, and says what is wrong.
using Problem = std::function<std::string(Launcher)>;

Problem conv(const conv::Instance &instance, const conv::Case &c, bool mapsWeights) {
  auto trial = std::make_shared<conv::Trial>(instance, c);
  return [=](Launcher launch) {
    conv::Trial &t = *trial;
    launch.options.globalMemory = t.memory();
    t.y.bytes.poison();
    std::string error =
        mapsWeights
            ? launch(t.instance.kernel, {t.grid()}, {t.instance.threads}, t.instance.shared, mapOfWeights(t), t.p)
            : launch(t.instance.kernel, {t.grid()}, {t.instance.threads}, t.instance.shared, t.p);
    return error.empty() ? firstFailure([&] { t.compare(); }) : error;
  };
}

/// tileK: of an instance that takes tensor maps; else 0.
Problem attention(const attention::Instance &instance, const attention::Shape &shape, uint32_t tileK) {
  auto trial = std::make_shared<attention::Trial>(instance, shape);
  return [=](Launcher launch) {
    attention::Trial &t = *trial;
    launch.options.globalMemory = t.memory();
    t.y.bytes.poison();
    const attention::Instance &i = t.instance;
    std::string error =
        tileK ? launch(i.kernel, {t.grid()}, {i.threads}, i.shared, mapOfQ(t), mapOfK(t, tileK), mapOfV(t, tileK), t.p)
              : launch(i.kernel, {t.grid()}, {i.threads}, i.shared, t.p);
    return error.empty() ? firstFailure([&] { t.compare(); }) : error;
  };
}

class TemplateMutations : public EmulatorTest {
protected:
  template <size_t N>
  void check(const Mutation (&mutations)[N], const std::string &kernels, const std::vector<Problem> &problems) {
    auto run = [&](Launcher launch) {
      for (const Problem &problem : problems)
        if (std::string what = problem(launch); !what.empty())
          return what;
      return std::string();
    };
    for (uint64_t seed = 0; seed < 2 * kSeeds; ++seed)
      EXPECT_EQ(run({gpu(), kernels, {seed, {}}}), "") << "a false alarm, seed " << seed;
    FaultSearch faults;
    for (const Mutation &mutation : mutations) {
      std::string source = mutate(mutation, kernels, /*isHeader=*/true);
      ASSERT_FALSE(source.empty()) << mutation.name << ": the text to change does not occur exactly once";
      faults.search(mutation, {gpu(), source, {}}, kSeeds, run);
    }
    printf("%d of %d faults found\n", faults.found, faults.total);
    EXPECT_EQ(faults.found, faults.total);
  }
};

TEST_F(TemplateMutations, ConvMma) {
  const conv::Instance &instance = conv::kMma[1];
  check(kConvMma, instanceOf("ConvTemplates.cu", instance.kernel),
        {conv(instance, {{2, 6, 5, 24, 4, 3, 3, 3, 1, 2, 1, 1, 2, 1}, 24}, false),
         conv(instance, {{3, 7, 9, 16, 7, 9, 3, 3, 1, 1, 1, 1, 1, 1}, 72}, false)});
}

TEST_F(TemplateMutations, ConvWgmma) {
  const conv::Instance &instance = conv::kWgmma[0];
  check(kConvWgmma, instanceOf("ConvWgmmaTemplates.cu", instance.kernel),
        {conv(instance, {{2, 6, 5, 24, 4, 3, 3, 3, 1, 2, 1, 1, 2, 1}, 24}, true),
         conv(instance, {{2, 8, 9, 72, 8, 9, 3, 3, 1, 1, 1, 1, 1, 1}, 72}, true)});
}

TEST_F(TemplateMutations, AttentionMma) {
  const attention::Instance &instance = attention::kMma[1]; // causal, and a mask of bools
  check(kAttentionMma, instanceOf("AttentionTemplates.cu", instance.kernel),
        {attention(instance, {1, 2, 3, 21, 130, 0, 0, false}, 0), // tiles over two heads of queries
         attention(instance, {2, 1, 1, 33, 65, 8, 0, true}, 0),   // a tile of keys for the last query alone
         attention(instance, {1, 1, 1, 40, 30, 0, 20, false}, 0)});
}

TEST_F(TemplateMutations, AttentionWgmma) {
  const auto &[instance, tileK] = attention::kWgmma[1];
  check(kAttentionWgmma, instanceOf("AttentionWgmmaTemplates.cu", instance.kernel),
        {attention(instance, {1, 1, 2, 50, 330, 0, 0, false}, tileK)});
}

} // namespace
