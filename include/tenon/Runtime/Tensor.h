//===- Tensor.h - Tensors that go in and come out of a session ------------===//
#ifndef TENON_RUNTIME_TENSOR_H
#define TENON_RUNTIME_TENSOR_H

#include "tenon/Plan/ElementType.h"
#include "tenon/Plan/Status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tenon::runtime {

enum class ValueKind : uint8_t { Tensor, Sequence, None };

/// Name, type and extents of an input or output of a model.
struct TensorInfo {
  std::string name;
  ElementType type;
  std::vector<int64_t> dims;          ///< -1 where the extent depends on the inputs
  std::vector<std::string> dimNames;  ///< ONNX dim_param of each dynamic extent, else ""
  ValueKind kind = ValueKind::Tensor; ///< Sequence: type, dims and names are those of its elements
  bool isOptional = false;            ///< may also be None
  bool isRanked = true;               ///< else the rank is known in a run only, and there are no dims
};

/// A dense row-major tensor in host memory. Copies share the bytes.
struct Tensor {
  ElementType type = ElementType::F32;
  std::vector<int64_t> dims;
  std::shared_ptr<void> data; ///< may be null where there are no elements

  /// Refers to memory of the caller, which must outlive the tensor.
  static Tensor borrow(const void *data, ElementType type, std::vector<int64_t> dims);
  /// Owns new, uninitialised, 64-byte aligned memory. TN7011 where there is not enough, TN7014 for bad dims.
  static Expected<Tensor> allocate(ElementType type, std::vector<int64_t> dims);

  /// Number of elements, or -1 where it is negative or does not fit.
  int64_t elements() const;
  /// Size in bytes, or -1 likewise.
  int64_t bytes() const;
  template <typename T>
  T *as() const {
    return static_cast<T *>(data.get());
  }
};

/// A tensor for the input or output of this name.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TENSOR_H
