//===- Compiler.cpp - The C interface of the compiler ---------------------===//
//
// A thin layer over compileModel: translates structs, and the first diagnostic into a TenonError.
//
//===----------------------------------------------------------------------===//
#include "tenon-c/compiler.h"

#include "tenon/Compress/Compress.h"
#include "tenon/Pipelines/Compiler.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace tenon;

static TenonError *makeError(const ErrorInfo &info) {
  return tenon_error_create(info.code.c_str(), info.message.c_str(), info.remedy.c_str(), info.node.c_str());
}

static TenonError *invalidArgument(const char *what) {
  return tenon_error_create("TN7014", what, "see tenon-c/compiler.h", "");
}

const char *tenon_compiler_version(void) { return "tenon " TENON_VERSION; }

void tenon_compile_options_init(TenonCompileOptions *options) {
  if (!options)
    return;
  *options = {};
  options->size = sizeof(TenonCompileOptions);
  options->target = "cpu";
  options->optimization = 2;
}

void tenon_compress_options_init(TenonCompressOptions *options) {
  if (!options)
    return;
  *options = {};
  options->size = sizeof(TenonCompressOptions);
  options->samples = compress::Options().samples;
}

/// The caller's struct, which may be of an older and shorter version, over the defaults, which `options` holds.
template <typename T>
static bool readOptions(const T *given, T &options) {
  if (!given)
    return true;
  if (given->size < sizeof(size_t) || given->size > 4096)
    return false;
  std::memcpy(&options, given, std::min(given->size, sizeof(T)));
  return true;
}

/// Null where everything is in order.
static TenonError *translate(const TenonCompressOptions *given, compress::Options &options) {
  TenonCompressOptions read;
  tenon_compress_options_init(&read);
  if (!readOptions(given, read))
    return invalidArgument("the size of the compress options is wrong: use tenon_compress_options_init");
  using Parse = Status (*)(llvm::StringRef, compress::Options &);
  const std::pair<const char *, Parse> texts[] = {{read.quantize, compress::parseQuantization},
                                                  {read.rounding, compress::parseRounding},
                                                  {read.range, compress::parseRange},
                                                  {read.prune, compress::parsePruning},
                                                  {read.prune_method, compress::parsePruneMethod}};
  for (auto [text, parse] : texts)
    if (const Status parsed = text ? parse(text, options) : Status::success(); !parsed.ok())
      return makeError(parsed.error());
  const std::optional<Precision> precision = parsePrecision(read.precision ? read.precision : "full");
  if (!precision || *precision == Precision::Tf32)
    return invalidArgument("precision of the compress options is none of full, fp16 and bf16");
  if (!(read.low_rank >= 0 && read.low_rank < 1) || read.samples < 1 || (read.num_keep && !read.keep))
    return invalidArgument("low_rank, samples or keep of the compress options is out of range");
  options.precision = *precision;
  options.lowRank = read.low_rank;
  options.merges = read.merge != 0;
  options.calibration = read.calibration ? read.calibration : "";
  options.samples = read.samples;
  for (const char *node : llvm::ArrayRef(read.keep, read.num_keep))
    if (node)
      options.keep.push_back(node);
  if (!options.any())
    return tenon_error_create("TN9003", "there is nothing to compress",
                              "name quantize, prune, low_rank, merge or precision", "");
  if (const Status checked = options.check(); !checked.ok())
    return makeError(checked.error());
  return nullptr;
}

static bool readShapes(const TenonCompileOptions &given, CompileOptions &options) {
  if (given.num_shapes != 0 && !given.shapes)
    return false;
  for (const TenonShape &shape : llvm::ArrayRef(given.shapes, given.num_shapes)) {
    if (!shape.name || shape.rank < 0 || (shape.rank > 0 && !shape.dims))
      return false;
    options.shapes[shape.name] = {{shape.dims, shape.dims + shape.rank}, shape.fixed != 0};
  }
  return true;
}

