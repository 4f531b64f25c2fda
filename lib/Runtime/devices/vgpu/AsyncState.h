//===- AsyncState.h - What the emulator knows of a block ------------------===//
//
// Plain records of threads, warps, barriers and operations in flight; BlockRunner owns them.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_VGPU_ASYNCSTATE_H
#define TENON_VGPU_ASYNCSTATE_H

#include "TensorMap.h"
#include "tenon/cuda/emulator_abi.cuh"

#include <cstdint>
#include <vector>

namespace tenon::vgpu::detail {

/// Why a fiber does not run, for the scheduler and for deadlock reports.
struct Wait {
  enum class On : uint8_t { Nothing, Warp, Warpgroup, Barrier, Mbarrier };
  On on = On::Nothing;
  unsigned op = 0;     ///< WarpOp, WarpgroupOp, or the barrier's number
  unsigned detail = 0; ///< mask, or parity
  const uint64_t *mbarrier = nullptr;
};

/// One cp.async.
struct AsyncCopy {
  unsigned char *shared;
  const unsigned char *global;
  unsigned bytes, valid;
  unsigned group; ///< number of the commit that closes it; the thread's open group while uncommitted
};

/// One tensor store whose shared memory has not been read yet.
struct BulkStore {
  TensorMap map;
  int coordinates[5];
  uint32_t shared;
  unsigned group;                  ///< as in AsyncCopy
  std::vector<unsigned char> data; ///< what was to be stored when it was issued
};

/// A CUDA thread.
struct Fiber {
  enum class State : uint8_t { Unstarted, Ready, Waiting, Ended };
  State state = State::Unstarted;
  unsigned index = 0; ///< linear thread
  void *stackPointer = nullptr;
  ThreadContext *slot = nullptr;
  Wait reason;
  unsigned result = 0; ///< what the operation waited for returns
  // cp.async
  std::vector<AsyncCopy> copies;
  unsigned copyGroup = 0; ///< commits so far
  // cp.async.bulk stores
  std::vector<BulkStore> stores;
  unsigned bulkGroup = 0;
};

/// Lanes that do something together.
struct Meeting {
  unsigned mask = 0, arrived = 0;
  WarpOp op = WarpOp::Sync;
  void *args[32];
};

struct Warp {
  unsigned first = 0;    ///< linear thread of lane 0
  unsigned existing = 0; ///< lanes
  unsigned ended = 0;
  unsigned ready = 0;
  std::vector<Meeting> meetings;
};

/// Accumulators of a warp group: what its products write.
struct Accumulator {
  float *registers[128];     ///< of each thread; the first one's address identifies the array
  unsigned count;            ///< registers per thread
  unsigned inFlight;         ///< products not yet waited for
  unsigned fences;           ///< of the group, when the last wait delivered
  bool poisoned;             ///< the registers hold NaN until a wait delivers
  std::vector<float> values; ///< thread by thread: what the registers hold after the wait, or held at the last fence
};

/// One wgmma.mma_async in flight.
struct WgmmaProduct {
  WarpgroupArgs args;
  unsigned group;                      ///< number of the commit that closes it
  size_t target;                       ///< of the group's accumulators
  std::vector<unsigned char> operands; ///< the bytes of A (if in shared memory) and B when it was issued
  std::vector<float> a, b;             ///< 64x16, Nx16
};

struct Warpgroup {
  WarpgroupOp op = WarpgroupOp::Fence;
  unsigned arrived = 0;
  WarpgroupArgs *args[128];
  unsigned fences = 0, commits = 0;
  std::vector<WgmmaProduct> products;
  std::vector<Accumulator> accumulators;
};

struct Barrier {
  unsigned count = 0;      ///< as the participants name it; 0: all threads
  unsigned arrived = 0;    ///< 0: nobody is here
  unsigned predicates = 0; ///< of those that arrived
  std::vector<unsigned> waiting;
};

/// An initialised mbarrier, by the word in shared memory, and what that word must hold.
struct MbarrierState {
  uint64_t *word;
  uint64_t value;
};

/// A tensor load on its way.
struct PendingLoad {
  TensorMap map;
  int coordinates[5];
  uint32_t shared;
  uint64_t *mbarrier;
};

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_ASYNCSTATE_H
