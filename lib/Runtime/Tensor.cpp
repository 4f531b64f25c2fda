//===- Tensor.cpp - Tensors that go in and come out of a session ----------===//
#include "tenon/Runtime/Tensor.h"

#include "tenon/Plan/Checked.h"
#include "tenon/Plan/plan_generated.h"

#include <algorithm>
#include <new>

namespace tenon::runtime {

static_assert(unsigned(plan::ElementType::MAX) + 1 == numElementTypes);
static_assert(unsigned(plan::ElementType::Bool) == unsigned(ElementType::Bool));
static_assert(unsigned(plan::ElementType::I2) == unsigned(ElementType::I2));
static_assert(unsigned(plan::ElementType::I64) == unsigned(ElementType::I64));

static constexpr std::align_val_t tensorAlignment{64};

int64_t Tensor::elements() const {
  // A zero must not hide an overflow of the other extents: strides are products of them.
  int64_t all = 1;
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return -1;
    empty |= dim == 0;
    std::optional<int64_t> product = checkedMul(all, std::max<int64_t>(dim, 1));
    if (!product)
      return -1;
    all = *product;
  }
  return empty ? 0 : all;
}

int64_t Tensor::bytes() const {
  const int64_t count = elements();
  return count < 0 ? -1 : checkedMul(count, elementSize(type)).value_or(-1);
}

Tensor Tensor::borrow(const void *data, ElementType type, std::vector<int64_t> dims) {
  return {type, std::move(dims), std::shared_ptr<void>(std::shared_ptr<void>(), const_cast<void *>(data))};
}

Expected<Tensor> Tensor::allocate(ElementType type, std::vector<int64_t> dims) {
  Tensor tensor{type, std::move(dims), nullptr};
  const int64_t bytes = tensor.bytes();
  if (bytes < 0)
    return Status::error("TN7014", "the extents of a tensor are negative or too large");
  void *memory = ::operator new(size_t(std::max<int64_t>(bytes, 1)), tensorAlignment, std::nothrow);
  if (!memory)
    return Status::error("TN7011", "cannot allocate a tensor of " + std::to_string(bytes) + " bytes");
  tensor.data.reset(memory, [](void *p) { ::operator delete(p, tensorAlignment); });
  return tensor;
}

} // namespace tenon::runtime
