//===- ShapeProgram.cpp - Evaluating shape values -------------------------===//
#include "tenon/Plan/ShapeProgram.h"

#include "tenon/Plan/Checked.h"
#include "tenon/Plan/plan_generated.h"

#include <algorithm>
#include <limits>

namespace tenon::plan {

static Status failure(size_t index, const std::string &why) {
  return Status::error("TN7009", "shape value " + std::to_string(index) + ": " + why);
}

static std::string pair(int64_t a, int64_t b) { return std::to_string(a) + " and " + std::to_string(b); }

/// Quotient and remainder rounded to minus infinity; b != 0, and not minimum / -1.
static int64_t floorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
static int64_t floorMod(int64_t a, int64_t b) {
  int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/// Evaluates an instruction with plain operands a, b, c; nothing on overflow and the like.
static std::optional<int64_t> evaluate(const ShapeInstr &instr, int64_t a, int64_t b, int64_t c) {
  switch (instr.op()) {
  case ShapeOp::Constant:
    return instr.imm();
  case ShapeOp::Add:
    return checkedAdd(a, b);
  case ShapeOp::Sub:
    return checkedSub(a, b);
  case ShapeOp::Mul:
    return checkedMul(a, b);
  case ShapeOp::FloorDiv:
  case ShapeOp::Mod:
    if (b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min()))
      return std::nullopt;
    return instr.op() == ShapeOp::Mod ? floorMod(a, b) : floorDiv(a, b);
  case ShapeOp::Min:
    return std::min(a, b);
  case ShapeOp::Max:
    return std::max(a, b);
  case ShapeOp::Broadcast:
    if (a == b || b == 1)
      return a;
    return a == 1 ? std::optional(b) : std::nullopt;
  case ShapeOp::Equal:
    return a == b;
  case ShapeOp::Less:
    return a < b;
  case ShapeOp::Select:
    return a != 0 ? b : c;
  case ShapeOp::InputDim:
  case ShapeOp::InputValue:
    break;
  }
  return std::nullopt;
}

static Status explain(size_t index, const ShapeInstr &instr, int64_t a, int64_t b) {
  switch (instr.op()) {
  case ShapeOp::FloorDiv:
  case ShapeOp::Mod:
    return failure(index, "cannot divide " + std::to_string(a) + " by " + std::to_string(b));
  case ShapeOp::Broadcast:
    return failure(index, "extents " + pair(a, b) + " do not broadcast");
  default:
    return failure(index, "overflow in arithmetic on " + pair(a, b));
  }
}

std::vector<size_t> countElementsRead(const Function &function) {
  std::vector<size_t> counts(function.inputs() ? function.inputs()->size() : 0);
  for (size_t i = 0; function.shape() && i < function.shape()->size(); ++i) {
    const ShapeInstr &instr = *function.shape()->Get(flatbuffers::uoffset_t(i));
    if (instr.op() == ShapeOp::InputValue)
      counts[instr.a()] = std::max(counts[instr.a()], size_t(instr.b()) + 1);
  }
  return counts;
}

Status evaluateShapes(const Function &function, std::span<const std::vector<int64_t>> inputs,
                      std::span<const std::vector<int64_t>> elements, std::vector<int64_t> &values) {
  const auto *program = function.shape();
  const size_t count = program ? program->size() : 0;
  values.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const ShapeInstr &instr = *program->Get(flatbuffers::uoffset_t(i));
    if (instr.op() == ShapeOp::InputDim) {
      if (instr.a() >= inputs.size() || instr.b() >= inputs[instr.a()].size())
        return failure(i, "no axis " + std::to_string(instr.b()) + " of input " + std::to_string(instr.a()));
      values[i] = inputs[instr.a()][instr.b()];
      continue;
    }
    if (instr.op() == ShapeOp::InputValue) {
      if (instr.a() >= elements.size() || instr.b() >= elements[instr.a()].size())
        return failure(i, "no element " + std::to_string(instr.b()) + " of input " + std::to_string(instr.a()));
      values[i] = elements[instr.a()][instr.b()];
      continue;
    }
    // The verifier admits unused operands of any value, so that only earlier results are ever read here.
    auto operand = [&](uint32_t index) { return index < i ? values[index] : 0; };
    const int64_t a = operand(instr.a()), b = operand(instr.b()), c = operand(instr.c());
    std::optional<int64_t> value = evaluate(instr, a, b, c);
    if (!value)
      return explain(i, instr, a, b);
    values[i] = *value;
  }
  return Status::success();
}

} // namespace tenon::plan
