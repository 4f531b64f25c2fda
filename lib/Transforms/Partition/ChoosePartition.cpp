//===- ChoosePartition.cpp - How a model is split over devices ------------===//
//
// Of every form that the devices allow (pipeline x data x tensor) the best choice of strategies is sought, with a
// bound; the fastest form is written down. docs/Rationale/Partition.md.
//
//===----------------------------------------------------------------------===//
#include "ChooseMesh.h"
#include "ChoosePlan.h"
#include "Graph/IR/GraphOps.h"
#include "PartitionPlan.h"
#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "tenon/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"

namespace tenon {
#define GEN_PASS_DEF_CHOOSEPARTITION
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::choice;

namespace {

class Chooser {
public:
  Chooser(func::FuncOp function, const PartitionOptions &options)
      : function(function), options(options), graph(buildGraph(function, options.symbols, options.unit)) {
    if (options.isTraining)
      graph = makeTraining(std::move(graph));
  }

  FailureOr<PartitionAnswer> run();

private:
  LogicalResult fail(const Status &status) {
    const ErrorInfo &error = status.error();
    MLIRContext *context = function.getContext();
    const Location nowhere = UnknownLoc::get(context);
    const Location loc = error.node.empty() ? nowhere : NameLoc::get(StringAttr::get(context, error.node), nowhere);
    InFlightDiagnostic diagnostic = emitError(loc) << error.code << ": " << error.message;
    if (!error.remedy.empty())
      diagnostic.attachNote() << "remedy: " << error.remedy;
    return diagnostic;
  }
  Status checkForced() const;
  void tryForm(const Parallel &form);
  /// Of a run, or of kernels alone: what is against it.
  std::string slower(double seconds, StringRef what) const {
    const double ratio = seconds / best->seconds();
    return ratio < 1.005 ? (what + " no faster").str() : llvm::formatv("{0} {1:F2} times as slow", what, ratio).str();
  }
  PartitionAnswer describe();
  FailureOr<PartitionAnswer> describeNothing();
  void annotate();

