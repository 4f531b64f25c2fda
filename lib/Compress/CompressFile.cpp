//===- CompressFile.cpp - From ONNX to smaller ONNX ------------------------===//
#include "tenon/Compress/Calibration.h"
#include "tenon/Compress/Compress.h"
#include "tenon/Data/Dataset.h"
#include "tenon/Exporter/Exporter.h"
#include "tenon/Pipelines/Compiler.h"
#include "tenon/Pipelines/Pipelines.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace tenon::compress {

InFlightDiagnostic emitStatus(Location loc, const Status &status) {
  InFlightDiagnostic error = emitError(loc);
  error << status.error().code << ": " << status.error().message;
  if (!status.error().remedy.empty())
    error.attachNote() << "remedy: " << status.error().remedy;
  return error;
}

static LogicalResult compressWithData(ModuleOp module, const Options &options, Result &result,
                                      const CompileOptions *compile) {
  std::unique_ptr<data::Dataset> dataset;
  if (!options.calibration.empty()) {
    data::DatasetOptions wanted;
    wanted.limit = options.samples;
    auto opened = data::openDataset(options.calibration, describeInputs(module), wanted);
    if (!opened)
      return emitStatus(UnknownLoc::get(module.getContext()), opened.status());
    dataset = std::move(*opened);
  }
  auto done = compressModule(module, options, {dataset.get(), nullptr, compile});
  if (succeeded(done))
    result = std::move(*done);
  return done;
}

std::function<LogicalResult(ModuleOp)> makeCompressor(const Options &options, Result &result,
                                                      const CompileOptions *compile) {
  return [options, &result, compile](ModuleOp module) { return compressWithData(module, options, result, compile); };
}

LogicalResult convertPrecision(ModuleOp module, Precision precision) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  PipelineOptions options;
  options.precision = precision;
  buildPhase(manager, Phase::Compress, options);
  return runSerially(manager, module);
}

LogicalResult writeModel(ModuleOp module, StringRef path) {
  auto refuse = [&](std::error_code code) {
    return emitError(UnknownLoc::get(module.getContext()))
           << "TN9010: cannot write '" << path << "': " << code.message();
  };
  std::error_code code;
  const std::string part = (path + ".part" + Twine(llvm::sys::Process::getProcessId())).str();
  {
    llvm::ToolOutputFile file(part, code, llvm::sys::fs::OF_None);
    if (code)
      return refuse(code);
    if (path.ends_with(".mlir"))
      module.print(file.os());
    else if (failed(exportOnnx(module, file.os())))
      return failure();
    file.os().flush();
    if (file.os().has_error()) {
      code = file.os().error();
      file.os().clear_error();
      return refuse(code);
    }
    file.keep();
  }
  code = llvm::sys::fs::rename(part, path);
  return code ? LogicalResult(refuse(code)) : success();
}

LogicalResult compressFile(StringRef path, StringRef output, const Options &options, MLIRContext &context) {
  auto module = importModel(path, {}, context);
  Result result;
  return success(module && succeeded(compressWithData(*module, options, result, nullptr)) &&
                 succeeded(convertPrecision(*module, options.precision)) && succeeded(writeModel(*module, output)));
}

} // namespace tenon::compress
