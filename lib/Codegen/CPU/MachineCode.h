//===- MachineCode.h - LLVM IR to an object file --------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_MACHINECODE_H
#define TENON_LIB_CODEGEN_CPU_MACHINECODE_H

#include "tenon/Codegen/CPU/Codegen.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
}

namespace tenon::codegen {

/// Optimises the module and writes a relocatable ELF file. Modules of different contexts may be compiled by different
/// threads; the module is freed.
llvm::Error compileToObject(std::unique_ptr<llvm::Module> module, const CpuTarget &target,
                            llvm::SmallVectorImpl<char> &object);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_MACHINECODE_H
