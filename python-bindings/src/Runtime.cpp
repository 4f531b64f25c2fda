//===- Runtime.cpp - The extension module tenon._runtime ------------------===//
//
// The C interface of the runtime, with the GIL released while a model is loaded or runs. Element types are the numbers
// of TenonType; tenon/_session.py maps them to numpy's.
//
//===----------------------------------------------------------------------===//
#include "Errors.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <utility>

namespace nb = nanobind;
using namespace tenon::python;

using InputArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
/// A TenonValueKind, a type, and the arrays: one of a tensor, none of an empty optional.
using InputValue = std::tuple<int, int, std::vector<InputArray>>;

/// Type of the array that holds the elements; bfloat16, which numpy lacks, comes as uint16.
static nb::dlpack::dtype arrayType(int32_t type) {
  using Code = nb::dlpack::dtype_code;
  const auto bits = uint8_t(tenon_type_size(type) * 8);
  switch (type) {
  case TENON_F32:
  case TENON_F64:
  case TENON_F16:
    return {uint8_t(Code::Float), bits, 1};
  case TENON_I8:
  case TENON_I16:
  case TENON_I32:
  case TENON_I64:
    return {uint8_t(Code::Int), bits, 1};
  case TENON_BOOL:
    return {uint8_t(Code::Bool), bits, 1};
  default:
    return {uint8_t(Code::UInt), bits, 1};
  }
}

namespace {
/// Tensors over the memory of arrays.
class TensorList {
public:
  void add(const char *name, const InputArray &array, int type) {
    std::vector<int64_t> &shape = dims.emplace_back();
    for (size_t k = 0; k < array.ndim(); ++k)
      shape.push_back(int64_t(array.shape(k)));
    // Vectors keep their elements where they are when they are moved.
    tensors.push_back({name, const_cast<void *>(array.data()), type, int32_t(shape.size()), shape.data()});
  }
  const std::vector<TenonTensor> &get() const { return tensors; }

private:
  std::vector<std::vector<int64_t>> dims;
  std::vector<TenonTensor> tensors;
};

/// Values that go when the list does.
class ValueList {
public:
  explicit ValueList(size_t count) : values(count) {}
  ~ValueList() {
    for (TenonValue *value : values)
      tenon_value_destroy(value);
  }
  ValueList(const ValueList &) = delete;
  ValueList &operator=(const ValueList &) = delete;

  TenonValue **data() { return values.data(); }
  size_t size() const { return values.size(); }
  TenonValue *release(size_t index) { return std::exchange(values[index], nullptr); }

private:
  std::vector<TenonValue *> values;
};

class Session {
public:
  Session(const std::string &path, int threads, const std::optional<std::string> &arch) {
    TenonSessionOptions options;
    tenon_session_options_init(&options);
    options.threads = threads;
    options.arch = arch ? arch->c_str() : nullptr;
    TenonError *error;
    {
      nb::gil_scoped_release released;
      error = tenon_session_create(path.c_str(), &options, &handle);
    }
    check(error);
  }
  ~Session() { tenon_session_destroy(handle); }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  int threads() const { return tenon_session_threads(handle); }
  std::string arch() const { return tenon_session_arch(handle); }
  nb::list inputs() const {
    return describe(tenon_session_num_inputs(handle), tenon_session_input, tenon_session_input_kind);
  }
  nb::list outputs() const {
    return describe(tenon_session_num_outputs(handle), tenon_session_output, tenon_session_output_kind);
  }

  /// The i-th input has a name in UTF-8, an array and a type; returns (name, type, array) for each output, in model
  /// order.
  nb::list run(const std::vector<nb::bytes> &names, const std::vector<InputArray> &arrays,
               const std::vector<int> &types, const std::optional<std::string> &profile) {
    TensorList list;
    for (size_t i = 0; i < arrays.size(); ++i)
      list.add(names[i].c_str(), arrays[i], types[i]);
    const std::vector<TenonTensor> &tensors = list.get();
    TenonRunOptions options;
    tenon_run_options_init(&options);
    options.profile_path = profile ? profile->c_str() : nullptr;
    TenonResult *result = nullptr;
    TenonError *error;
    {
      nb::gil_scoped_release released;
      error = tenon_session_run(handle, tensors.data(), tensors.size(), nullptr, 0, &options, &result);
    }
    check(error);
    return collect(result);
  }

