//===- TrainingTable.cpp - Tables of steps, collectives and pipelines -----===//
#include "TrainingTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace tenon;
using namespace tenon::tools;
using namespace tenon::partition;

static Status malformed(size_t row, const llvm::Twine &what) {
  return Status::error("TN9042", ("row " + llvm::Twine(row + 1) + " of the table: " + what).str());
}

Expected<TrainingTable> tools::parseTable(llvm::StringRef text) {
  constexpr size_t maxColumns = 256;
  TrainingTable table;
  llvm::SmallVector<llvm::StringRef> lines;
  text.split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines) {
    llvm::SmallVector<llvm::StringRef> cells;
    line.trim().split(cells, ',');
    std::vector<std::string> row;
    for (llvm::StringRef cell : cells)
      row.push_back(cell.trim().str());
    if (table.columns.empty())
      table.columns = std::move(row);
    else if (row.size() == table.columns.size())
      table.rows.push_back(std::move(row));
    else
      return malformed(table.rows.size(), "it has " + llvm::Twine(row.size()) + " cells for " +
                                              llvm::Twine(table.columns.size()) + " columns");
  }
  if (table.columns.size() < 2 || table.columns.size() > maxColumns)
    return Status::error("TN9042", "the table has no header of 2 to 256 columns");
  return table;
}

namespace {

/// One row, by column. The first fault is kept.
class Row {
public:
  Row(const TrainingTable &table, size_t index) : table(table), index(index) {}

  bool has(llvm::StringRef column) const { return llvm::is_contained(table.columns, column); }
  llvm::StringRef text(llvm::StringRef column) const {
    auto found = llvm::find(table.columns, column);
    return found == table.columns.end() ? "" : llvm::StringRef(table.rows[index][found - table.columns.begin()]);
  }
  /// A number above 0; `otherwise` where the column is missing or the cell empty, a fault where that is 0.
  double number(llvm::StringRef column, double otherwise = 0) {
    const llvm::StringRef cell = text(column);
    double value = otherwise;
    if (!cell.empty() && (cell.getAsDouble(value) || !std::isfinite(value)))
      value = 0;
    if (!(value > 0 && value <= 1e15) && fault.ok())
      fault = malformed(index, "column '" + column + "' " + (cell.empty() ? "is missing" : "is not a number above 0"));
    return value;
  }
  int whole(llvm::StringRef column, double otherwise = 0) {
    const double value = number(column, otherwise);
    if ((value != std::floor(value) || value > 1 << 20) && fault.ok())
      fault = malformed(index, "column '" + column + "' is not a whole number from 1 to 1048576");
    return fault.ok() ? int(value) : 1;
  }

  Status fault;
  const TrainingTable &table;
  const size_t index;
};

/// A training step as its row states it.
struct StepRow {
  MeasuredStep step;
  bool hasTwoRecomputations = false; ///< full, and selective with sequence parallelism
};

} // namespace

static Expected<StepRow> readStep(Row row) {
  StepRow result;
  Transformer &model = result.step.model;
  StepPlan &plan = result.step.plan;
  model.hidden = row.number("hidden");
  model.inner = row.number("ffn", 4 * model.hidden);
  model.heads = row.number("heads");
  model.layers = row.whole("layers");
  model.sequence = row.number("seq", 2048);
  model.vocabulary = row.number("vocabulary", 51200);
  plan.tensor = row.whole("tp");
  plan.pipeline = row.whole("pp");
  const int gpus = row.whole("gpus", row.has("dp") ? double(plan.tensor) * plan.pipeline * row.whole("dp") : 0);
  plan.data = row.whole("dp", std::max(1, gpus / (plan.tensor * plan.pipeline)));
  plan.batch = row.whole("global_batch");
  result.step.isComplete = row.has("micro_batch");
  plan.microbatch = row.whole("micro_batch", 1);
  plan.interleave = row.whole("interleave", 1);
  if (llvm::StringRef again = row.text("recompute"); !again.empty()) {
    if (again != "none" && again != "selective" && again != "full")
      return malformed(row.index, "'recompute' is none, selective or full");
    plan.recompute = again == "none" ? Recompute::None : again == "selective" ? Recompute::Selective : Recompute::Full;
  }
  if (row.has("sequence_parallel"))
    plan.sequenceParallel = row.text("sequence_parallel") == "1";
  // Rows of vTrain name the data-parallel ranks: nodes of 4 x 200 Gb/s. Those of Megatron-LM ran on 8 x 200 Gb/s.
  result.step.network = 1e9 * row.number("network_gb_per_s", row.has("dp") ? 100 : 200);
  result.hasTwoRecomputations = row.has("iter_s_seqpar_selective") && !row.has("recompute");
  if (!row.fault.ok())
    return row.fault;
  if (plan.ranks() != gpus)
    return malformed(row.index, "tp x dp x pp is " + llvm::Twine(plan.ranks()) + ", not " + llvm::Twine(gpus));
  return result;
}

static StepPlan selective(StepPlan plan) {
  plan.recompute = Recompute::Selective;
  plan.sequenceParallel = true;
  return plan;
}

static std::string milliseconds(double seconds) { return llvm::formatv("{0:f4}", seconds * 1e3).str(); }

