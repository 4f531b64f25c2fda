//===- Values.cpp - Sequences and optionals in the C interface ------------===//
#include "RuntimeHandles.h"

using namespace tenon;
using namespace tenon::capi;
using namespace tenon::runtime;

static_assert(int(ValueKind::Tensor) == TENON_VALUE_TENSOR);
static_assert(int(ValueKind::Sequence) == TENON_VALUE_SEQUENCE);
static_assert(int(ValueKind::None) == TENON_VALUE_NONE);

struct TenonValue {
  Value value;
};

static constexpr char malformed[] = "a tensor has an unknown type, a negative rank or no dims";

/// Makes a value of what `read` fills in.
template <typename Read>
static TenonError *createValue(TenonValue **value, Read read) {
  if (!value)
    return invalidArgument("value is NULL");
  *value = nullptr;
  return guarded([&]() -> TenonError * {
    auto made = std::make_unique<TenonValue>();
    if (TenonError *error = read(made->value))
      return error;
    *value = made.release();
    return nullptr;
  });
}

TenonError *tenon_value_tensor(const TenonTensor *tensor, TenonValue **value) {
  return createValue(value, [&](Value &out) -> TenonError * {
    if (!tensor)
      return invalidArgument("tensor is NULL");
    out.kind = ValueKind::Tensor;
    return readTensor(*tensor, out.tensor) ? nullptr : invalidArgument(malformed);
  });
}

TenonError *tenon_value_sequence(int32_t type, const TenonTensor *elements, size_t count, TenonValue **value) {
  return createValue(value, [&](Value &out) -> TenonError * {
    if (unsigned(type) >= numElementTypes || (count != 0 && !elements))
      return invalidArgument("the type is unknown or elements is NULL");
    out = Value::sequence(ElementType(type));
    out.elements.resize(count);
    for (size_t i = 0; i < count; ++i)
      if (!readTensor(elements[i], out.elements[i]))
        return invalidArgument(malformed);
      else if (elements[i].type != type)
        return invalidArgument("an element of a sequence has another type");
    return nullptr;
  });
}

TenonError *tenon_value_none(TenonValue **value) {
  return createValue(value, [](Value &) -> TenonError * { return nullptr; });
}

void tenon_value_destroy(TenonValue *value) { delete value; }

int32_t tenon_value_kind(const TenonValue *value) { return value ? int32_t(value->value.kind) : TENON_VALUE_NONE; }

int32_t tenon_value_type(const TenonValue *value) {
  if (!value || value->value.kind == ValueKind::None)
    return -1;
  return int32_t(value->value.kind == ValueKind::Tensor ? value->value.tensor.type : value->value.type);
}

size_t tenon_value_size(const TenonValue *value) {
  if (!value)
    return 0;
  return value->value.kind == ValueKind::Tensor ? 1 : value->value.elements.size();
}

TenonError *tenon_value_element(const TenonValue *value, size_t index, TenonTensor *tensor) {
  if (!tensor || index >= tenon_value_size(value))
    return invalidArgument("value or tensor is NULL or the index is too large");
  const Value &held = value->value;
  const Tensor &element = held.kind == ValueKind::Tensor ? held.tensor : held.elements[index];
  *tensor = {"", element.data.get(), int32_t(element.type), int32_t(element.dims.size()), element.dims.data()};
  return nullptr;
}

static TenonError *describeKind(const std::vector<InfoView> &views, size_t index, int32_t *kind, int32_t *optional,
                                int32_t *ranked) {
  if (index >= views.size())
    return invalidArgument("the index is too large");
  const TensorInfo &info = *views[index].info;
  if (kind)
    *kind = int32_t(info.kind);
  if (optional)
    *optional = info.isOptional;
  if (ranked)
    *ranked = info.isRanked;
  return nullptr;
}

TenonError *tenon_session_input_kind(const TenonSession *session, size_t index, int32_t *kind, int32_t *optional,
                                     int32_t *ranked) {
  return session ? describeKind(session->inputs, index, kind, optional, ranked) : invalidArgument("session is NULL");
}

TenonError *tenon_session_output_kind(const TenonSession *session, size_t index, int32_t *kind, int32_t *optional,
                                      int32_t *ranked) {
  return session ? describeKind(session->outputs, index, kind, optional, ranked) : invalidArgument("session is NULL");
}

/// Hands results over, all or none.
static void release(std::vector<Value> values, TenonValue **outputs) {
  std::vector<std::unique_ptr<TenonValue>> made;
  for (Value &value : values)
    made.push_back(std::make_unique<TenonValue>(TenonValue{std::move(value)}));
  for (size_t i = 0; i < made.size(); ++i)
    outputs[i] = made[i].release();
}

TenonError *tenon_session_run_values(TenonSession *session, const TenonValue *const *inputs, size_t num_inputs,
                                     const TenonRunOptions *options, TenonValue **outputs, size_t num_outputs) {
  if (!session || (num_inputs != 0 && !inputs) || (num_outputs != 0 && !outputs))
    return invalidArgument("session, inputs or outputs is NULL");
  std::fill_n(outputs, num_outputs, nullptr);
  if (num_outputs != session->outputs.size())
    return invalidArgument("the number of outputs is not that of the model");
  return guarded([&]() -> TenonError * {
    TenonRunOptions read;
    tenon_run_options_init(&read);
    if (!readOptions(options, read))
      return invalidArgument("the size of the run options is wrong: use tenon_run_options_init");
    std::vector<Value> given;
    for (size_t i = 0; i < num_inputs; ++i)
      given.push_back(inputs[i] ? inputs[i]->value : Value());
    Profile profile;
    RunOptions run;
    run.profile = read.profile_path ? &profile : nullptr;
    auto results = session->session->runValues(given, run);
    if (!results)
      return makeError(results.status());
    if (read.profile_path)
      if (TenonError *error = writeProfile(profile, read.profile_path))
        return error;
    release(std::move(*results), outputs);
    return nullptr;
  });
}
