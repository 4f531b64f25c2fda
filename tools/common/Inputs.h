//===- Inputs.h - The inputs of a run: from files, or drawn ---------------===//
#ifndef TENON_TOOLS_COMMON_INPUTS_H
#define TENON_TOOLS_COMMON_INPUTS_H

#include "tenon/Runtime/Tensor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <string>
#include <vector>

namespace tenon::tools {

/// One --shape NAME=1x3x224x224[!].
struct ShapeArgument {
  std::string name;
  std::vector<int64_t> dims; ///< empty for a scalar (NAME=)
  bool fixed = false;        ///< '!': the plan shall serve this size only
};

/// Splits at the last '='. TN9003 where the text is no such argument.
Expected<ShapeArgument> parseShape(llvm::StringRef text);

/// Repeated --shape arguments as sets: the n-th for an input belongs to the n-th set. At least one set, maybe empty.
using ShapeSet = std::map<std::string, ShapeArgument>;
Expected<std::vector<ShapeSet>> parseShapeSets(llvm::ArrayRef<std::string> arguments);

/// Reads the files of --input NAME=FILE arguments, where NAME is the longest declared name that matches. TN7003 for a
/// name that is not declared.
Expected<std::vector<runtime::NamedTensor>> readInputs(llvm::ArrayRef<std::string> arguments,
                                                       llvm::ArrayRef<runtime::TensorInfo> declared);

/// Draws the values of one input.
struct DrawRule {
  /// Integers are drawn from [0, bound): the rows of the table an index input reads. 0: no table is known; values are 0
  /// or 1, as of a mask, and the first of each row is 1.
  int64_t bound = 0;
};

/// Fills in what `given` lacks with drawn tensors. TN9016 where the model takes a sequence, or a tensor of unknown
/// rank. Their bytes depend on the seed, the name and the shape alone. Extents come from `shapes`, from given tensors
/// by the names of their dimensions, or else are 1 (a leading dimension), 64 (rank 4) or 16. Values look like what such
/// inputs are:
///   floats NxCxHxW or NxHxWxC, C = 1 or 3   images in [-1, 1]: dark strokes on a light ground (Page.h), faint noise
///   other floats                            normally distributed, variance 1
///   integers and booleans                   see DrawRule
Expected<std::vector<runtime::NamedTensor>> completeInputs(std::vector<runtime::NamedTensor> given,
                                                           llvm::ArrayRef<runtime::TensorInfo> declared,
                                                           const ShapeSet &shapes, uint64_t seed,
                                                           const std::map<std::string, DrawRule> &rules = {});

/// The extents that completeInputs would give each declared input, in order; `samples` for leading dimensions.
Expected<std::vector<std::vector<int64_t>>> completeShapes(llvm::ArrayRef<runtime::TensorInfo> declared,
                                                           const ShapeSet &shapes,
                                                           llvm::ArrayRef<runtime::NamedTensor> given = {},
                                                           int64_t samples = 1);

/// "1x3x224x224".
std::string formatDims(llvm::ArrayRef<int64_t> dims);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_INPUTS_H
