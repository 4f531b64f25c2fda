//===- Compiler.cpp - The extension module tenon._compiler ----------------===//
#include "Errors.h"

#include "tenon-c/compiler.h"
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace tenon::python;

namespace {
using Shapes = std::map<std::string, std::vector<int64_t>>;
using Texts = std::map<std::string, std::string>;

/// Texts by the names of fields, "low_rank" and "samples" as numbers, with `keep`.
struct Compression {
  TenonCompressOptions options;
  std::vector<const char *> keep;

  Compression(const Texts &texts, double lowRank, int64_t samples, bool merge, const std::vector<std::string> &nodes) {
    tenon_compress_options_init(&options);
    auto find = [&](const char *name) {
      auto found = texts.find(name);
      return found == texts.end() ? nullptr : found->second.c_str();
    };
    options.quantize = find("quantize");
    options.rounding = find("rounding");
    options.range = find("range");
    options.prune = find("prune");
    options.prune_method = find("prune_method");
    options.precision = find("precision");
    options.calibration = find("calibration");
    options.low_rank = lowRank;
    options.samples = samples;
    options.merge = merge;
    for (const std::string &node : nodes)
      keep.push_back(node.c_str());
    options.keep = keep.data();
    options.num_keep = keep.size();
  }
};

/// What `options` points to.
struct Options {
  TenonCompileOptions options;
  std::vector<const char *> archs;
  std::vector<TenonShape> shapes;

  void add(const Shapes &given, bool fixed) {
    for (const auto &[name, dims] : given)
      shapes.push_back({name.c_str(), int32_t(dims.size()), dims.data(), fixed});
  }
};
} // namespace

/// Compiles the file `path`, or `bytes` where that is None, into the file `output`.
static void compile(const std::optional<std::string> &path, const std::optional<nb::bytes> &bytes,
                    const std::string &output, const std::string &target, int threads, int jobs, int optimization,
                    const std::string &precision, const std::optional<std::string> &device, bool keepSource,
                    const std::optional<std::string> &timings, const std::string &tactics, bool usesHost,
                    const std::optional<std::string> &devices, const std::string &parallel,
                    const std::optional<std::vector<std::string>> &archs, const Shapes &shapes,
                    const Shapes &fixedShapes, const Texts &compression, double lowRank, int64_t samples, bool merge,
                    const std::vector<std::string> &keep) {
  const Compression compressed(compression, lowRank, samples, merge, keep);
  Options given;
  tenon_compile_options_init(&given.options);
  if (archs)
    for (const std::string &arch : *archs)
      given.archs.push_back(arch.c_str());
  given.add(shapes, false);
  given.add(fixedShapes, true);
  given.options.target = target.c_str();
  given.options.archs = archs ? given.archs.data() : nullptr;
  given.options.num_archs = given.archs.size();
  given.options.shapes = given.shapes.data();
  given.options.num_shapes = given.shapes.size();
  given.options.threads = threads;
  given.options.jobs = jobs;
  given.options.optimization = optimization;
  given.options.precision = precision.c_str();
  given.options.device = device ? device->c_str() : nullptr;
  given.options.keep_source = keepSource;
  given.options.timings = timings ? timings->c_str() : nullptr;
  given.options.tactics = tactics.c_str();
  given.options.refuse_host = !usesHost;
  given.options.devices = devices ? devices->c_str() : nullptr;
  given.options.parallel = parallel.c_str();
  if (!compression.empty() || lowRank > 0 || merge || !keep.empty())
    given.options.compress = &compressed.options;
  const void *data = bytes ? bytes->data() : nullptr;
  const size_t size = bytes ? bytes->size() : 0;
  TenonError *error;
  {
    nb::gil_scoped_release released;
    error = path ? tenon_compile_file(path->c_str(), output.c_str(), &given.options)
                 : tenon_compile_bytes(data, size, output.c_str(), &given.options);
  }
  check(error);
}

/// Compresses the file `path` into the file `output`.
static void compress(const std::string &path, const std::string &output, const Texts &compression, double lowRank,
                     int64_t samples, bool merge, const std::vector<std::string> &keep) {
  const Compression given(compression, lowRank, samples, merge, keep);
  TenonError *error;
  {
    nb::gil_scoped_release released;
    error = tenon_compress_file(path.c_str(), output.c_str(), &given.options);
  }
  check(error);
}

NB_MODULE(_compiler, module) {
  module.def("compile", &compile, nb::arg("path").none(), nb::arg("data").none(), nb::arg("output"), nb::arg("target"),
             nb::arg("threads"), nb::arg("jobs"), nb::arg("optimization"), nb::arg("precision"),
             nb::arg("device").none(), nb::arg("keep_source"), nb::arg("timings").none(), nb::arg("tactics"),
             nb::arg("host_kernels"), nb::arg("devices").none(), nb::arg("parallel"), nb::arg("archs").none(),
             nb::arg("shapes"), nb::arg("fixed_shapes"), nb::arg("compression"), nb::arg("low_rank"),
             nb::arg("samples"), nb::arg("merge"), nb::arg("keep"));
  module.def("compress", &compress, nb::arg("path"), nb::arg("output"), nb::arg("compression"), nb::arg("low_rank"),
             nb::arg("samples"), nb::arg("merge"), nb::arg("keep"));
}
