//===- Commands.h - The subcommands of tenon ------------------------------===//
//
// Each takes the arguments after its name, prints its result and its errors, and returns the exit status.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TOOLS_TENON_COMMANDS_H
#define TENON_TOOLS_TENON_COMMANDS_H

#include "llvm/ADT/ArrayRef.h"

namespace tenon::tools {

using Arguments = llvm::ArrayRef<const char *>;

int runCheck(Arguments arguments);
int runCompile(Arguments arguments);
int runCompress(Arguments arguments);
int runRun(Arguments arguments);
int runBench(Arguments arguments);
int runVerify(Arguments arguments);
int runInspect(Arguments arguments);
int runPartition(Arguments arguments);
int runSimulate(Arguments arguments);
int runTune(Arguments arguments);
int runData(Arguments arguments);
int runExplain(Arguments arguments);
int runDoctor(Arguments arguments);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_COMMANDS_H
