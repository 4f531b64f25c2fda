//===- Conv.cpp - Convolutions --------------------------------------------===//
#include "HeavyEmit.h"
#include "HeavyRegion.h"

using namespace mlir;

namespace tenon::codegen {

StringRef getConvWeightFormat(const HeavyRegion &region) { return ""; }
void emitConv(const HeavyRegion &region, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue) {}

} // namespace tenon::codegen
