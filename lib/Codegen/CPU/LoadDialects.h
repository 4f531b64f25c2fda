//===- LoadDialects.h - The dialects of kernels ---------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_LOADDIALECTS_H
#define TENON_LIB_CODEGEN_CPU_LOADDIALECTS_H

namespace mlir {
class MLIRContext;
}

namespace tenon::codegen {

/// Loads what kernels are made of. Also the dialects of the lowering: it runs in many threads, where none can be
/// loaded.
void loadDialects(mlir::MLIRContext &context);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_LOADDIALECTS_H