  func::FuncOp function;
  const PartitionOptions &options;
  Graph graph;
  std::optional<Plan> best;
  std::vector<TriedParallel> tried;
  Status shortage; ///< of the last form that does not fit
};

} // namespace

Status Chooser::checkForced() const {
  const int64_t wanted = options.parallel.devices(), there = options.cluster.devices();
  if (wanted > there)
    return Status::error(
        "TN4022", llvm::formatv("{0} takes {1} devices, the cluster has {2}", options.parallel.str(), wanted, there),
        "", "ask for fewer, or describe more devices");
  if (size_t(options.parallel.stages) > graph.ops.size())
    return Status::error("TN4020",
                         llvm::formatv("a pipeline of {0} stages needs as many operations, the model has {1}",
                                       options.parallel.stages, graph.ops.size()),
                         "", "ask for fewer stages");
  for (const ParallelAxis &axis : options.parallel.axes) {
    const bool isData = axis.name == "data";
    const bool canSplit = llvm::any_of(graph.ops, [&](const GraphOp &op) {
      return llvm::any_of(
          op.loops, [&](const Loop &loop) { return loop.isBatch == isData && (loop.extent > 1 || loop.isSymbolic); });
    });
    if (!canSplit)
      return Status::error("TN4020", "no operation can be split along the axis '" + axis.name + "'", "",
                           isData ? "the model takes one sample at a time: use tensor or pipeline"
                                  : "use data or pipeline");
  }
  return Status::success();
}

/// Where one stage fits, more only add transfers to a run; in a step of training they work at the same time.
void Chooser::tryForm(const Parallel &form) {
  const bool fitsWithout = llvm::any_of(tried, [&](const TriedParallel &other) {
    return other.parallel.axes == form.axes && other.parallel.stages < form.stages && std::isfinite(other.seconds);
  });
  const bool isBestWithout = best && best->form.axes == form.axes;
  if (((fitsWithout || isBestWithout) && !options.isTraining) || size_t(form.stages) > graph.ops.size())
    return;
  Plan plan = makePlan(graph, options, form, best ? best->seconds() : infinity);
  if (plan.isPruned) {
    tried.push_back({form, plan.bound, plan.bound, slower(plan.bound, "its kernels alone are")});
  } else if (!plan.found()) {
    shortage = plan.shortage;
    tried.push_back({form, infinity, infinity, "does not fit: " + plan.shortage.error().message});
  } else if (!best || plan.seconds() < best->seconds()) {
    if (best)
      tried.push_back({best->form, best->seconds(), best->bound, ""});
    best = std::move(plan);
  } else {
    tried.push_back({form, plan.seconds(), plan.bound, ""});
  }
}

FailureOr<PartitionAnswer> Chooser::run() {
  const int64_t devices = options.cluster.devices();
  if (graph.ops.empty())
    return describeNothing();
  std::vector<Parallel> forms = {options.parallel};
  if (options.parallel.isAuto)
    forms = candidates(devices, int(graph.ops.size()));
  else if (Status status = checkForced(); !status.ok())
    return fail(status);
  for (const PartitionPin &pin : options.pins)
    if (llvm::none_of(graph.ops, [&](const GraphOp &op) { return matches(pin, op.node); }))
      return fail(Status::error("TN4023", "no node is called '" + pin.node + "'"));
  for (auto [i, form] : llvm::enumerate(forms)) {
    if (options.progress)
      options.progress(form.str(), double(i) / double(forms.size()));
    tryForm(form);
  }
  if (!best)
    return fail(shortage);
  for (TriedParallel &other : tried)
    if (other.why.empty())
      other.why = slower(other.seconds, "a run is");
  if (!options.isTraining)
    annotate();
  return describe();
}

/// A model that only hands on what it is given.
FailureOr<PartitionAnswer> Chooser::describeNothing() {
  if (!options.parallel.isAuto && options.parallel.devices() > 1)
    return fail(Status::error("TN4020", "the model has no operation that could be split", "", "leave --parallel out"));
  PartitionAnswer answer;
  answer.parallel.isAuto = false;
  answer.stageSeconds = answer.transfer = {0};
  answer.weightBytes = {0};
  answer.peakBytes = {graph.inputBytes};
  answer.memory = {{{0, graph.inputBytes}}};
  return answer;
}

PartitionAnswer Chooser::describe() {
  PartitionAnswer answer = describePlan(graph, *best);
  for (const TriedParallel &other : tried)
    answer.bound = std::min(answer.bound, other.bound);
  answer.tried = std::move(tried);
  return answer;
}

void Chooser::annotate() {
  if (best->form.devices() == 1)
    return;
  Builder b(function.getContext());
  const Parallel &form = best->form;
  std::vector<int64_t> sizes;
  SmallVector<StringRef> names;
  for (const ParallelAxis &axis : form.axes) {
    sizes.push_back(axis.size);
    names.push_back(axis.name);
  }
  if (sizes.empty()) { // a pipeline alone: stages of one device
    sizes.push_back(1);
    names.push_back("data");
  }
  OpBuilder builder(function);
  shard::GridOp::create(builder, function.getLoc(), "mesh", sizes);
  function->setAttr(partition::axesAttr, b.getStrArrayAttr(names));
  if (form.stages > 1)
    function->setAttr(partition::stagesAttr, b.getI64IntegerAttr(form.stages));
  if (llvm::any_of(best->shares, [](const auto &shares) { return !shares.empty(); })) {
    SmallVector<Attribute> rows;
    for (auto [shares, size] : llvm::zip_equal(best->shares, sizes))
      rows.push_back(b.getDenseI64ArrayAttr(shares.empty() ? std::vector<int64_t>(size, 1) : shares));
    function->setAttr(partition::sharesAttr, b.getArrayAttr(rows));
  }
  for (auto [i, op] : llvm::enumerate(graph.ops)) {
    SmallVector<int64_t> split, scatter;
    for (const AxisUse &use : best->strategyOf(int(i)).axes) {
      split.push_back(use.loop);
      scatter.push_back(use.scatter);
    }
    if (llvm::any_of(split, [](int64_t loop) { return loop >= 0; }))
      op.op->setAttr(partition::splitAttr, b.getDenseI64ArrayAttr(split));
    if (llvm::any_of(scatter, [](int64_t dim) { return dim >= 0; }))
      op.op->setAttr(partition::scatterAttr, b.getDenseI64ArrayAttr(scatter));
    if (best->stages[i] > 0)
      op.op->setAttr(partition::stageAttr, b.getI64IntegerAttr(best->stages[i]));
  }
}

FailureOr<PartitionAnswer> tenon::choosePartition(func::FuncOp function, const PartitionOptions &options) {
  for (Type type : llvm::concat<const Type>(function.getArgumentTypes(), function.getResultTypes()))
    if (!isa<RankedTensorType>(type)) {
      emitError(function.getLoc()) << "TN4021: a model with values that are no tensors cannot be partitioned";
      return failure();
    }
  return Chooser(function, options).run();
}

namespace {
struct ChoosePartition : tenon::impl::ChoosePartitionBase<ChoosePartition> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(choose()))
      signalPassFailure();
  }

private:
  LogicalResult choose() {
    auto functions = getOperation().getOps<func::FuncOp>();
    auto read = cost::findCluster(cluster);
    auto form = parseParallel(parallel);
    if (!read || !form) {
      const ErrorInfo &error = (read ? form.status() : read.status()).error();
      return getOperation().emitError() << error.code << ": " << error.message;
    }
    PartitionOptions options;
    options.cluster = std::move(*read);
    options.parallel = std::move(*form);
    for (const std::string &extent : extents) {
      auto [name, number] = StringRef(extent).split('=');
      if (number.getAsInteger(10, options.symbols[name]))
        return getOperation().emitError() << "TN4022: '" << extent << "' is not NAME=EXTENT";
    }
    for (func::FuncOp function : llvm::make_early_inc_range(functions))
      if (failed(choosePartition(function, options)))
        return failure();
    return success();
  }
};
} // namespace
