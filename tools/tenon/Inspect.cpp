//===- Inspect.cpp - tenon inspect ----------------------------------------===//
#include "Inspect.h"
#include "Commands.h"
#include "common/Codes.h"
#include "common/Report.h"
#include "common/Supervise.h"

using namespace tenon;
using namespace tenon::tools;

static int inspectPlan(const plan::Container &container, const ShapeSet &shapes, const KernelWishes &kernels,
                       const Report &report) {
  auto described = describePlan(container, shapes, kernels);
  if (!described)
    return report.fail(described.takeStatus());
  if (!report.json())
    printPlan(*described);
  return report.finish(std::move(*described));
}

int tools::runInspect(Arguments arguments) {
  std::vector<std::string> shapes;
  KernelWishes kernels;
  Report report;
  CommandLine line("inspect", "MODEL.onnx|MODEL.tenon", "Lists what is in a model or in a plan.");
  line.flag("kernels", "list the kernels of a plan: nodes, tactic, resources, predicted time, source", kernels.list);
  line.text("device", "NAME|FILE", "predict for this device; default: the one the plan was tuned for", kernels.device);
  line.texts("shape", "NAME=1x3x224x224", "the size at which to count operations and memory of a plan", shapes);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  auto sets = parseShapeSets(shapes);
  if (!sets)
    return report.fail(sets.takeStatus());
  const llvm::StringRef path = line.operand();
  auto container = plan::Container::open(path.str(), {.verifyWeights = true});
  if (container)
    return inspectPlan(**container, sets->front(), kernels, report);
  // What does not begin like a plan is taken for a model, unless its name says otherwise.
  if (container.status().error().code != "TN6002" || path.ends_with(".tenon"))
    return report.fail(container.status());
  return supervise({}, report, [&](const std::string &) { return inspectModel(path, report); });
}
