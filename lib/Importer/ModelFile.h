//===- ModelFile.h - A parsed model and the files it maps ------------------===//
#ifndef TENON_IMPORTER_MODELFILE_H
#define TENON_IMPORTER_MODELFILE_H

#include "WeightCutter.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <onnx/onnx_pb.h>

namespace tenon::importer {

/// At most this many graphs may be nested in attributes (protobuf's own recursion limit is above it).
constexpr int maxSubgraphNesting = 31;
/// Nodes of a model, also after functions are inlined.
constexpr int64_t maxNodes = 1'000'000;
constexpr int maxFunctions = 100;
/// The newest opset of ai.onnx that is known.
constexpr int64_t maxOpset = 28;
constexpr int64_t maxRank = 16;
/// Bytes of one tensor.
constexpr int64_t maxTensorBytes = int64_t(1) << 62;

/// A model in memory: constants of the imported module point into it, so that it is held by every one of them.
class ModelFile {
public:
  onnx::ModelProto proto;

  /// Reads and parses the file; emits TN1001 .. TN1004 or TN1015 and returns null on failure.
  static std::shared_ptr<ModelFile> read(llvm::StringRef path, mlir::MLIRContext &context);
  /// Parses bytes; external data is looked up beneath `directory` (none if empty).
  static std::shared_ptr<ModelFile> parse(llvm::StringRef bytes, mlir::Location loc);

  /// A tensor's raw data, which is part of the mapped file where it is large.
  llvm::ArrayRef<char> getRawData(const onnx::TensorProto &tensor) const {
    return resolveRawData(tensor.raw_data(), image ? image->getBuffer() : llvm::StringRef(), cut);
  }

  /// Folders beneath which external data may lie: the one the model was named in, and the one it really is in.
  void setDirectories(std::string logical, std::string real) {
    directory = std::move(logical), realDirectory = std::move(real);
  }

  /// The bytes of an external tensor of `size` bytes, mapped; emits TN1011 or TN1012 at `loc`.
  mlir::FailureOr<llvm::ArrayRef<char>> getExternalData(const onnx::TensorProto &tensor, int64_t size,
                                                        mlir::Location loc);

private:
  mlir::FailureOr<llvm::ArrayRef<char>> mapExternalFile(llvm::StringRef location, mlir::Location loc);

  std::string directory, realDirectory;
  std::unique_ptr<llvm::MemoryBuffer> image; ///< the mapped file; null where the model came as bytes
  CutRanges cut;                             ///< of the image
  llvm::StringMap<llvm::sys::fs::mapped_file_region> mappings;
};

/// NameLoc of a node: its name, or "OpType of output" where it has none.
mlir::Location getNodeLocation(mlir::MLIRContext *context, const onnx::NodeProto &node);
/// NameLoc of a value or tensor.
mlir::Location getNameLocation(mlir::MLIRContext *context, llvm::StringRef name);

/// The number of bits of an element as raw data stores it; 0 for strings and unknown types.
int getBitsPerElement(int32_t dataType);
/// The bytes of `tensor` from its dims and type; emits TN1010 at `loc` for negative dims and overflows, also where a
/// zero hides them.
mlir::FailureOr<int64_t> getTensorBytes(const onnx::TensorProto &tensor, mlir::Location loc);

/// Checks everything the importer relies on and protobuf does not ensure; never recursive on model data. Reports at
/// most `maxFaults` faults.
mlir::LogicalResult checkStructure(ModelFile &file, mlir::MLIRContext &context, int64_t maxFaults = 1);

} // namespace tenon::importer

#endif // TENON_IMPORTER_MODELFILE_H
