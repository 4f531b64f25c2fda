//===- ElementType.h - Element types of tensors at run time ---------------===//
#ifndef TENON_PLAN_ELEMENTTYPE_H
#define TENON_PLAN_ELEMENTTYPE_H

#include <cstdint>
#include <string_view>

namespace tenon {

/// Same values as plan::ElementType of plan.fbs and TenonType of the C API. Bool is one byte, 0 or 1.
enum class ElementType : uint8_t {
  F32,
  F64,
  F16,
  BF16,
  I8,
  I16,
  I32,
  I64,
  U8,
  U16,
  U32,
  U64,
  Bool,
  // A byte an element, its bits at the low end.
  F8E4M3FN,
  F8E4M3FNUZ,
  F8E5M2,
  F8E5M2FNUZ,
  U4,
  I4,
  F4E2M1,
  F8E8M0,
  U2,
  I2
};

/// Number of element types; any smaller number is one.
inline constexpr unsigned numElementTypes = 23;

/// Bytes of one element: 1, 2, 4 or 8.
constexpr int64_t elementSize(ElementType type) {
  constexpr int64_t sizes[numElementTypes] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  return sizes[static_cast<unsigned>(type)];
}

/// Name as numpy and ml_dtypes write it: "float32", "bfloat16", "bool".
constexpr std::string_view elementName(ElementType type) {
  constexpr std::string_view names[numElementTypes] = {
      "float32",         "float64",     "float16",         "bfloat16", "int8",   "int16",         "int32",
      "int64",           "uint8",       "uint16",          "uint32",   "uint64", "bool",          "float8_e4m3fn",
      "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "uint4",    "int4",   "float4_e2m1fn", "float8_e8m0fnu",
      "uint2",           "int2"};
  return names[static_cast<unsigned>(type)];
}

} // namespace tenon

#endif // TENON_PLAN_ELEMENTTYPE_H
