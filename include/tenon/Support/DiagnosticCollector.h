//===- DiagnosticCollector.h - Diagnostics as error records ---------------===//
#ifndef TENON_SUPPORT_DIAGNOSTICCOLLECTOR_H
#define TENON_SUPPORT_DIAGNOSTICCOLLECTOR_H

#include "mlir/IR/Diagnostics.h"
#include "tenon/Plan/Status.h"
#include <vector>

namespace tenon {

/// Keeps the errors that a context emits while this object lives, instead of printing them: code, node, reason and
/// remedy apart. Warnings and remarks are dropped. An error without a code gets TN9001: the compiler's own fault.
class DiagnosticCollector {
public:
  /// Keeps the first `most` errors: a model that is wrong at every node would fill the screen.
  explicit DiagnosticCollector(mlir::MLIRContext &context, size_t most = 20);

  const std::vector<ErrorInfo> &errors() const { return collected; }
  /// The errors, or one of TN9001 where there is none although something failed. Never empty.
  std::vector<ErrorInfo> errorsOfFailure() const;

private:
  std::vector<ErrorInfo> collected;
  mlir::ScopedDiagnosticHandler handler;
};

/// The ONNX node (or value) that a location names; empty where it names none.
std::string nodeOf(mlir::Location loc);

} // namespace tenon

#endif // TENON_SUPPORT_DIAGNOSTICCOLLECTOR_H
