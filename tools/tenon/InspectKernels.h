//===- InspectKernels.h - The kernels of a plan, with predictions ---------===//
#ifndef TENON_TOOLS_TENON_INSPECTKERNELS_H
#define TENON_TOOLS_TENON_INSPECTKERNELS_H

#include "InspectScript.h"
#include "tenon/Cost/KernelNotes.h"
#include "tenon/Plan/Container.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"
#include <optional>

namespace tenon::tools {

/// What the launches of each kernel add up to at one set of input extents, and how long they should take.
class KernelTable {
public:
  /// Reads the notes of `container`; predictions are for `device` (a name or path), or the one the plan was tuned for.
  /// TN6022 where the notes are damaged, TN903x for the device.
  static Expected<KernelTable> create(const plan::Container &container, const std::string &device);

  /// One object per kernel of the plan.
  llvm::json::Array describe(llvm::ArrayRef<SizedFunction> functions) const;
  /// Name and title of the device; "" where the plan has no notes.
  std::string deviceTitle() const { return device ? device->name + " (" + device->title + ")" : ""; }

private:
  explicit KernelTable(const plan::Container &container) : container(container) {}
  llvm::json::Object describe(unsigned kernel, llvm::ArrayRef<SizedFunction> functions) const;

  const plan::Container &container;
  cost::KernelNotes notes;
  std::optional<cost::Device> device;
};

/// Prints what describe returned: a table, then nodes, reason and source of each kernel.
void printKernels(const llvm::json::Array &kernels);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_INSPECTKERNELS_H
