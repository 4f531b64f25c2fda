//===- BlockRunner.h - Runs the blocks of a grid on one OS thread ---------===//
//
// One runner per worker. Every thread of a block is a fiber; a fiber leaves the processor only where it waits, ends, or
// passes a schedule point (an operation that other threads can observe), so runs are deterministic: block and seed
// decide everything. Scheduling follows PCT (Burckhardt et al., "A randomized scheduler with probabilistic guarantees
// of finding bugs", ASPLOS 2010), with the warp as the unit: warps have random priorities, the ready warp of highest
// priority runs, and now and then the running warp falls to the lowest.
//
// The operations are spread over files by subject: WarpOps, Barriers, AsyncCopies, Mbarriers, TensorCopies, Wgmma.
// An operation that meets a violation calls fail(), which does not return: the block's fibers are abandoned. So no
// operation may own heap memory while it can fail or wait.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_VGPU_BLOCKRUNNER_H
#define TENON_VGPU_BLOCKRUNNER_H

#include "AsyncState.h"
#include "Launch.h"
#include "SharedWindow.h"
#include "StackPool.h"

#include <array>
#include <cstdarg>
#include <string>
#include <vector>

namespace tenon::vgpu::detail {

class BlockRunner {
public:
  BlockRunner();

  /// Runs blocks until the launch has no more, or has failed.
  void run(Launch &launch);

  // The entry points behind the table (emulator_abi.cuh); each is called on a fiber of this runner.
  void warp(WarpOp op, unsigned mask, void *args);
  void warpgroup(WarpgroupOp op, WarpgroupArgs *args);
  unsigned barrier(unsigned id, unsigned count, bool arriveOnly, unsigned predicate);
  unsigned mbarrier(MbarrierOp op, uint64_t *barrier, unsigned value);
  void copyAsync(void *shared, const void *global, unsigned bytes, unsigned valid);
  void copyAsyncCommit();
  void copyAsyncWait(unsigned inFlight);
  void tensorLoad(const TensorCopyArgs &args);
  void tensorStore(const TensorCopyArgs &args);
  void bulkCommit();
  void bulkWait(unsigned inFlight, bool readOnly);
  void fence(FenceKind kind);
  unsigned sharedAddress(const void *pointer);
  void checkAccess(const void *pointer, unsigned bytes, unsigned alignment, const char *what);
  void yield();

  /// Ends the launch with "kernel, block, thread: " and the formatted text.
  [[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 2, 3)));

private:
  // ---- scheduling (Scheduler.cpp)
  void runBlock(uint64_t linearBlock);
  void resetBlock();
  void checkEnd();
  bool prepare(Fiber &fiber);
  void adopt(Fiber &fiber, ThreadContext *slot);
  static void fiberEntry();
  [[noreturn]] void fiberMain();
  /// The fiber to run next; null where the block has ended or failed.
  Fiber *pick();
  Fiber *pickReady();
  /// The first ready fiber by priority, or null. Without a seed, lanes take turns from `firstLane` on.
  Fiber *pickAmong(unsigned firstLane = 0);
  void switchTo(Fiber *next);
  [[noreturn]] void leave(ThreadContext *slot, Fiber *next);
  void finish(Fiber &fiber);
  /// The current fiber waits until wake().
  void wait(const Wait &reason);
  void wake(Fiber &fiber);
  /// Another warp may run here, and asynchronous operations may complete.
  void schedulePoint();
  void demote(unsigned warp);

  // ---- reports (Report.cpp)
  void reportDeadlock();
  /// As fail(), but returns.
  void report(const char *what);
  int prefix(char *text, size_t size) const;

  // ---- operations
  void completeMeeting(Warp &warp, Meeting &meeting);
  void completeWarpgroup(Warpgroup &group);
  void releaseBarrier(Barrier &barrier);
  void checkExited(Fiber &fiber);
  void updateMbarrier(uint64_t *word, unsigned arrivals, int64_t bytes);
  MbarrierState *findMbarrier(const uint64_t *word);
  void checkGlobal(const void *pointer, size_t bytes, const char *what);
  void checkAligned(const void *pointer, unsigned alignment, const char *what);
  /// Completes one pending asynchronous operation; false where there is none.
  bool deliverOne();
  void loadMatrix(const Meeting &meeting);
  void matrixMultiply(const Meeting &meeting);
  void issueWgmma(Warpgroup &group);
  void fenceWgmma(Warpgroup &group);
  void waitWgmma(Warpgroup &group, unsigned inFlight);
  size_t findAccumulator(Warpgroup &group);
  void gatherOperand(uint64_t descriptor, unsigned rows, bool transposed, unsigned char *bytes, bool checkProxy);
  void readBox(const TensorMap &map, uint32_t shared, unsigned char *box);
  void finishStore(const BulkStore &store);
  const TensorMap &checkTensorCopy(const TensorCopyArgs &args, const char *what);
  /// Fails where shared memory holds ordinary writes that the asynchronous proxy cannot see.
  void checkProxyView(uint32_t address, size_t bytes, const char *what);

  Warp &warpOf(const Fiber &fiber) { return warps[fiber.index / 32]; }

  Launch *launch = nullptr;
  StackPool stacks;
  std::vector<unsigned char> dynamicStorage;
  SharedWindow window;
  /// What the asynchronous proxy sees: shared memory as it was at the last fence, and what came by TMA since.
  std::vector<unsigned char> proxyView;
  LoadedObject::Shared statics;
  std::vector<float> productScratch;
  std::vector<unsigned char> operandScratch;

  Index3 blockIndex{};
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  std::vector<Warpgroup> warpgroups;
  std::array<Barrier, 16> barriers;
  std::vector<MbarrierState> mbarriers;
  std::vector<PendingLoad> pendingLoads;
  Fiber *current = nullptr;
  unsigned running = 0; ///< threads that have not ended

  Random random{0};
  std::vector<unsigned> order; ///< warps, highest priority first
  unsigned demotionRate = 0;   ///< one in so many schedule points; 0: never
  unsigned deliveryRate = 0;
  unsigned yields = 0;

  void *mainStack = nullptr;
  StackBounds mainBounds;
  Table table;
};

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_BLOCKRUNNER_H
