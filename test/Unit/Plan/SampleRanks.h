//===- SampleRanks.h - A plan of several ranks for the tests --------------===//
#ifndef TENON_TEST_UNIT_PLAN_SAMPLERANKS_H
#define TENON_TEST_UNIT_PLAN_SAMPLERANKS_H

#include "SamplePlan.h"

namespace tenon::test {

/// Builds a plan of ranks without kernels. Each takes x of [N, 4] f32 and has the buffers below; rank 0 gives y of
/// [N, 4].
class RankMaker {
public:
  static constexpr uint32_t input = 0, result = 1, other = 2; ///< buffers: x, y (or an arena like it), an arena like it
  static constexpr uint32_t rows = 0, four = 1, zero = 2, bytes = 4, one = 5; ///< shape values
  plan::PlanT plan;

  explicit RankMaker(uint32_t ranks) {
    plan.producer = "tenon test";
    plan.target = "cpu";
    for (uint32_t rank = 0; rank < ranks; ++rank)
      addRank(rank);
  }

  plan::FunctionT &function(uint32_t rank) { return *plan.functions[rank]; }
  plan::RecordT &record(uint32_t rank, size_t index) { return *function(rank).records[index]; }
  plan::CollectiveT &collective(uint32_t rank, size_t index) { return *record(rank, index).operation.AsCollective(); }

  /// x to y of one rank, or of all members.
  void add(uint32_t rank, plan::CollectiveKind kind, std::vector<uint32_t> group) {
    plan::CollectiveT data;
    data.kind = kind;
    data.group = std::move(group);
    data.dims = {rows, four};
    if (kind != plan::CollectiveKind::Receive)
      data.source = std::make_unique<plan::BufferRef>(input, zero);
    if (kind != plan::CollectiveKind::Send)
      data.target = std::make_unique<plan::BufferRef>(result, zero);
    add(rank, std::move(data));
  }
  void allReduce(const std::vector<uint32_t> &group) {
    for (uint32_t rank : group)
      add(rank, plan::CollectiveKind::AllReduce, group);
  }
  void send(uint32_t from, uint32_t to) { add(from, plan::CollectiveKind::Send, {to}); }
  void receive(uint32_t to, uint32_t from) { add(to, plan::CollectiveKind::Receive, {from}); }
  template <typename Operation>
  void add(uint32_t rank, Operation operation) {
    auto record = std::make_unique<plan::RecordT>();
    record->operation.Set(std::move(operation));
    function(rank).records.push_back(std::move(record));
    for (size_t i = 1; i < function(rank).buffers.size(); ++i)
      function(rank).buffers[i]->last_record = uint32_t(function(rank).records.size() - 1);
  }

private:
  void addRank(uint32_t rank) {
    using namespace tenon::plan;
    auto function = std::make_unique<FunctionT>();
    function->name = "rank_" + std::to_string(rank);
    function->shape = {{ShapeOp::InputDim, 0, 0, 0, 0}, {ShapeOp::Constant, 0, 0, 0, 4},
                       {ShapeOp::Constant, 0, 0, 0, 0}, {ShapeOp::Constant, 0, 0, 0, 16},
                       {ShapeOp::Mul, 0, 3, 0, 0},      {ShapeOp::Constant, 0, 0, 0, 1}};
    auto tensor = [&](std::string name) {
      auto tensor = std::make_unique<TensorT>();
      tensor->name = std::move(name);
      tensor->dims = {rows, four};
      tensor->dim_names = {"N", ""};
      return tensor;
    };
    function->inputs.push_back(tensor("x"));
    if (rank == 0)
      function->outputs.push_back(tensor("y"));
    for (BufferKind kind : {BufferKind::Input, rank == 0 ? BufferKind::Output : BufferKind::Arena, BufferKind::Arena}) {
      auto buffer = std::make_unique<BufferT>();
      buffer->kind = kind;
      buffer->bytes = bytes;
      function->buffers.push_back(std::move(buffer));
    }
    plan.ranks.push_back(uint32_t(plan.functions.size()));
    plan.functions.push_back(std::move(function));
  }
};

} // namespace tenon::test

#endif // TENON_TEST_UNIT_PLAN_SAMPLERANKS_H
