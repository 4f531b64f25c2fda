//===- Resources.cpp - What ptxas says about a kernel ---------------------===//
#include "tenon/Codegen/CUDA/Compile.h"

using namespace llvm;

namespace tenon::codegen::cuda {

/// The number before `unit` in `line` ("32 registers"); 0 if there is none.
static int numberBefore(StringRef line, StringRef unit) {
  size_t at = line.find(unit);
  if (at == StringRef::npos)
    return 0;
  StringRef head = line.take_front(at).rtrim();
  StringRef digits = head.substr(head.find_last_not_of("0123456789") + 1);
  int number = 0;
  return digits.getAsInteger(10, number) ? 0 : number;
}

std::optional<KernelResources> parseResources(StringRef log, StringRef kernel) {
  SmallVector<StringRef> lines;
  log.split(lines, '\n');
  std::optional<KernelResources> result;
  bool isOurs = false;
  int serialized = 0;
  for (StringRef line : lines) {
    // "(C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to .. in the function 'k'":
    // such lines come in any place.
    serialized += line.contains("(C75") && line.contains(("'" + kernel + "'").str());
    if (line.contains("Compiling entry function '"))
      isOurs = line.contains(("'" + kernel + "'").str());
    if (!isOurs)
      continue;
    if (!result)
      result.emplace();
    if (line.contains("bytes stack frame")) {
      result->stackBytes = numberBefore(line, "bytes stack frame");
      result->spillBytes = numberBefore(line, "bytes spill stores") + numberBefore(line, "bytes spill loads");
    }
    if (line.contains("registers")) {
      result->registers = numberBefore(line, "registers");
      result->sharedBytes = numberBefore(line, "bytes smem");
    }
  }
  if (result)
    result->serialized = serialized;
  return result;
}

} // namespace tenon::codegen::cuda
