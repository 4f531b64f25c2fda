//===- VerifyOnnxRuntime.cpp - ONNX Runtime as an oracle ------------------===//
#include "PythonChild.h"
#include "Verify.h"
#include "tenon/Data/Npy.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

/// Reads DIR/job.json and DIR/in_*.npy, writes DIR/out_*.npy.
static constexpr char script[] = R"(import json
import sys

import numpy
import onnxruntime

folder = sys.argv[1]
with open(folder + "/job.json", encoding="utf-8") as file:
    job = json.load(file)
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.intra_op_num_threads = job["threads"]
session = onnxruntime.InferenceSession(job["model"], options, providers=["CPUExecutionProvider"])
feed = {name: numpy.load(f"{folder}/in_{i}.npy") for i, name in enumerate(job["inputs"])}
for i, value in enumerate(session.run(job["outputs"], feed)):
    numpy.save(f"{folder}/out_{i}.npy", numpy.asarray(value))
)";

static Status writeText(const std::string &path, llvm::StringRef text) {
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error) {
    file << text;
    file.close();
    error = file.error();
  }
  return error ? Status::error("TN9015", "cannot write '" + path + "': " + error.message()) : Status::success();
}

namespace {
class OnnxRuntimeOracle : public Oracle {
public:
  OnnxRuntimeOracle(PythonChild python, llvm::StringRef model, llvm::StringRef scratch, int threads)
      : python(std::move(python)), model(model), scratch(scratch), threads(threads) {}

  Expected<std::vector<runtime::Tensor>> run(llvm::ArrayRef<runtime::NamedTensor> inputs,
                                             llvm::ArrayRef<std::string> names) override {
    TENON_RETURN_IF_ERROR(writeJob(inputs, names));
    std::string message;
    if (runPython(python, scratch + "/oracle.py", {scratch}, scratch, message) != 0)
      return Status::error("TN9017", "ONNX Runtime failed: " + message, "", "compare with --against=reference");
    std::vector<runtime::Tensor> out;
    for (size_t i = 0; i < names.size(); ++i) {
      auto tensor = data::readNpy(file("out", i));
      if (!tensor)
        return tensor.takeStatus();
      out.push_back(std::move(*tensor));
    }
    return out;
  }

private:
  std::string file(const char *kind, size_t index) const {
    return llvm::formatv("{0}/{1}_{2}.npy", scratch, kind, index).str();
  }

  Status writeJob(llvm::ArrayRef<runtime::NamedTensor> inputs, llvm::ArrayRef<std::string> names) {
    json::Array inputNames, outputNames;
    for (const std::string &name : names)
      outputNames.push_back(json::fixUTF8(name));
    for (size_t i = 0; i < inputs.size(); ++i) {
      inputNames.push_back(json::fixUTF8(inputs[i].name));
      TENON_RETURN_IF_ERROR(data::writeNpy(file("in", i), inputs[i].tensor));
    }
    json::Object job{
        {"model", model}, {"threads", threads}, {"inputs", std::move(inputNames)}, {"outputs", std::move(outputNames)}};
    TENON_RETURN_IF_ERROR(writeText(scratch + "/oracle.py", script));
    return writeText(scratch + "/job.json", llvm::formatv("{0}", json::Value(std::move(job))).str());
  }

  PythonChild python;
  std::string model, scratch;
  int threads;
};
} // namespace

Expected<std::unique_ptr<Oracle>> tools::makeOnnxRuntimeOracle(llvm::StringRef model, llvm::StringRef scratch,
                                                               int threads) {
  PythonChild python = findPython();
  if (python.path.empty())
    return Status::error("TN9009", "there is no Python to run ONNX Runtime with", "",
                         "install Python, numpy and onnxruntime, or set TENON_PYTHON to a Python that has them");
  for (const char *module : {"onnxruntime", "numpy"})
    if (moduleVersion(python, module).empty())
      return Status::error("TN9009", python.path + " has no module " + module, "",
                           "install it with `" + python.path +
                               " -m pip install onnxruntime numpy`, or set TENON_PYTHON to a Python that has it");
  return std::unique_ptr<Oracle>(std::make_unique<OnnxRuntimeOracle>(std::move(python), model, scratch, threads));
}
