//===- JointTest.cpp - The joint search against every plan, and experts ---===//
#include "tenon/Partition/JointTransformer.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace tenon;
using namespace tenon::partition;

namespace {

const cost::Cluster &a100() {
  static const cost::Cluster cluster = *cost::findCluster("a100");
  return cluster;
}

const Transformer gpt175{12288, 49152, 96, 96, 2048, 51200};

/// Blocks of random prices; more devices help less than they should, and variants trade time for memory.
class RandomModel final : public JointModel {
public:
  RandomModel(uint64_t seed, int blocks, double pace = 1) : pace(pace), random(seed) {
    for (int i = 0; i < blocks; ++i)
      kinds.push_back(draw(0, 2));
    for (double &figure : figures)
      figure = 0.5 + draw(0, 100) / 50.0;
  }
  std::span<const int> chain() const override { return kinds; }
  std::span<const std::string> variants() const override { return names; }
  std::optional<BlockPrice> price(int kind, const Form &form, int samples, int) const override {
    if (kind == 1 && form.tensor == 4)
      return std::nullopt;
    if (samples % form.data != 0)
      return std::nullopt;
    samples /= form.data;
    const double *f = &figures[size_t(kind) * 6];
    const double share = pace * samples * std::pow(form.tensor, -0.8), again = form.variant ? f[0] * share : 0;
    return BlockPrice{{f[0] * share, f[1] * share + again, f[2] * share}, f[3] / form.tensor,   4 * f[3] / form.tensor,
                      (form.variant ? 0.3 : 1) * f[4] * samples,          0.8 * f[4] * samples, f[5] * samples};
  }
  Traffic transfer(int, const Form &form, int samples, int, bool leaves) const override {
    return {0.01, (leaves ? 0.1 : 0.05) * samples / form.data, true};
  }
  Traffic gradients(double parameters, const Form &form, int, bool) const override {
    return form.data == 1 ? Traffic{} : Traffic{0.01, 0.3 * parameters, true};
  }
  double optimizer(double parameters) const override { return 0.1 * parameters; }

private:
  int draw(int low, int high) { return low + int(random() % uint64_t(high - low + 1)); }
  double pace;
  std::mt19937_64 random;
  std::vector<int> kinds;
  std::vector<std::string> names = {"keep", "again"};
  double figures[18];
};

/// The best of all plans of contiguous stages, in forms and microbatches of any kind.
class EveryPlan {
public:
  explicit EveryPlan(const JointProblem &problem) : problem(problem) {}

  double best() {
    std::vector<int> groups;
    choose(groups, 0);
    return least;
  }

private:
  /// All lists of stages: of one group, then perhaps of another.
  void choose(std::vector<int> &groups, unsigned used) {
    for (size_t group = 0; group < problem.groups.size(); ++group) {
      const size_t before = groups.size();
      for (int stages = 1; !(used >> group & 1) && stages <= problem.groups[group].devices; ++stages) {
        groups.push_back(int(group));
        if (problem.groups[group].devices % stages != 0)
          continue;
        for (int microbatches = 1; microbatches <= problem.batch; ++microbatches)
          if (problem.batch % microbatches == 0) {
            plan = {};
            plan.microbatches = microbatches;
            plan.cuts = {0};
            plan.groups = groups;
            extend();
          }
        choose(groups, used | 1u << group);
      }
      groups.resize(before);
    }
  }
  void extend() {
    const int blocks = int(problem.model().chain().size());
    if (plan.forms.size() == plan.groups.size()) {
      if (plan.cuts.back() == blocks)
        evaluate();
      return;
    }
    const int group = plan.groups[plan.forms.size()];
    const int devices =
        problem.groups[size_t(group)].devices / int(std::count(plan.groups.begin(), plan.groups.end(), group));
    for (int cut = plan.cuts.back() + 1; cut <= blocks; ++cut)
      for (int tensor = 1; tensor <= devices; ++tensor)
        for (int variant = 0; devices % tensor == 0 && variant < 2; ++variant) {
          plan.cuts.push_back(cut);
          plan.forms.push_back({tensor, devices / tensor, variant});
          extend();
          plan.cuts.pop_back();
          plan.forms.pop_back();
        }
  }
  void evaluate() {
    for (ScheduleKind kind : problem.pins.schedules) {
      plan.schedule = kind;
      auto result = run(problem, plan);
      bool fits = result.ok();
      for (size_t stage = 0; fits && stage < plan.groups.size(); ++stage)
        fits = result->peaks[stage] <= problem.groups[size_t(plan.groups[stage])].memory;
      if (fits)
        least = std::min(least, result->seconds);
    }
  }