/// Null where everything is in order.
static TenonError *translate(const TenonCompileOptions &given, CompileOptions &options) {
  if (given.threads < 0 || given.jobs < 0 || given.optimization < 0 || given.optimization > 3)
    return invalidArgument("threads, jobs or optimization of the compile options is out of range");
  if (!readShapes(given, options))
    return invalidArgument("a shape of the compile options has no name, no dims or a negative rank");
  options.target = given.target ? given.target : "cpu";
  if (given.archs)
    options.archs.clear();
  for (size_t i = 0; given.archs && i < given.num_archs; ++i) {
    if (!given.archs[i])
      return invalidArgument("an arch of the compile options is NULL");
    options.archs.push_back(given.archs[i]);
  }
  options.threads = unsigned(given.threads);
  options.jobs = unsigned(given.jobs);
  options.optimization = unsigned(given.optimization);
  const std::optional<Precision> precision = parsePrecision(given.precision ? given.precision : "full");
  if (!precision)
    return invalidArgument("precision of the compile options is none of full, tf32, fp16 and bf16");
  options.precision = *precision;
  const std::optional<cost::Tactics> tactics = cost::parseTactics(given.tactics ? given.tactics : "auto");
  if (!tactics)
    return invalidArgument("tactics of the compile options is none of own, libraries and auto");
  options.tactics = *tactics;
  options.keepSource = given.keep_source != 0;
  options.usesHost = given.refuse_host == 0;
  options.timings = given.timings ? given.timings : "";
  options.device = given.device ? given.device : "";
  if (const Status applied = applyDevice(options); !applied.ok())
    return makeError(applied.error());
  options.maxMemory = given.max_memory;
  options.devices = given.devices ? given.devices : "";
  if (!given.devices && given.parallel && given.parallel != std::string_view("auto"))
    return tenon_error_create("TN9003", "parallel: there are no devices to split over", "name the devices", "");
  options.parallel = given.parallel ? given.parallel : "auto";
  if (given.progress)
    options.progress = [progress = given.progress, user = given.user](Phase phase, double done) {
      progress(phaseNames[size_t(phase)].data(), done, user);
    };
  return nullptr;
}

TenonError *tenon_compile_file(const char *path, const char *output, const TenonCompileOptions *given) {
  if (!path || !output || !*output)
    return invalidArgument("path or output is NULL or empty");
  TenonCompileOptions read;
  tenon_compile_options_init(&read);
  if (!readOptions(given, read))
    return invalidArgument("the size of the compile options is wrong: use tenon_compile_options_init");
  CompileOptions options;
  if (TenonError *error = translate(read, options))
    return error;
  compress::Options compression;
  compress::Result compressed;
  if (read.compress) {
    if (TenonError *error = translate(read.compress, compression))
      return error;
    compression.precision = options.precision;
    options.compress = compress::makeCompressor(compression, compressed, &options);
  }
  mlir::DialectRegistry dialects;
  registerAllDialects(dialects);
  mlir::MLIRContext context(dialects);
  context.loadAllAvailableDialects();
  DiagnosticCollector diagnostics(context);
  if (succeeded(compileModel(path, output, options, context)))
    return nullptr;
  return makeError(diagnostics.errorsOfFailure().front());
}

namespace {
/// A folder of its own, so that no file beside the model can be taken for its external data.
struct ScratchFolder {
  llvm::SmallString<128> path;
  bool made;
  ScratchFolder() : made(!llvm::sys::fs::createUniqueDirectory("tenon", path)) {}
  ~ScratchFolder() {
    if (made)
      llvm::sys::fs::remove_directories(path);
  }
};
} // namespace

TenonError *tenon_compile_bytes(const void *data, size_t size, const char *output, const TenonCompileOptions *given) {
  if (!data)
    return invalidArgument("data is NULL");
  const ScratchFolder scratch;
  const std::string path = (scratch.path + "/model.onnx").str();
  std::error_code failure;
  if (scratch.made) {
    llvm::raw_fd_ostream file(path, failure);
    if (!failure) {
      file.write(static_cast<const char *>(data), size);
      file.close();
      failure = file.error();
      file.clear_error();
    }
  }
  if (!scratch.made || failure)
    return tenon_error_create("TN9015", "a temporary file cannot be written",
                              "set TMPDIR to a folder that is writable and has space", "");
  return tenon_compile_file(path.c_str(), output, given);
}

TenonError *tenon_compress_file(const char *path, const char *output, const TenonCompressOptions *given) {
  if (!path || !output || !*output)
    return invalidArgument("path or output is NULL or empty");
  compress::Options options;
  if (TenonError *error = translate(given, options))
    return error;
  mlir::DialectRegistry dialects;
  registerAllDialects(dialects);
  mlir::MLIRContext context(dialects);
  context.loadAllAvailableDialects();
  DiagnosticCollector diagnostics(context);
  if (succeeded(compress::compressFile(path, output, options, context)))
    return nullptr;
  return makeError(diagnostics.errorsOfFailure().front());
}
