//===- Layout.h - The header page of a container --------------------------===//
//
// Private to the reader and the writer. All numbers are little endian.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PLAN_LAYOUT_H
#define TENON_LIB_PLAN_LAYOUT_H

#include "tenon/Plan/Container.h"

#include <bit>

namespace tenon::plan::layout {

static_assert(std::endian::native == std::endian::little,
              "containers are mapped, so the machine must be little endian");

inline constexpr char magic[8] = {'T', 'E', 'N', 'O', 'N', '\0', '\0', '\1'};

/// First bytes of the header page; the section table follows, then zeros.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t headerSize; ///< pageSize
  uint64_t requiredFeatures;
  uint64_t fileSize;
  uint32_t sectionCount;
  uint32_t reserved;
  uint8_t digest[32]; ///< SHA-256 of the header page with this field zero
  uint8_t reserved2[56];
};
static_assert(sizeof(Header) == 128);

/// One row of the section table.
struct Row {
  uint32_t kind;
  uint32_t reserved;
  uint64_t offset;
  uint64_t length;
  uint64_t reserved2;
  uint8_t digest[32];
};
static_assert(sizeof(Row) == 64);

inline constexpr uint32_t maxSections = (pageSize - sizeof(Header)) / sizeof(Row);

} // namespace tenon::plan::layout

#endif // TENON_LIB_PLAN_LAYOUT_H
