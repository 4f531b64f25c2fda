// Shuffles, votes and reductions of a warp and of a block.
#include "tenon/cuda/block.cuh"
#include "tenon/cuda/half.cuh"

using namespace tenon::device;

/// out[5][32]: shuffle from lane 3, xor 5, down 7, up 7, and a 16-byte struct from lane 9.
struct Wide {
  float a;
  double b;
};
extern "C" __global__ void shuffles(float *out) {
  int lane = threadIdx.x;
  float value = 100.0f + lane;
  out[lane] = shuffle(value, 3);
  out[32 + lane] = shuffleXor(value, 5);
  out[64 + lane] = shuffleDown(value, 7);
  out[96 + lane] = shuffleUp(value, 7);
  Wide wide{value, value + 0.5};
  wide = shuffle(wide, 9);
  out[128 + lane] = wide.a + static_cast<float>(wide.b);
}
TENON_KERNEL(shuffles);

/// Segments of 8 lanes: idx 9, xor 4, down 3, up 3.
extern "C" __global__ void segments(int *out) {
  int lane = threadIdx.x;
  out[lane] = __shfl_sync(kFullMask, lane, 9, 8);
  out[32 + lane] = __shfl_xor_sync(kFullMask, lane, 4, 8);
  out[64 + lane] = __shfl_down_sync(kFullMask, lane, 3, 8);
  out[96 + lane] = __shfl_up_sync(kFullMask, lane, 3, 8);
}
TENON_KERNEL(segments);

/// Odd and even lanes shuffle among themselves, in different branches.
extern "C" __global__ void divergent(int *out) {
  int lane = threadIdx.x;
  if (lane % 2)
    out[lane] = shuffle(10 * lane, 31, 0xaaaaaaaau);
  else
    out[lane] = shuffle(10 * lane, 4, 0x55555555u);
  syncWarp();
}
TENON_KERNEL(divergent);

extern "C" __global__ void votes(unsigned *out) {
  int lane = threadIdx.x;
  unsigned bits = laneBallot(lane % 3 == 0);
  bool any = anyLane(lane == 17), none = anyLane(lane == 40), all = allLanes(lane < 32), some = allLanes(lane < 31);
  if (lane == 0) {
    out[0] = bits;
    out[1] = any | none << 1 | all << 2 | some << 3;
  }
}
TENON_KERNEL(votes);

template <class T>
__device__ void reduceAll(const T *in, T *out) {
  T value = in[blockIdx.x * blockDim.x + threadIdx.x];
  T results[4] = {blockSum(value), blockMax(value), blockMin(value), blockProduct(value)};
  // Every thread has the result; a different one reports each.
  if (threadIdx.x < 4)
    out[blockIdx.x * 8 + threadIdx.x] = results[threadIdx.x];
  T inWarp[4] = {warpSum(value), warpMax(value), warpMin(value), warpProduct(value)};
  if (threadIdx.x < 4)
    out[blockIdx.x * 8 + 4 + threadIdx.x] = inWarp[threadIdx.x];
}
extern "C" __global__ void reduceFloat(const float *in, float *out) { reduceAll(in, out); }
extern "C" __global__ void reduceDouble(const double *in, double *out) { reduceAll(in, out); }
extern "C" __global__ void reduceInt(const int *in, int *out) { reduceAll(in, out); }
extern "C" __global__ void reduceLong(const long long *in, long long *out) { reduceAll(in, out); }
extern "C" __global__ void reduceHalf(const half *in, half *out) { reduceAll(in, out); }
extern "C" __global__ void reduceBfloat16(const bfloat16 *in, bfloat16 *out) { reduceAll(in, out); }
TENON_KERNEL(reduceFloat);
TENON_KERNEL(reduceDouble);
TENON_KERNEL(reduceInt);
TENON_KERNEL(reduceLong);
TENON_KERNEL(reduceHalf);
TENON_KERNEL(reduceBfloat16);

/// Sums over groups of 4 lanes.
extern "C" __global__ void reduceNarrow(int *out) {
  int lane = threadIdx.x;
  out[lane] = warpReduce<4>(lane, Sum());
}
TENON_KERNEL(reduceNarrow);

/// Warps 0 and 1 hand values to warps 2 and 3 through a named barrier; warps 0 and 1 do not wait.
extern "C" __global__ void namedBarriers(int *out) {
  __shared__ int box[64];
  if (threadIdx.x < 64) {
    box[threadIdx.x] = 7 * threadIdx.x;
    barrierArrive(1, 128);
  } else {
    barrierSync(1, 128);
    out[threadIdx.x - 64] = box[127 - threadIdx.x];
  }
}
TENON_KERNEL(namedBarriers);

/// Transposes a 32x32 tile through shared memory, padded against bank conflicts. Both barriers matter.
extern "C" __global__ void transpose(const float *in, float *out, int n) {
  __shared__ float tile[32][33];
  for (int by = 0; by < n; by += 32) {
    int x = blockIdx.x * 32 + threadIdx.x;
    for (int r = threadIdx.y; r < 32; r += blockDim.y)
      tile[r][threadIdx.x] = in[(by + r) * n + x];
    __syncthreads();
    for (int r = threadIdx.y; r < 32; r += blockDim.y)
      out[(blockIdx.x * 32 + r) * n + by + threadIdx.x] = tile[threadIdx.x][r];
    __syncthreads();
  }
}
TENON_KERNEL(transpose);

/// Atomics in global and dynamic shared memory, and a count over the block.
extern "C" __global__ void atomics(int *counter, float *sum, int *most) {
  TENON_DYNAMIC_SHARED(shared);
  int *local = reinterpret_cast<int *>(shared);
  if (threadIdx.x == 0)
    *local = 0;
  __syncthreads();
  atomicAdd(local, 1);
  atomicAdd(sum, 0.5f);
  atomicMax(most, static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x));
  int odd = __syncthreads_count(threadIdx.x % 2);
  if (threadIdx.x == 0)
    atomicAdd(counter, *local + odd);
}
TENON_KERNEL(atomics);
