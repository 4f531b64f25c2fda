//===- SimulatorTest.cpp - The event simulator against closed forms -------===//
#include "tenon/Partition/PipelineTasks.h"
#include "tenon/Partition/Topology.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

using namespace tenon;
using namespace tenon::partition;

namespace {

Timeline run(const TaskGraph &graph) {
  auto timeline = simulate(graph);
  EXPECT_TRUE(timeline.ok()) << timeline.status().str();
  return timeline.ok() ? *timeline : Timeline{};
}

cost::Cluster rings(int nodes, int devices) {
  auto cluster = cost::parseCluster(R"({"nodes": [{"count": )" + std::to_string(nodes) +
                                    R"(, "devices": [{"kind": "a100", "count": )" + std::to_string(devices) +
                                    R"(}], "link": {"gb_per_s": 100, "latency_us": 10}, "network_gb_per_s": 25}],
      "network": {"latency_us": 5}, "constants": {"network_share": 1, "network_latency_s": 1e-5}})");
  EXPECT_TRUE(cluster.ok()) << cluster.status().str();
  return *cluster;
}

TEST(Simulator, two_transfers_on_one_link_take_twice_as_long) {
  TaskGraph graph;
  graph.links = {{"wire", 100}};
  graph.tasks = {{"a", {}, 0, {{0, 200}}, {}}, {"b", {}, 0, {{0, 200}}, {}}};
  Timeline timeline = run(graph);
  EXPECT_DOUBLE_EQ(timeline.tasks[0].end, 4);
  EXPECT_DOUBLE_EQ(timeline.tasks[1].end, 4);
  // One that comes when the other has moved half: half its bytes at half the speed, the rest alone.
  graph.tasks[1].seconds = 1;
  timeline = run(graph);
  EXPECT_DOUBLE_EQ(timeline.tasks[0].end, 3);
  EXPECT_DOUBLE_EQ(timeline.tasks[1].end, 4);
}

TEST(Simulator, shares_are_fair_over_several_links) {
  TaskGraph graph;
  graph.links = {{"narrow", 10}, {"wide", 30}};
  // a and b share the narrow link, b and c the wide one: b gets 5, c what is left of 30.
  graph.tasks = {{"a", {}, 0, {{0, 50}}, {}}, {"b", {}, 0, {{0, 50}, {1, 50}}, {}}, {"c", {}, 0, {{1, 250}}, {}}};
  const Timeline timeline = run(graph);
  for (const Timeline::Span &span : timeline.tasks)
    EXPECT_DOUBLE_EQ(span.end, 10);
  EXPECT_DOUBLE_EQ(timeline.links[0].front().value, 10);
  EXPECT_DOUBLE_EQ(timeline.links[1].front().value, 30);
  EXPECT_DOUBLE_EQ(timeline.links[1].back().value, 0);
}

TEST(Simulator, streams_keep_order_and_overlap) {
  TaskGraph graph;
  graph.links = {{"wire", 10}};
  graph.streams = {{"kernels", 0}, {"copies", 0}};
  graph.tasks = {{"first", {0}, 2, {}, {}},
                 {"send", {1}, 0, {{0, 30}}, {0}},
                 {"second", {0}, 3, {}, {}},
                 {"both", {0, 1}, 1, {}, {}}};
  const Timeline timeline = run(graph);
  EXPECT_DOUBLE_EQ(timeline.tasks[1].start, 2);
  EXPECT_DOUBLE_EQ(timeline.tasks[1].end, 5);
  EXPECT_DOUBLE_EQ(timeline.tasks[2].start, 2);
  EXPECT_DOUBLE_EQ(timeline.tasks[3].start, 5);
  EXPECT_DOUBLE_EQ(timeline.makespan, 6);
}

TEST(Simulator, memory_follows_lifetimes) {
  TaskGraph graph;
  graph.streams = {{"kernels", 0}};
  graph.tasks = {{"a", {0}, 1, {}, {}}, {"b", {0}, 1, {}, {}}, {"c", {0}, 1, {}, {}}};
  graph.buffers = {{"weights", 0, 100, -1, {}}, {"x", 0, 10, 0, {1}}, {"y", 0, 20, 1, {2}}, {"z", 0, 5, 2, {}}};
  const Timeline timeline = run(graph);
  std::vector<std::pair<double, double>> levels;
  for (const Timeline::Level &level : timeline.memory[0])
    levels.emplace_back(level.time, level.value);
  EXPECT_EQ(levels, (std::vector<std::pair<double, double>>{{0, 110}, {1, 130}, {2, 125}, {3, 105}}));
  EXPECT_DOUBLE_EQ(timeline.peaks[0], 130);
}

TEST(Simulator, refuses_circles_and_what_is_out_of_range) {
  TaskGraph graph;
  graph.streams = {{"kernels", 0}};
  graph.tasks = {{"a", {0}, 1, {}, {1}}, {"b", {0}, 1, {}, {}}};
  EXPECT_EQ(simulate(graph).status().error().code, "TN4016");
  auto code = [](TaskGraph graph) { return simulate(graph).status().error().code; };
  graph.tasks = {{"a", {1}, 1, {}, {}}};
  EXPECT_EQ(code(graph), "TN4015");
  graph.tasks = {{"a", {0}, -1, {}, {}}};
  EXPECT_EQ(code(graph), "TN4015");
  graph.tasks = {{"a", {0}, 1, {{0, 1}}, {}}};
  EXPECT_EQ(code(graph), "TN4015");
  graph.links = {{"wire", 1}};
  graph.tasks = {{"a", {0}, 1, {{0, 1}, {0, 1}}, {}}};
  EXPECT_EQ(code(graph), "TN4015");
  graph.links = {{"wire", 0}};
  graph.tasks = {};
  EXPECT_EQ(code(graph), "TN4015");
  graph.links = {};
  graph.buffers = {{"x", 1, 1, -1, {}}};
  EXPECT_EQ(code(graph), "TN4015");
}

