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
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace tenon::python;

using InputArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

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
  nb::list inputs() const { return describe(tenon_session_num_inputs(handle), tenon_session_input); }
  nb::list outputs() const { return describe(tenon_session_num_outputs(handle), tenon_session_output); }

  /// The i-th input has a name in UTF-8, an array and a type; returns (name, type, array) for each output, in model
  /// order.
  nb::list run(const std::vector<nb::bytes> &names, const std::vector<InputArray> &arrays,
               const std::vector<int> &types, const std::optional<std::string> &profile) {
    std::vector<std::vector<int64_t>> dims(arrays.size());
    std::vector<TenonTensor> tensors;
    for (size_t i = 0; i < arrays.size(); ++i) {
      for (size_t k = 0; k < arrays[i].ndim(); ++k)
        dims[i].push_back(int64_t(arrays[i].shape(k)));
      tensors.push_back(
          {names[i].c_str(), const_cast<void *>(arrays[i].data()), types[i], int32_t(dims[i].size()), dims[i].data()});
    }
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

private:
  using Describe = TenonError *(*)(const TenonSession *, size_t, TenonTensorInfo *);

  /// (name, type, [extent or -1], [name of extent]) for each tensor.
  nb::list describe(size_t count, Describe get) const {
    nb::list out;
    for (size_t i = 0; i < count; ++i) {
      TenonTensorInfo info;
      check(get(handle, i, &info));
      nb::list dims, dimNames;
      for (int32_t k = 0; k < info.rank; ++k) {
        dims.append(info.dims[k]);
        dimNames.append(text(info.dim_names[k]));
      }
      out.append(nb::make_tuple(text(info.name), int(info.type), dims, dimNames));
    }
    return out;
  }

  /// Arrays over the memory of `result`, which lives until the last of them is gone.
  static nb::list collect(TenonResult *result) {
    nb::capsule owner(result, [](void *memory) noexcept { tenon_result_destroy(static_cast<TenonResult *>(memory)); });
    static char nothing; // an array without elements wants an address too
    nb::list out;
    for (size_t i = 0; i < tenon_result_num_outputs(result); ++i) {
      TenonTensor tensor;
      check(tenon_result_output(result, i, &tensor));
      const std::vector<size_t> shape(tensor.dims, tensor.dims + tensor.rank);
      nb::ndarray<nb::numpy> array(tensor.data ? tensor.data : &nothing, shape.size(), shape.data(), owner, nullptr,
                                   arrayType(tensor.type));
      out.append(nb::make_tuple(text(tensor.name), int(tensor.type), nb::cast(array, nb::rv_policy::reference)));
    }
    return out;
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
      .def("run", &Session::run, nb::arg("names"), nb::arg("arrays"), nb::arg("types"), nb::arg("profile").none());
  module.def("version", [] { return std::string(tenon_runtime_version()); });
  module.def("cpu_arch", [] { return std::string(tenon_cpu_arch()); });
}
