//===- Sequences.cpp - Sequences and optionals ----------------------------===//
//
// A sequence holds tensors whose bytes are shared, so these operators cost what the list costs.
//
//===----------------------------------------------------------------------===//
#include "Operators.h"

namespace tenon::runtime {

static Expected<ElementType> elementAttribute(const HostOpCall &call) {
  if (call.attributes.empty() || call.attributes[0] < 0 || call.attributes[0] >= int64_t(numElementTypes))
    return refuse("a sequence of an unknown element type");
  return ElementType(call.attributes[0]);
}

static Status checkElement(ElementType expected, const Tensor &tensor) {
  if (tensor.type == expected)
    return Status::success();
  return refuse("a sequence of " + std::string(elementName(expected)) + " cannot hold a tensor of " +
                std::string(elementName(tensor.type)));
}

HostResult runSequenceConstruct(const HostOpCall &call) {
  Expected<ElementType> type = elementAttribute(call);
  if (!type)
    return type.takeStatus();
  Value sequence = Value::sequence(*type);
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    Expected<const Tensor *> tensor = tensorOperand(call, i);
    if (!tensor)
      return tensor.takeStatus();
    TENON_RETURN_IF_ERROR(checkElement(*type, **tensor));
    sequence.elements.push_back(**tensor);
  }
  return only(std::move(sequence));
}

HostResult runSequenceEmpty(const HostOpCall &call) {
  Expected<ElementType> type = elementAttribute(call);
  return type ? only(Value::sequence(*type)) : type.takeStatus();
}

HostResult runSequenceAt(const HostOpCall &call) {
  Expected<const Value *> sequence = sequenceOperand(call, 0);
  if (!sequence)
    return sequence.takeStatus();
  Expected<std::optional<int64_t>> position = integerOperand(call, 1);
  if (!position)
    return position.takeStatus();
  if (!*position)
    return refuse("SequenceAt needs a position");
  Expected<size_t> index = normalizePosition(**position, (*sequence)->elements.size());
  return index ? only((*sequence)->elements[*index]) : index.takeStatus();
}

HostResult runSequenceInsert(const HostOpCall &call) {
  Expected<const Value *> sequence = sequenceOperand(call, 0);
  if (!sequence)
    return sequence.takeStatus();
  Expected<const Tensor *> tensor = tensorOperand(call, 1);
  if (!tensor)
    return tensor.takeStatus();
  TENON_RETURN_IF_ERROR(checkElement((*sequence)->type, **tensor));
  Expected<std::optional<int64_t>> position = integerOperand(call, 2);
  if (!position)
    return position.takeStatus();
  const std::vector<Tensor> &old = (*sequence)->elements;
  size_t before = old.size();
  // Position n is behind the last of n; -1 is still before the last.
  if (*position && **position != int64_t(old.size())) {
    Expected<size_t> index = normalizePosition(**position, old.size());
    if (!index)
      return index.takeStatus();
    before = *index;
  }
  std::vector<Tensor> elements;
  elements.reserve(old.size() + 1);
  elements.insert(elements.end(), old.begin(), old.begin() + int64_t(before));
  elements.push_back(**tensor);
  elements.insert(elements.end(), old.begin() + int64_t(before), old.end());
  return only(Value::sequence((*sequence)->type, std::move(elements)));
}

HostResult runSequenceErase(const HostOpCall &call) {
  Expected<const Value *> sequence = sequenceOperand(call, 0);
  if (!sequence)
    return sequence.takeStatus();
  Expected<std::optional<int64_t>> position = integerOperand(call, 1);
  if (!position)
    return position.takeStatus();
  Expected<size_t> index = normalizePosition(position->value_or(-1), (*sequence)->elements.size());
  if (!index)
    return index.takeStatus();
  Value shorter = **sequence;
  shorter.elements.erase(shorter.elements.begin() + int64_t(*index));
  return only(std::move(shorter));
}

HostResult runSequenceLength(const HostOpCall &call) {
  Expected<const Value *> sequence = sequenceOperand(call, 0);
  return sequence ? onlyInteger(int64_t((*sequence)->elements.size())) : sequence.takeStatus();
}

HostResult runOptionalNone(const HostOpCall &) { return only(Value()); }

HostResult runOptionalHasElement(const HostOpCall &call) {
  const Value *value = operand(call, 0);
  Expected<Tensor> has = allocateResult(ElementType::Bool, {});
  if (!has)
    return has.takeStatus();
  *has->as<uint8_t>() = value && value->kind != ValueKind::None;
  return only(std::move(*has));
}

HostResult runOptionalGetElement(const HostOpCall &call) {
  const Value *value = operand(call, 0);
  if (!value || value->kind == ValueKind::None)
    return refuse("OptionalGetElement of an empty optional");
  return only(*value);
}

} // namespace tenon::runtime
