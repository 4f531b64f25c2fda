//===- main.cpp - The tenon driver ----------------------------------------===//
#include "Commands.h"
#include "common/Codes.h"
#include "common/Report.h"
#include "tenon/Runtime/Session.h"

using namespace tenon::tools;

namespace {
struct Command {
  llvm::StringLiteral name, summary;
  int (*run)(Arguments);
};

constexpr Command commands[] = {
    {"check", "whether MODEL.onnx can be compiled, and all that stands against it", runCheck},
    {"compile", "compile MODEL.onnx into one file, MODEL.tenon", runCompile},
    {"run", "run MODEL.tenon on tensors in .npy files", runRun},
    {"bench", "time MODEL.tenon, and each of its kernels", runBench},
    {"verify", "compare MODEL.onnx, compiled, with a reference", runVerify},
    {"inspect", "what is in MODEL.onnx or MODEL.tenon", runInspect},
    {"partition", "how MODEL.onnx is best split over the devices of a cluster", runPartition},
    {"compress", "make MODEL.onnx smaller or faster, with the accuracy shown", runCompress},
    {"simulate", "predict the steps, collectives or pipelines of a table", runSimulate},
    {"tune", "measure the tactics of MODEL.onnx on this machine", runTune},
    {"data", "what is in a data set, its hash, parts of it", runData},
    {"explain", "what an error code means", runExplain},
    {"doctor", "what this machine has and lacks", runDoctor},
};
} // namespace

static void printUsage(llvm::raw_ostream &out) {
  out << "usage: tenon COMMAND [ARGUMENT...]\n\n";
  for (const Command &command : commands)
    out << "  " << llvm::left_justify(command.name, 10) << command.summary << '\n';
  out << "\n`tenon COMMAND --help` lists the options of a command.\n\n"
         "exit status: 0 ok, 1 model error, 2 usage, 3 unsupported, 4 resource limit, 5 integrity, 6 device, 70 "
         "internal\n";
}

int main(int argc, char **argv) {
  const llvm::StringRef name = argc > 1 ? argv[1] : "";
  for (const Command &command : commands)
    if (name == command.name)
      return command.run(Arguments(argv + 2, size_t(argc - 2)));
  if (name == "--help" || name == "-h" || name == "help") {
    printUsage(llvm::outs());
    return ExitOk;
  }
  if (name == "--version") {
    llvm::outs() << tenon::runtime::versionString() << '\n';
    return ExitOk;
  }
  if (name.empty()) {
    printUsage(llvm::errs());
    return ExitUsage;
  }
  return Report().fail(
      tenon::Status::error("TN9002", "there is no command '" + name.str() + "'", "", "see `tenon --help`"));
}