  const JointProblem &problem;
  JointPlan plan;
  double least = 1e300;
};

TEST(Joint, equals_the_best_of_all_plans_of_small_chains) {
  int feasible = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const RandomModel model(seed, 4 + int(seed % 3));
    JointProblem problem{{{&model, 4, seed % 4 == 0 ? 1e9 : 14.0 + double(seed % 7) * 4}}, 8, {}};
    problem.pins.schedules = {ScheduleKind::GPipe, ScheduleKind::OneForwardOneBackward, ScheduleKind::ZeroBubbleH1,
                              ScheduleKind::ZeroBubbleH2};
    if (seed % 5 == 4)
      problem.pins.schedules = {ScheduleKind::OneForwardOneBackward};
    const double best = EveryPlan(problem).best();
    auto answer = solve(problem);
    ASSERT_EQ(answer.ok(), best < 1e300) << seed;
    if (!answer.ok()) {
      EXPECT_EQ(answer.status().error().code, "TN4018");
      continue;
    }
    ++feasible;
    EXPECT_LE(answer->bound, best * (1 + 1e-9)) << seed;
    EXPECT_GE(answer->seconds, best * (1 - 1e-9)) << seed;
    EXPECT_LE(answer->seconds, best * 1.001) << seed;
  }
  EXPECT_GE(feasible, 30);
}

TEST(Joint, equals_the_best_of_all_plans_on_unlike_devices) {
  int both = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const int blocks = 4 + int(seed % 2);
    const RandomModel fast(seed, blocks), slow(seed, blocks, 1.5 + double(seed % 3));
    JointProblem problem{{{&fast, 2, 30}, {&slow, seed % 2 ? 2 : 1, 15}}, 4, {}};
    problem.pins.schedules = {ScheduleKind::OneForwardOneBackward, ScheduleKind::ZeroBubbleH1};
    const double best = EveryPlan(problem).best();
    auto answer = solve(problem);
    ASSERT_EQ(answer.ok(), best < 1e300) << seed;
    if (!answer.ok())
      continue;
    EXPECT_LE(answer->bound, best * (1 + 1e-9)) << seed;
    EXPECT_LE(answer->seconds, best * 1.001) << seed;
    both += answer->plan.groups.front() != answer->plan.groups.back();
  }
  EXPECT_GE(both, 5);
}

TEST(Joint, an_even_plan_takes_what_predictStep_says) {
  const JointTransformer model(a100(), gpt175);
  JointProblem problem{{{&model, 512, 80e9}}, 1536, {}};
  for (StepPlan step : {StepPlan{8, 8, 8, 1536, 1}, StepPlan{4, 8, 16, 1536, 2}, StepPlan{8, 8, 8, 1536, 1, 3}}) {
    auto result = run(problem, model.planOf(step));
    ASSERT_TRUE(result.ok()) << result.status().str();
    // Ways that transfers share are what predictStep does not see.
    EXPECT_NEAR(result->seconds / predictStep(a100(), gpt175, step).total, 1, 0.01);
  }
}

