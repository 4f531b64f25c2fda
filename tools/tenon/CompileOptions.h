//===- CompileOptions.h - Options of everything that compiles -------------===//
#ifndef TENON_TOOLS_TENON_COMPILEOPTIONS_H
#define TENON_TOOLS_TENON_COMPILEOPTIONS_H

#include "common/CommandLine.h"
#include "common/Inputs.h"
#include "tenon/Pipelines/Compiler.h"

namespace tenon::tools {

/// The compile options that `compile` and `verify` share.
struct CompileArguments {
  CompileOptions options;
  int64_t threads = 0, jobs = 0;
  double maxGigabytes = 0;

  /// Declares --target, --arch, --jobs, -O, --precision and --max-memory.
  void declare(CommandLine &line);
  /// Completes `options` after parsing.
  Status finish(const ShapeSet &shapes);
};

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_COMPILEOPTIONS_H
