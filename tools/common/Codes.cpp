//===- Codes.cpp - Every error code, in one place -------------------------===//
#include "common/Codes.h"

#include "tenon/Plan/Codes.h"
#include "tenon/Support/Errors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace tenon::tools {

static constexpr const char *bug = "this is a fault of Tenon: report it with the model and the command";

/// Codes of the tools, and those of the compiler that carry their own remedies.
static constexpr ErrorCode toolCodes[] = {
    {"TN2301", "the reference evaluation needs too much memory", "use smaller inputs (--shape)", ExitLimit},
    {"TN2302", "the reference evaluation met extents that do not fit", "use inputs whose extents the model accepts",
     ExitModel},
    {"TN2303", "an operation has no reference evaluation", "compare with --against=onnxruntime", ExitUnsupported},
    {"TN2304", "the inputs do not fit the model", "see the inputs with `tenon inspect`", ExitUsage},
    {"TN3001", "a constant cannot be converted to the precision that was asked for", "compile without --precision",
     ExitUnsupported},
    {"TN3101", "a compression needs data, and there are none", "add --calibration=FILE.npz, or a folder of them",
     ExitUsage},
    {"TN3102", "a model whose branches or loops a run decides cannot be compressed",
     "compile it without --quantize, --prune and --low-rank", ExitUnsupported},
    {"TN4001", "a problem of partitioning is malformed", bug, ExitInternal},
    {"TN4002", "no partition fits into memory", "use more devices, or devices with more memory", ExitLimit},
    {"TN4003", "what was forced on a partition contradicts itself", "lift one of the pins", ExitUsage},
    {"TN4004", "a graph can be cut into stages in too many ways", "join layers that belong together", ExitLimit},
    {"TN4011", "the microbatches do not fit the schedule", "use a multiple of the stages, or another schedule",
     ExitUsage},
    {"TN4013", "a training step cannot be cut as its plan says", "choose sizes that divide the batch and the layers",
     ExitUsage},
    {"TN4014", "a training step does not fit into memory", "use more stages or tensor-parallel ranks", ExitLimit},
    {"TN4021", "a model of several functions cannot be split over ranks",
     "compile it for one device; control flow that only a run decides makes several functions", ExitUnsupported},
    {"TN4012", "a schedule cannot run", bug, ExitInternal},
    {"TN4015", "a graph of tasks to simulate is malformed", bug, ExitInternal},
    {"TN4016", "tasks to simulate wait for each other", bug, ExitInternal},
    {"TN4020", "a forced partition has nothing to split", "choose another form, or auto", ExitUsage},
    {"TN4022", "a form of parallelism cannot be had",
     "write auto, or data:N, tensor:N and pipeline:N, within the cluster", ExitUsage},
    {"TN4023", "a node cannot be split as it is asked to",
     "take a node and a strategy as `tenon partition` prints them", ExitUsage},
    {"TN4017", "a plan of stages does not fit its model", "choose sizes that divide devices and batch", ExitUsage},
    {"TN4018", "no stages, splits and recomputation fit into memory", "use more devices, or devices with more memory",
     ExitLimit},
    {"TN5001", "an operation has no kernel on this target", "replace the node by others, or report it",
     ExitUnsupported},
    {"TN5002", "a kernel cannot be lowered", bug, ExitInternal},
    {"TN5003", "a kernel cannot be translated to LLVM IR", bug, ExitInternal},
    {"TN5004", "kernels cannot be compiled for an architecture", bug, ExitInternal},
    {"TN5010", "the architecture is unknown", "see `tenon compile --help`", ExitUsage},
    {"TN5011", "there is no such target", "choose among cpu, cuda and vgpu", ExitUnsupported},
    {"TN5012", "the target does not compute in the precision that was asked for",
     "leave --precision out, or compile for cuda or vgpu", ExitUnsupported},
    {"TN5013", "the target has no libraries, which were asked for", "leave --tactics out, or compile for cuda", 3},
    {"TN5020", "an operation has no text in CUDA C++", bug, ExitInternal},
    {"TN5021", "no CUDA compiler was found", "install the CUDA toolkit or the Python package nvidia-cuda-nvrtc",
     ExitUsage},
    {"TN5022", "the CUDA compiler refused a kernel", bug, ExitInternal},
    {"TN5023", "the CUDA compiler does not know an architecture", "use a newer CUDA toolkit, or another --arch",
     ExitUsage},
    {"TN5024", "no C++ compiler was found for the virtual GPU", "install clang or g++, or set TENON_HOST_CXX",
     ExitUsage},
    {"TN9001", "the compiler failed without an error code of its own",
     "this is a fault of Tenon: report it with the model and the command", ExitInternal},
    {"TN9002", "the command line is wrong", "see `tenon COMMAND --help`", ExitUsage},
    {"TN9003", "an option has a value that is not allowed", "see `tenon COMMAND --help`", ExitUsage},
    {"TN9004", "a tensor file cannot be read", "check the path and its permissions", ExitUsage},
    {"TN9005", "a tensor file is not a valid .npy file", "write it again with numpy.save", ExitUsage},
    {"TN9006", "a tensor file has a type or layout that is not supported",
     "convert it with numpy to a little-endian number type", ExitUsage},
    {"TN9007", "an output file cannot be written", "check that the folder exists, is writable and has space",
     ExitUsage},
    {"TN9008", "the results differ", "report it as a bug with the model and the command", ExitModel},
    {"TN9009", "ONNX Runtime is not available",
     "install it with `pip install onnxruntime numpy`, or set TENON_PYTHON to a Python that has it", ExitUnsupported},
    {"TN9010", "the compiler cannot write its output", "check that the folder exists, is writable and has space",
     ExitUsage},
    {"TN9011", "the memory limit is exceeded", "raise --max-memory, or use a machine with more memory", ExitLimit},
    {"TN9012", "the tool ended by a signal", "this is a fault of Tenon: report it with the model and the command",
     ExitInternal},
    {"TN9013", "there is no such error code", "`tenon explain` lists all of them", ExitUsage},
    {"TN9014", "there is no such target", "choose among cpu, cuda and vgpu", ExitUnsupported},
    {"TN9015", "a temporary file cannot be made", "set TMPDIR to a folder that is writable and has space", ExitUsage},
    {"TN9016", "inputs cannot be drawn for this model", "pass them with --input NAME=FILE.npy", ExitUnsupported},
    {"TN9017", "ONNX Runtime cannot run the model", "compare with --against=reference", ExitUnsupported},
    {"TN9018", "the reference evaluator cannot run the model", "compare with --against=onnxruntime", ExitUnsupported},
    {"TN9030", "a device description is invalid", "correct the line; docs/Rationale/CostModel.md lists the names",
     ExitUsage},
    {"TN9040", "a cluster description is invalid", "correct it; docs/Rationale/TrainingSteps.md lists the names",
     ExitUsage},
    {"TN9041", "there is no such cluster",
     "choose among a100, h100, h200, l4, mixed and cpu, or give the path of a description", ExitUsage},
    {"TN9042", "a table cannot be read", "docs/Rationale/TrainingSteps.md lists the columns of each kind of table",
     ExitUsage},
    {"TN9050", "a folder is no data set", "give a file.npz, or a folder with one kind of data in it", ExitUsage},
    {"TN9051", "a file is not a valid .npz file", "write it again with numpy.savez", ExitUsage},
    {"TN9052", "a zip archive uses what is not supported", "write it with numpy.savez or numpy.savez_compressed",
     ExitUsage},
    {"TN9053", "data do not fit the model, or each other",
     "give an array for each input that `tenon inspect` lists, or one more leading axis of samples", ExitUsage},
    {"TN9054", "a picture cannot be read", "write it again as .png, .jpg or .ppm", ExitUsage},
    {"TN9055", "this build of Tenon cannot read such pictures",
     "convert the picture to .ppm, or build Tenon where libpng and libjpeg are installed", ExitUnsupported},
    {"TN9056", "the model cannot be calibrated", "compress without data: --quantize=int8-dynamic, or int4",
     ExitUnsupported},
    {"TN9057", "a data set for calibration holds no samples", "give data; `tenon data inspect` lists what is in them",
     ExitUsage},
    {"TN9031", "there is no such device",
     "see `tenon compile --help` for the devices, or give the path of a description", ExitUsage},
};

