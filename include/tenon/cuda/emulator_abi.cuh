//===- emulator_abi.cuh - What a kernel and the virtual GPU share ---------===//
//
// Host only. A kernel compiled for the host calls the emulator (lib/Runtime/devices/vgpu) through a table of functions
// that it finds in its thread's context, so that a compiled object imports nothing but libc and libm. The context lies
// above the fiber's stack, in the same slot: the stack pointer leads to it, without thread-local storage.
//
// No includes: this file is part of every kernel. A change of any layout raises kAbiVersion.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_EMULATOR_ABI_CUH
#define TENON_CUDA_EMULATOR_ABI_CUH

namespace tenon::vgpu {

inline constexpr unsigned kAbiVersion = 2;
/// Size and alignment of one fiber's slot: guard page, stack, context.
inline constexpr unsigned long kSlotBytes = 256ul << 10;
/// A context lies at the end of its slot, less a shift that differs between neighbours: at equal offsets, contexts and
/// stacks would compete for the same cache sets.
inline constexpr unsigned long kContextBytes = 128, kSlotColors = 32, kColorBytes = 320;

struct Index3 {
  unsigned x, y, z;
};

/// What the threads of a warp named by a mask do together.
enum class WarpOp : unsigned { Sync, Shuffle, Vote, LoadMatrix, Mma };

/// `source` is the lane to read, already clamped by the shuffle's own rule.
struct ShuffleArgs {
  const void *in;
  void *out;
  unsigned bytes, source;
};
/// in: this lane's predicate; out: one bit per participating lane.
struct VoteArgs {
  unsigned predicate, ballot;
};
/// `row` is the 16-byte row this lane names; `out` receives `count` registers.
struct LoadMatrixArgs {
  const void *row;
  unsigned *out;
  unsigned count, transpose;
};
enum class ElementKind : unsigned { F16, BF16, TF32 };
/// d += a * b for one m16n8k16 (F16, BF16) or m16n8k8 (TF32) tile; registers as PTX lays them out.
struct MmaArgs {
  ElementKind kind;
  float *d;
  const unsigned *a, *b;
};

/// What the 128 threads of a warp group do together.
enum class WarpgroupOp : unsigned { Fence, Commit, Wait, Mma };
/// Mma: one m64nNk16 product. `a` is null where the A operand is in shared memory (descA).
/// Wait: `n` is the number of groups that may stay in flight.
struct WarpgroupArgs {
  ElementKind kind;
  unsigned n;
  float *d;
  const unsigned *a;
  unsigned long long descA, descB;
  /// Whether d keeps its old value as an addend; whether an operand is contiguous along M or N instead of K.
  int accumulate, transposeA, transposeB;
};

enum class MbarrierOp : unsigned { Init, Invalidate, Arrive, ExpectTx, ArriveExpectTx, TryWait, TestWait };
enum class FenceKind : unsigned { MbarrierInit, ProxyAsync };

/// One tensor copy. `coordinates` has `rank` entries, innermost first.
struct TensorCopyArgs {
  void *shared;
  const void *map;
  unsigned long long *mbarrier;
  int coordinates[5];
  unsigned rank;
};

/// The emulator's entry points. Each runs on the calling fiber; one that finds a violation does not return: the launch
/// ends with an error, and the fibers of its blocks are abandoned.
struct Table {
  /// Joins the lanes of `mask`. The last to arrive does the work for all.
  void (*warp)(WarpOp op, unsigned mask, void *args);
  void (*warpgroup)(WarpgroupOp op, WarpgroupArgs *args);
  /// Barrier `id` with `count` threads (0: all of the block). With `arriveOnly`, does not wait. Returns how many
  /// threads passed a nonzero predicate.
  unsigned (*barrier)(unsigned id, unsigned count, bool arriveOnly, unsigned predicate);
  /// `value` is a count, bytes, or a parity; returns whether a wait succeeded.
  unsigned (*mbarrier)(MbarrierOp op, unsigned long long *barrier, unsigned value);
  /// cp.async: the first `valid` of `bytes` bytes come from `global`, the rest are zero.
  void (*copyAsync)(void *shared, const void *global, unsigned bytes, unsigned valid);
  void (*copyAsyncCommit)();
  void (*copyAsyncWait)(unsigned inFlight);
  void (*tensorLoad)(const TensorCopyArgs *args);
  void (*tensorStore)(const TensorCopyArgs *args);
  void (*bulkCommit)();
  /// `readOnly`: wait only until shared memory has been read.
  void (*bulkWait)(unsigned inFlight, bool readOnly);
  void (*fence)(FenceKind kind);
  /// The 32-bit address in the shared window; a violation where `pointer` is not in shared memory.
  unsigned (*sharedAddress)(const void *pointer);
  /// Checks alignment and, where the launch knows its allocations, bounds.
  void (*checkAccess)(const void *pointer, unsigned bytes, unsigned alignment, const char *what);
  /// Lets other threads of the block run.
  void (*yield)();
  void (*violation)(const char *what);
};

/// One per fiber; read by kernels, written by the emulator only.
struct ThreadContext {
  Index3 threadIdx, blockIdx, blockDim, gridDim;
  const Table *table;
  unsigned char *dynamicShared;
  unsigned linearThread;   ///< x fastest, then y, then z
  unsigned activeLanes;    ///< lanes of this warp that exist
  unsigned checksAccesses; ///< whether plain vector accesses ask checkAccess
  void *runner;            ///< the emulator's own
};

static_assert(sizeof(ThreadContext) <= kContextBytes, "the stack begins below the context");

/// The context of the slot that `address` lies in.
inline __attribute__((always_inline)) ThreadContext *contextOf(unsigned long address) {
  unsigned long slot = address / kSlotBytes;
  return reinterpret_cast<ThreadContext *>((slot + 1) * kSlotBytes - kContextBytes - slot % kSlotColors * kColorBytes);
}
/// The calling thread's context.
inline __attribute__((always_inline)) ThreadContext *self() {
  unsigned long stackPointer;
  // Not volatile: every value of the stack pointer leads to the same context.
  __asm__("movq %%rsp, %0" : "=r"(stackPointer));
  return contextOf(stackPointer);
}
inline __attribute__((always_inline)) const Table &table() { return *self()->table; }

} // namespace tenon::vgpu

#endif // TENON_CUDA_EMULATOR_ABI_CUH
