//===- Values.h - Tensors in files, as the values a model takes and gives -===//
#ifndef TENON_TOOLS_COMMON_VALUES_H
#define TENON_TOOLS_COMMON_VALUES_H

#include "tenon/Runtime/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace tenon::tools {

/// One value per declared input, in model order. The tensors of a sequence are those of its name, in their order; an
/// optional without any is empty. TN7004 where an input has no tensor, or a tensor input has several.
Expected<std::vector<runtime::Value>> assembleValues(std::vector<runtime::NamedTensor> tensors,
                                                     llvm::ArrayRef<runtime::TensorInfo> declared);

/// Writes a tensor to `<stem>.npy`, the elements of a sequence to `<stem>_0.npy` and so on, and nothing for an empty
/// optional. Appends what it wrote to `paths`, before a failure, too.
Status writeValue(const std::string &stem, const runtime::Value &value, std::vector<std::string> &paths);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_VALUES_H
