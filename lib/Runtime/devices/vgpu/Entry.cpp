//===- Entry.cpp - The table of functions that kernels call ---------------===//
#include "BlockRunner.h"

namespace tenon::vgpu::detail {

static BlockRunner &runner() { return *static_cast<BlockRunner *>(self()->runner); }

BlockRunner::BlockRunner() {
  table.warp = [](WarpOp op, unsigned mask, void *args) { runner().warp(op, mask, args); };
  table.warpgroup = [](WarpgroupOp op, WarpgroupArgs *args) { runner().warpgroup(op, args); };
  table.barrier = [](unsigned id, unsigned count, bool arriveOnly, unsigned predicate) {
    return runner().barrier(id, count, arriveOnly, predicate);
  };
  table.mbarrier = [](MbarrierOp op, unsigned long long *barrier, unsigned value) {
    return runner().mbarrier(op, reinterpret_cast<uint64_t *>(barrier), value);
  };
  table.copyAsync = [](void *shared, const void *global, unsigned bytes, unsigned valid) {
    runner().copyAsync(shared, global, bytes, valid);
  };
  table.copyAsyncCommit = [] { runner().copyAsyncCommit(); };
  table.copyAsyncWait = [](unsigned inFlight) { runner().copyAsyncWait(inFlight); };
  table.tensorLoad = [](const TensorCopyArgs *args) { runner().tensorLoad(*args); };
  table.tensorStore = [](const TensorCopyArgs *args) { runner().tensorStore(*args); };
  table.bulkCommit = [] { runner().bulkCommit(); };
  table.bulkWait = [](unsigned inFlight, bool readOnly) { runner().bulkWait(inFlight, readOnly); };
  table.fence = [](FenceKind kind) { runner().fence(kind); };
  table.sharedAddress = [](const void *pointer) { return runner().sharedAddress(pointer); };
  table.checkAccess = [](const void *pointer, unsigned bytes, unsigned alignment, const char *what) {
    runner().checkAccess(pointer, bytes, alignment, what);
  };
  table.yield = [] { runner().yield(); };
  table.violation = [](const char *what) { runner().fail("%s", what); };
}

} // namespace tenon::vgpu::detail
