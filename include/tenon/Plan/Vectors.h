//===- Vectors.h - FlatBuffers vectors that may be absent ------------------===//
#ifndef TENON_PLAN_VECTORS_H
#define TENON_PLAN_VECTORS_H

#include "tenon/Plan/plan_generated.h"

#include <algorithm>

namespace tenon::plan {

/// Number of elements; 0 where the vector is absent.
template <typename T>
uint32_t length(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

/// Whether `codes` of a record or kernel include a code object: without any they mean all. In ascending order.
inline bool includesCode(const flatbuffers::Vector<uint32_t> *codes, size_t code) {
  return length(codes) == 0 || std::binary_search(codes->begin(), codes->end(), code);
}

} // namespace tenon::plan

#endif // TENON_PLAN_VECTORS_H