  /// Values in model order; returns (kind, type, [array]) for each output.
  nb::list runValues(const std::vector<InputValue> &values, const std::optional<std::string> &profile) {
    std::vector<TensorList> lists(values.size());
    ValueList inputs(values.size()), outputs(tenon_session_num_outputs(handle));
    for (size_t i = 0; i < values.size(); ++i) {
      const auto &[kind, type, arrays] = values[i];
      for (const InputArray &array : arrays)
        lists[i].add("", array, type);
      const std::vector<TenonTensor> &tensors = lists[i].get();
      if (kind == TENON_VALUE_SEQUENCE)
        check(tenon_value_sequence(type, tensors.data(), tensors.size(), inputs.data() + i));
      else if (kind == TENON_VALUE_TENSOR && tensors.size() == 1)
        check(tenon_value_tensor(tensors.data(), inputs.data() + i));
    }
    TenonRunOptions options;
    tenon_run_options_init(&options);
    options.profile_path = profile ? profile->c_str() : nullptr;
    TenonError *error;
    {
      nb::gil_scoped_release released;
      error = tenon_session_run_values(handle, inputs.data(), inputs.size(), &options, outputs.data(), outputs.size());
    }
    check(error);
    nb::list out;
    for (size_t i = 0; i < outputs.size(); ++i)
      out.append(collectValue(outputs.release(i)));
    return out;
  }

private:
  using Describe = TenonError *(*)(const TenonSession *, size_t, TenonTensorInfo *);
  using DescribeKind = TenonError *(*)(const TenonSession *, size_t, int32_t *, int32_t *, int32_t *);

  /// (name, type, [extent or -1], [name of extent], kind, is optional, is ranked) for each value.
  nb::list describe(size_t count, Describe get, DescribeKind getKind) const {
    nb::list out;
    for (size_t i = 0; i < count; ++i) {
      TenonTensorInfo info;
      check(get(handle, i, &info));
      nb::list dims, dimNames;
      for (int32_t k = 0; k < info.rank; ++k) {
        dims.append(info.dims[k]);
        dimNames.append(text(info.dim_names[k]));
      }
      int32_t kind = 0, optional = 0, ranked = 0;
      check(getKind(handle, i, &kind, &optional, &ranked));
      out.append(
          nb::make_tuple(text(info.name), int(info.type), dims, dimNames, int(kind), optional != 0, ranked != 0));
    }
    return out;
  }

  /// Arrays over the memory of `result`, which lives until the last of them is gone.
  static nb::list collect(TenonResult *result) {
    nb::capsule owner(result, [](void *memory) noexcept { tenon_result_destroy(static_cast<TenonResult *>(memory)); });
    nb::list out;
    for (size_t i = 0; i < tenon_result_num_outputs(result); ++i) {
      TenonTensor tensor;
      check(tenon_result_output(result, i, &tensor));
      out.append(nb::make_tuple(text(tensor.name), int(tensor.type), view(tensor, owner)));
    }
    return out;
  }

  /// The same of `value`: (kind, type, [array]).
  static nb::tuple collectValue(TenonValue *value) {
    nb::capsule owner(value, [](void *memory) noexcept { tenon_value_destroy(static_cast<TenonValue *>(memory)); });
    nb::list arrays;
    for (size_t i = 0; i < tenon_value_size(value); ++i) {
      TenonTensor tensor;
      check(tenon_value_element(value, i, &tensor));
      arrays.append(view(tensor, owner));
    }
    return nb::make_tuple(int(tenon_value_kind(value)), int(tenon_value_type(value)), arrays);
  }

  static nb::object view(const TenonTensor &tensor, const nb::capsule &owner) {
    static char nothing; // an array without elements wants an address too
    const std::vector<size_t> shape(tensor.dims, tensor.dims + tensor.rank);
    nb::ndarray<nb::numpy> array(tensor.data ? tensor.data : &nothing, shape.size(), shape.data(), owner, nullptr,
                                 arrayType(tensor.type));
    return nb::cast(array, nb::rv_policy::reference);
  }

  TenonSession *handle = nullptr;
};
} // namespace

NB_MODULE(_runtime, module) {
  nb::class_<Session>(module, "Session")
      .def(nb::init<const std::string &, int, const std::optional<std::string> &>(), nb::arg("path"),
           nb::arg("threads"), nb::arg("arch").none())
      .def_prop_ro("threads", &Session::threads)
      .def_prop_ro("arch", &Session::arch)
      .def_prop_ro("inputs", &Session::inputs)
      .def_prop_ro("outputs", &Session::outputs)
      .def("run", &Session::run, nb::arg("names"), nb::arg("arrays"), nb::arg("types"), nb::arg("profile").none())
      .def("run_values", &Session::runValues, nb::arg("values"), nb::arg("profile").none());
  module.def("version", [] { return std::string(tenon_runtime_version()); });
  module.def("cpu_arch", [] { return std::string(tenon_cpu_arch()); });
}
