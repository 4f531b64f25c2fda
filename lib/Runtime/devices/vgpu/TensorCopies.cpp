//===- TensorCopies.cpp - TMA: tensor loads, stores, and the async proxy --===//
//
// A load poisons its target at once and delivers later, in any order with others. A store reads shared memory when it
// is waited for; what it finds must be what was there at its issue. Both see shared memory through the asynchronous
// proxy, which does not see ordinary writes before a fence.
//
//===----------------------------------------------------------------------===//
#include "BlockRunner.h"

#include <algorithm>
#include <cstring>

namespace tenon::vgpu::detail {

/// Calls f(global row or null if outside, index of the first element in the row, dense offset in the box) for each row.
template <class F>
static void forRows(const TensorMap &map, const int *coordinates, F f) {
  unsigned offset = 0, index[5] = {};
  for (unsigned row = 0; row < map.rows(); ++row, offset += map.rowBytes()) {
    unsigned char *start = map.base;
    bool inside = true;
    for (unsigned d = 1, rest = row; d < 5; ++d) {
      index[d] = rest % map.box[d];
      rest /= map.box[d];
      int64_t at = static_cast<int64_t>(d < map.rank ? coordinates[d] : 0) + index[d];
      inside &= at >= 0 && at < static_cast<int64_t>(map.extents[d]);
      start += at * static_cast<int64_t>(map.strides[d]);
    }
    f(inside ? start : nullptr, offset);
  }
}

/// The elements [first, last) of a row of the box that lie inside of the tensor.
static std::pair<unsigned, unsigned> insideOf(const TensorMap &map, int coordinate) {
  int64_t first = std::clamp<int64_t>(-static_cast<int64_t>(coordinate), 0, map.box[0]);
  int64_t last = std::clamp<int64_t>(static_cast<int64_t>(map.extents[0]) - coordinate, first, map.box[0]);
  return {static_cast<unsigned>(first), static_cast<unsigned>(last)};
}

const TensorMap &BlockRunner::checkTensorCopy(const TensorCopyArgs &args, const char *what) {
  const auto &map = *static_cast<const TensorMap *>(args.map);
  checkAligned(args.map, 64, "tensor map");
  if (map.magic != TensorMap::kMagic)
    fail("%s: the map at %p was not made by encodeTensorMap", what, args.map);
  if (map.rank != args.rank)
    fail("%s with %u coordinates of a tensor of rank %u", what, args.rank, map.rank);
  checkAligned(args.shared, 128, what);
  if (window.addressOf(args.shared, map.boxBytes()) == SharedWindow::kNone)
    fail("%s: the box of %u bytes at %p is not in shared memory", what, map.boxBytes(), args.shared);
  uint64_t last = 0;
  for (unsigned d = 0; d < 5; ++d)
    last += (map.extents[d] - 1) * map.strides[d];
  checkGlobal(map.base, last + map.elementBytes, what);
  return map;
}

// ---- loads
// ------------------------------------------------------------------------------------------------------------

void BlockRunner::tensorLoad(const TensorCopyArgs &args) {
  // The map is copied: it may be a parameter, which ends with its thread.
  PendingLoad load{checkTensorCopy(args, "tensor load"), {}, 0, reinterpret_cast<uint64_t *>(args.mbarrier)};
  std::copy(args.coordinates, args.coordinates + 5, load.coordinates);
  load.shared = window.addressOf(args.shared, load.map.boxBytes());
  updateMbarrier(load.mbarrier, 0, 0); // must have been initialised
  for (uint32_t chunk = 0; chunk < load.map.boxBytes(); chunk += 16)
    if (unsigned char *target = window.pointerTo(swizzled(load.shared + chunk, load.map.swizzleBits), 16))
      memset(target, 0xff, 16);
  pendingLoads.push_back(load);
  schedulePoint();
}

bool BlockRunner::deliverOne() {
  if (pendingLoads.empty())
    return false;
  size_t which = launch->options.seed ? random.below(static_cast<unsigned>(pendingLoads.size())) : 0;
  PendingLoad load = pendingLoads[which];
  pendingLoads.erase(pendingLoads.begin() + static_cast<ptrdiff_t>(which));
  const TensorMap &map = load.map;
  auto [first, last] = insideOf(map, load.coordinates[0]);
  unsigned char row[256 * 8];
  forRows(map, load.coordinates, [&, first = first, last = last](const unsigned char *global, unsigned offset) {
    memset(row, map.fillByte, map.rowBytes());
    if (global)
      memcpy(row + first * map.elementBytes,
             global + (static_cast<int64_t>(load.coordinates[0]) + first) * map.elementBytes,
             (last - first) * map.elementBytes);
    for (unsigned chunk = 0; chunk < map.rowBytes(); chunk += 16) {
      uint32_t address = swizzled(load.shared + offset + chunk, map.swizzleBits);
      if (unsigned char *target = window.pointerTo(address, 16)) {
        memcpy(target, row + chunk, 16);
        memcpy(proxyView.data() + address, row + chunk, 16);
      }
    }
  });
  updateMbarrier(load.mbarrier, 0, -static_cast<int64_t>(map.boxBytes()));
  return true;
}

// ---- stores
// -----------------------------------------------------------------------------------------------------------

void BlockRunner::fence(FenceKind kind) {
  if (kind == FenceKind::ProxyAsync)
    window.copyTo(proxyView.data());
}

void BlockRunner::checkProxyView(uint32_t address, size_t bytes, const char *what) {
  const unsigned char *actual = window.pointerTo(address, bytes);
  if (actual && memcmp(actual, proxyView.data() + address, bytes) != 0)
    fail("%s reads shared 0x%x, where an ordinary write was not followed by fenceProxyAsync()", what, address);
}

void BlockRunner::readBox(const TensorMap &map, uint32_t shared, unsigned char *box) {
  for (uint32_t chunk = 0; chunk < map.boxBytes(); chunk += 16)
    if (const unsigned char *source = window.pointerTo(swizzled(shared + chunk, map.swizzleBits), 16))
      memcpy(box + chunk, source, 16);
}

void BlockRunner::tensorStore(const TensorCopyArgs &args) {
  const TensorMap &map = checkTensorCopy(args, "tensor store");
  uint32_t shared = window.addressOf(args.shared, map.boxBytes());
  checkProxyView(shared, map.boxBytes(), "tensor store");
  current->stores.push_back({map, {}, shared, current->bulkGroup, {}});
  BulkStore &store = current->stores.back();
  std::copy(args.coordinates, args.coordinates + 5, store.coordinates);
  store.data.resize(map.boxBytes());
  readBox(map, shared, store.data.data());
  schedulePoint();
}

void BlockRunner::bulkCommit() {
  ++current->bulkGroup;
  schedulePoint();
}

void BlockRunner::bulkWait(unsigned inFlight, bool) {
  std::vector<BulkStore> &stores = current->stores;
  // Others may run, and overwrite what has not been read.
  schedulePoint();
  while (!stores.empty() && stores.front().group + inFlight < current->bulkGroup) {
    finishStore(stores.front());
    stores.erase(stores.begin());
  }
}

void BlockRunner::finishStore(const BulkStore &store) {
  const TensorMap &map = store.map;
  for (uint32_t chunk = 0; chunk < map.boxBytes(); chunk += 16) {
    uint32_t address = swizzled(store.shared + chunk, map.swizzleBits);
    const unsigned char *source = window.pointerTo(address, 16);
    if (source && memcmp(source, store.data.data() + chunk, 16) != 0)
      fail("shared 0x%x was overwritten before a tensor store had read it", address);
  }
  auto [first, last] = insideOf(map, store.coordinates[0]);
  forRows(map, store.coordinates, [&, first = first, last = last](unsigned char *global, unsigned offset) {
    if (global)
      memcpy(global + (static_cast<int64_t>(store.coordinates[0]) + first) * map.elementBytes,
             store.data.data() + offset + first * map.elementBytes, (last - first) * map.elementBytes);
  });
}

/// A thread ends: nothing of its own may be in flight.
void BlockRunner::checkExited(Fiber &fiber) {
  if (!fiber.stores.empty())
    fail("the thread ended before its tensor store had read shared memory (waitBulkRead)");
  if (!warpgroups[fiber.index / 128].products.empty())
    fail("the thread ended with a wgmma in flight (wgmmaCommit, wgmmaWait)");
}

} // namespace tenon::vgpu::detail
