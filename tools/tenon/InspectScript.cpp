//===- InspectScript.cpp - Plans of several functions ----------------------===//
#include "InspectScript.h"

#include "common/Report.h"
#include "tenon/Plan/ArenaPlacement.h"
#include "tenon/Plan/ShapeProgram.h"
#include "llvm/Support/raw_ostream.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

static constexpr int64_t unknownExtent = 16;

Expected<SizedFunction> tools::sizeFunction(const plan::Function &function,
                                            const std::vector<std::vector<int64_t>> &dims, int64_t element) {
  SizedFunction sized;
  sized.function = &function;
  std::vector<std::vector<int64_t>> elements; // that shapes depend on: nobody gave them
  for (size_t count : plan::countElementsRead(function))
    elements.emplace_back(count, element);
  TENON_RETURN_IF_ERROR(plan::evaluateShapes(function, dims, elements, sized.values));
  std::vector<plan::ArenaItem> items;
  for (unsigned i = 0; i < length(function.buffers()); ++i) {
    const plan::Buffer &buffer = *function.buffers()->Get(i);
    if (buffer.kind() == plan::BufferKind::Arena)
      items.push_back({sized.values[buffer.bytes()], buffer.first_record(), buffer.last_record(), buffer.offset()});
  }
  sized.arena = plan::placeArena(items);
  return sized;
}

std::vector<SizedFunction> tools::sizeFunctions(const plan::Plan &plan, const std::map<std::string, int64_t> &symbols) {
  std::vector<SizedFunction> all;
  for (unsigned f = 0; f < length(plan.functions()); ++f) {
    const plan::Function &function = *plan.functions()->Get(f);
    std::vector<std::vector<int64_t>> dims(length(function.inputs()));
    for (unsigned i = 0; i < dims.size(); ++i) {
      const plan::Tensor &input = *function.inputs()->Get(i);
      for (unsigned k = 0; k < length(input.dims()); ++k) {
        const plan::ShapeInstr &extent = *function.shape()->Get(input.dims()->Get(k));
        const bool isNamed = k < length(input.dim_names());
        const auto symbol = symbols.find(isNamed ? input.dim_names()->Get(k)->str() : "");
        dims[i].push_back(extent.op() == plan::ShapeOp::Constant ? extent.imm()
                          : symbol != symbols.end()              ? symbol->second
                                                                 : unknownExtent);
      }
    }
    auto sized = sizeFunction(function, dims, unknownExtent);
    all.push_back(sized ? std::move(*sized) : SizedFunction{&function, {}, 0});
  }
  return all;
}

namespace {
class ScriptLister {
public:
  ScriptLister(const plan::Plan &plan, json::Array &lines) : plan(plan), lines(lines) {}

  void list(const plan::Block &block, int depth) {
    for (unsigned i = 0; i < length(block.steps()); ++i)
      list(*block.steps()->Get(i), depth);
    add(depth, "yield " + numbers(block.results()));
  }

private:
  static std::string number(uint32_t value) { return value == UINT32_MAX ? "-" : "%" + std::to_string(value); }
  static std::string numbers(const flatbuffers::Vector<uint32_t> *values) {
    std::string text;
    for (unsigned i = 0; i < length(values); ++i)
      text += (i ? ", " : "") + number(values->Get(i));
    return text;
  }
  void add(int depth, const std::string &text, const flatbuffers::String *node = nullptr) {
    json::Object line{{"depth", depth}, {"text", json::fixUTF8(text)}};
    if (node && node->size() != 0)
      line["node"] = json::fixUTF8(node->string_view());
    lines.push_back(std::move(line));
  }
  static std::string results(const flatbuffers::Vector<uint32_t> *values) {
    return length(values) ? numbers(values) + " = " : "";
  }

  void list(const plan::ScriptStep &step, int depth) {
    if (const plan::Call *call = step.op_as_Call()) {
      std::string text = results(call->outputs()) + plan.functions()->Get(call->function())->name()->str() + "(" +
                         numbers(call->inputs());
      for (unsigned i = 0; i < length(call->readings()); ++i) {
        const plan::Reading &reading = *call->readings()->Get(i);
        text += (i || length(call->inputs()) ? ", " : "") + number(reading.value()) +
                (reading.is_element() ? "[" : ".dim[") + std::to_string(reading.index()) + "]";
      }
      add(depth, text + ")", step.node());
    } else if (const plan::Host *host = step.op_as_Host()) {
      add(depth, results(host->outputs()) + plan::EnumNameHostOp(host->op()) + "(" + numbers(host->inputs()) + ")",
          step.node());
    } else if (const plan::Branch *branch = step.op_as_Branch()) {
      add(depth, results(branch->outputs()) + "if " + number(branch->condition()), step.node());
      list(*branch->on_true(), depth + 1);
      add(depth, "else");
      list(*branch->on_false(), depth + 1);
    } else if (const plan::Repeat *repeat = step.op_as_Repeat()) {
      add(depth,
          results(repeat->outputs()) + "repeat " + number(repeat->trips()) + " times while " +
              number(repeat->condition()) + " with " + numbers(repeat->body()->inputs()) + " from " +
              numbers(repeat->carried()),
          step.node());
      list(*repeat->body(), depth + 1);
    }
  }

  const plan::Plan &plan;
  json::Array &lines;
};
} // namespace

json::Array tools::describeScript(const plan::Plan &plan) {
  json::Array lines;
  if (plan.script())
    ScriptLister(plan, lines).list(*plan.script()->body(), 0);
  return lines;
}

void tools::printScript(const json::Array &steps) {
  if (steps.empty())
    return;
  llvm::outs() << "script:\n";
  for (const json::Value &value : steps) {
    const json::Object &step = *value.getAsObject();
    llvm::outs().indent(unsigned(2 + 2 * *step.getInteger("depth"))) << printable(*step.getString("text"));
    if (auto node = step.getString("node"))
      llvm::outs() << "  '" << printable(*node) << "'";
    llvm::outs() << '\n';
  }
}