static Explanation explain(const ErrorCode &row) {
  return {std::string(row.code), std::string(row.title), "", std::string(row.remedy), row.exit};
}

std::vector<Explanation> allCodes() {
  std::vector<Explanation> all;
  for (const CodeInfo &row : getCodeTable())
    all.push_back({llvm::formatv("TN{0,0+4}", unsigned(row.code)).str(), row.summary.str(), row.explanation.str(),
                   row.remedy.str(), int(row.exit)});
  size_t count = 0;
  const ErrorCode *rows = errorCodes(count);
  for (const ErrorCode &row : llvm::ArrayRef(rows, count))
    all.push_back(explain(row));
  for (const ErrorCode &row : toolCodes)
    all.push_back(explain(row));
  llvm::sort(all, [](const Explanation &a, const Explanation &b) { return a.code < b.code; });
  return all;
}

int exitStatusOf(llvm::StringRef code) {
  for (const Explanation &row : allCodes())
    if (row.code == code)
      return row.exit;
  return ExitInternal;
}

llvm::StringRef exitStatusName(int status) {
  switch (status) {
  case ExitOk:
    return "ok";
  case ExitModel:
    return "model error";
  case ExitUsage:
    return "usage";
  case ExitUnsupported:
    return "unsupported";
  case ExitLimit:
    return "resource limit";
  case ExitIntegrity:
    return "integrity";
  case ExitDevice:
    return "device";
  default:
    return "internal";
  }
}

} // namespace tenon::tools