static Expected<std::vector<std::string>> predictStepRow(const Row &row, cost::Cluster cluster, bool hasOwnNetwork) {
  auto read = readStep(row);
  if (!read)
    return read.takeStatus();
  const MeasuredStep &step = read->step;
  if (!hasOwnNetwork)
    cluster.groups.front().network = step.network;
  StepPlan plan = step.plan;
  if (!step.isComplete) {
    auto completed = completePlan(cluster, step.model, plan);
    if (!completed)
      return completed.takeStatus();
    plan = *completed;
  }
  TENON_RETURN_IF_ERROR(checkPlan(step.model, plan));
  std::vector<std::string> cells = {milliseconds(predictStep(cluster, step.model, plan).total)};
  if (read->hasTwoRecomputations)
    cells.push_back(milliseconds(predictStep(cluster, step.model, selective(plan)).total));
  return cells;
}

static Expected<std::vector<std::string>> predictAllReduce(Row row, const cost::Cluster &cluster) {
  const int ranks = row.whole("ranks");
  const double bytes = row.number("bytes");
  if (!row.fault.ok())
    return row.fault;
  return std::vector<std::string>{milliseconds(cost::allReduceInNode(cluster, ranks, bytes))};
}

static Expected<std::vector<std::string>> predictPipeline(Row row) {
  Pipeline pipeline;
  pipeline.stages = row.whole("stages");
  pipeline.microbatches = row.whole("microbatches");
  const PassSeconds times = {row.number("forward_us") * 1e-6, row.number("backward_input_us") * 1e-6,
                             row.number("backward_weight_us") * 1e-6};
  pipeline.transferSeconds = row.number("comm_us") * 1e-6;
  if (!row.fault.ok())
    return row.fault;
  if (int64_t(pipeline.stages) * pipeline.microbatches > 1 << 20)
    return malformed(row.index, "the pipeline has more than 1048576 microbatches and stages");
  pipeline.times.assign(size_t(pipeline.stages), times);
  const ActivationLimit limit = ActivationLimit::ofTransformer(pipeline.stages);
  std::vector<std::string> cells;
  for (const Schedule &schedule : {oneForwardOneBackward(pipeline), zeroBubble(pipeline, 1), zeroBubble(pipeline, 2),
                                   searchZeroBubble(pipeline, limit)}) {
    auto timeline = simulate(pipeline, schedule, limit.keptForWeights);
    if (!timeline)
      return timeline.takeStatus();
    if (cells.empty())
      cells.push_back(milliseconds(timeline->span));
    cells.push_back(llvm::formatv("{0:f4}", timeline->bubble).str());
  }
  return cells;
}

Expected<Predictions> tools::predictTable(const TrainingTable &table, const cost::Cluster &cluster,
                                          bool hasOwnNetwork) {
  auto has = [&](llvm::StringRef column) { return llvm::is_contained(table.columns, column); };
  const bool isSteps = has("hidden") && has("layers"), isAllReduce = has("ranks") && has("bytes");
  const bool isPipeline = has("stages") && has("forward_us");
  if (!isSteps && !isAllReduce && !isPipeline)
    return Status::error("TN9042", "the columns are of no table that is known", "",
                         "see the tables of docs/Rationale/TrainingSteps.md");
  Predictions predictions;
  predictions.columns = {"predicted_ms"};
  if (isPipeline)
    for (const char *schedule : {"1f1b", "zb_h1", "zb_h2", "searched"})
      predictions.columns.push_back(std::string("predicted_bubble_") + schedule);
  else if (isSteps && has("iter_s_seqpar_selective") && !has("recompute"))
    predictions.columns.push_back("predicted_ms_seqpar_selective");
  for (size_t i = 0; i < table.rows.size(); ++i) {
    auto cells = isPipeline    ? predictPipeline(Row(table, i))
                 : isAllReduce ? predictAllReduce(Row(table, i), cluster)
                               : predictStepRow(Row(table, i), cluster, hasOwnNetwork);
    if (!cells)
      return cells.takeStatus();
    predictions.rows.push_back(std::move(*cells));
  }
  return predictions;
}

/// Seconds of a step from the rate that is reported: Narayanan et al., SC 2021, equation 3, with full recomputation.
static double secondsOfRate(const MeasuredStep &step, double teraflops) {
  const Transformer &model = step.model;
  const double h = model.hidden;
  const double flops = 96 * step.plan.batch * model.sequence * model.layers * h * h *
                       (1 + model.sequence / (6 * h) + model.vocabulary / (16 * model.layers * h));
  return flops / (teraflops * 1e12 * step.plan.ranks());
}

Expected<std::vector<MeasuredStep>> tools::measuredSteps(const TrainingTable &table) {
  std::vector<MeasuredStep> steps;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    Row row(table, i);
    auto read = readStep(row);
    if (!read)
      return read.takeStatus();
    MeasuredStep step = read->step;
    if (row.has("iteration_ms"))
      step.seconds = row.number("iteration_ms") * 1e-3;
    else if (row.has("tflops_per_gpu"))
      step.seconds = secondsOfRate(step, row.number("tflops_per_gpu"));
    else
      step.seconds = row.number("iter_s_full_recompute");
    if (step.isComplete)
      TENON_RETURN_IF_ERROR(checkPlan(step.model, step.plan));
    steps.push_back(step);
    if (read->hasTwoRecomputations) {
      step.plan = selective(step.plan);
      step.seconds = row.number("iter_s_seqpar_selective");
      steps.push_back(step);
    }
    if (!row.fault.ok())
      return row.fault;
  }
  for (MeasuredStep &step : steps)
    step.weight = 1 / std::sqrt(double(steps.size()));
  return steps;
}