TEST(Topology, a_ring_takes_what_the_formula_says) {
  const cost::Cluster cluster = rings(4, 8);
  const Topology topology(cluster);
  TaskGraph graph;
  graph.devices = topology.devices();
  graph.links = topology.links();
  std::vector<int> ranks(8);
  std::iota(ranks.begin(), ranks.end(), 0);
  graph.tasks = {topology.collective("sum", CollectiveKind::AllReduce, ranks, 1e9)};
  EXPECT_NEAR(run(graph).makespan, cost::allReduceInNode(cluster, 8, 1e9), 1e-12);
  graph.tasks = {topology.collective("parts", CollectiveKind::ReduceScatter, ranks, 1e9)};
  EXPECT_NEAR(run(graph).makespan, 7 * (1e9 / 8 / 100e9 + 1e-5), 1e-12);
  // One rank of each node: the adapters of a node serve it alone.
  ranks = {0, 8, 16, 24};
  graph.tasks = {topology.collective("sum", CollectiveKind::AllReduce, ranks, 1e9)};
  EXPECT_NEAR(run(graph).makespan, 6 * (1e9 / 4 / 25e9 + 1.5e-5), 1e-12);
  // All eight lines of ranks at once share them.
  graph.tasks.clear();
  for (int first = 0; first < 8; ++first) {
    ranks = {first, 8 + first, 16 + first, 24 + first};
    graph.tasks.push_back(topology.collective("sum", CollectiveKind::AllReduce, ranks, 1e9));
  }
  EXPECT_NEAR(run(graph).makespan, 8 * 6 * 1e9 / 4 / 25e9 + 6 * 1.5e-5, 1e-9);
}

TEST(Topology, measured_tables_count) {
  auto cluster = cost::findCluster("a100");
  ASSERT_TRUE(cluster.ok());
  const Topology topology(*cluster);
  TaskGraph graph;
  graph.devices = topology.devices();
  graph.links = topology.links();
  const std::vector<int> ranks = {0, 1, 2, 3};
  for (double bytes : {1e5, 1e7, 1e9}) {
    graph.tasks = {topology.collective("sum", CollectiveKind::AllReduce, ranks, bytes)};
    EXPECT_NEAR(run(graph).makespan, cost::allReduceInNode(*cluster, 4, bytes), 1e-9);
  }
}

/// Without limits of links the passes of a pipeline run when Schedule.h says.
TEST(PipelineTasks, run_as_schedules_do) {
  Pipeline pipeline;
  pipeline.stages = 4;
  pipeline.microbatches = 8;
  pipeline.transferSeconds = 0.125;
  pipeline.times = {{1, 1.5, 0.5}, {1.25, 1, 1}, {1, 1, 0.75}, {2, 1.5, 0.5}};
  std::vector<std::pair<Pipeline, Schedule>> cases = {{pipeline, gpipe(pipeline)},
                                                      {pipeline, oneForwardOneBackward(pipeline)},
                                                      {pipeline, zeroBubble(pipeline, 1)},
                                                      {pipeline, zeroBubble(pipeline, 2)}};
  pipeline.chunks = 2;
  pipeline.times.insert(pipeline.times.end(), {{1, 1, 1}, {1, 2, 1}, {0.5, 1, 1}, {1, 1, 0.25}});
  cases.emplace_back(pipeline, *interleaved(pipeline));
  for (const auto &[each, schedule] : cases) {
    const PipelineTasks tasks = pipelineTasks(each, schedule, {});
    const Timeline timeline = run(tasks.graph);
    auto passes = simulate(each, schedule);
    ASSERT_TRUE(passes.ok());
    EXPECT_NEAR(timeline.makespan, passes->makespan, 1e-12);
    for (size_t stage = 0; stage < schedule.size(); ++stage)
      for (size_t i = 0; i < schedule[stage].size(); ++i)
        EXPECT_NEAR(timeline.tasks[size_t(tasks.passes[stage][i])].start, passes->entries[stage][i].start, 1e-12);
  }
}

/// Activations of 1F1B: the first stage holds as many microbatches as there are stages, the last one.
TEST(PipelineTasks, memory_of_1f1b) {
  Pipeline pipeline;
  pipeline.stages = 4;
  pipeline.microbatches = 12;
  pipeline.times.assign(4, {1, 1, 1});
  PipelineCosts costs;
  costs.stages.assign(4, {});
  for (PipelineCosts::OfStage &stage : costs.stages) {
    stage.fixedBytes = 1000;
    stage.bytesPerMicrobatch = 10;
    stage.bytesForWeights = 4;
  }
  Timeline timeline = run(pipelineTasks(pipeline, oneForwardOneBackward(pipeline), costs).graph);
  for (size_t stage = 0; stage < 4; ++stage)
    EXPECT_DOUBLE_EQ(timeline.peaks[stage], 1000 + 10.0 * double(4 - stage));
  // H1 keeps a part of what waits for the gradients of weights.
  timeline = run(pipelineTasks(pipeline, zeroBubble(pipeline, 1), costs).graph);
  auto passes = simulate(pipeline, zeroBubble(pipeline, 1), 0.4);
  ASSERT_TRUE(passes.ok());
  for (size_t stage = 0; stage < 4; ++stage)
    EXPECT_NEAR(timeline.peaks[stage], 1000 + 10 * passes->peakActivations[stage], 1e-9);
}

} // namespace