/// Megatron-LM's rule: tensor parallelism inside of nodes, up to all of their devices, then stages.
TEST(Joint, gpt_on_512_devices_as_experts_do) {
  const JointTransformer model(a100(), gpt175);
  JointProblem problem{{{&model, 512, 0.95 * 80e9}}, 1536, {}};
  auto answer = solve(problem);
  ASSERT_TRUE(answer.ok()) << answer.status().str();
  EXPECT_LE(answer->gap(), 0.03);
  EXPECT_EQ(answer->plan.stages(), 16);
  for (const Form &form : answer->plan.forms)
    EXPECT_LE(form.tensor, 8);
  const double expert = run(problem, model.planOf({8, 8, 8, 1536, 1, 3}))->seconds;
  EXPECT_LT(answer->seconds, expert);
  auto result = run(problem, answer->plan);
  ASSERT_TRUE(result.ok());
  EXPECT_DOUBLE_EQ(result->seconds, answer->seconds);
  EXPECT_LE(*std::max_element(result->peaks.begin(), result->peaks.end()), problem.groups[0].memory * (1 + 1e-9));
}

TEST(Joint, a_small_model_is_copied) {
  const Transformer gpt1{1024, 4096, 16, 24, 1024, 51200};
  const JointTransformer model(a100(), gpt1);
  auto answer = solve(JointProblem{{{&model, 8, 0.95 * 80e9}}, 64, {}});
  ASSERT_TRUE(answer.ok()) << answer.status().str();
  EXPECT_EQ(answer->plan.stages(), 1);
  EXPECT_EQ(answer->plan.forms[0].data, 8);
}

TEST(Joint, numbers_that_do_not_divide) {
  const Transformer gpt1{1024, 4096, 16, 24, 1024, 51200}, gpt18{6144, 24576, 48, 40, 2048, 51200};
  const JointTransformer model(a100(), gpt1), large(a100(), gpt18);
  auto answer = solve(JointProblem{{{&model, 7, 0.95 * 80e9}}, 53, {}});
  ASSERT_TRUE(answer.ok()) << answer.status().str();
  EXPECT_EQ(answer->plan.forms[0].data, 7); // eight samples at most a copy, five of the last
  JointProblem problem{{{&large, 37, 0.95 * 80e9}}, 101, {}};
  problem.pins.schedules = {ScheduleKind::OneForwardOneBackward};
  answer = solve(problem);
  ASSERT_TRUE(answer.ok()) << answer.status().str();
  EXPECT_EQ(answer->devices, std::vector<int>{32});
}

TEST(Joint, pins_and_refusals) {
  const JointTransformer model(a100(), gpt175);
  JointProblem problem{{{&model, 64, 0.95 * 80e9}}, 64, {}};
  problem.pins.stages = 8;
  problem.pins.tensor = 8;
  problem.pins.schedules = {ScheduleKind::Interleaved};
  problem.pins.variants = {JointTransformer::variantOf(Recompute::Full, false)};
  auto answer = solve(problem);
  ASSERT_TRUE(answer.ok()) << answer.status().str();
  EXPECT_GT(answer->plan.chunks, 1);
  EXPECT_EQ(answer->plan.stages(), 8);
  EXPECT_EQ(answer->plan.forms[0], (Form{8, 1, 4}));
  problem.groups[0].devices = 8;
  EXPECT_EQ(solve(problem).status().error().code, "TN4017"); // eight stages of eight devices
  problem.pins = {};
  const Status refusal = solve(problem).status();
  EXPECT_EQ(refusal.error().code, "TN4018");
  EXPECT_NE(refusal.error().message.find("76.0 GB a device; 608.0 GB would do"), std::string::npos) << refusal.str();
  problem.batch = 0;
  EXPECT_EQ(solve(problem).status().error().code, "TN4017");
  problem.batch = 64;
  JointPlan plan = model.planOf({1, 8, 8, 64, 1});
  plan.cuts.back() -= 1;
  EXPECT_EQ(run(problem, plan).status().error().code, "TN4017");
}

} // namespace
