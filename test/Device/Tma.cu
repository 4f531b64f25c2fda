// mbarriers and tensor copies.
#include "tenon/cuda/block.cuh"
#include "tenon/cuda/tma.cuh"

using namespace tenon::device;

/// Warps pass a value round by two mbarriers: full (arrivals of the 32 producers) and empty (of the consumers), 2 slots.
extern "C" __global__ void ring(const int *in, int *out, int rounds) {
  __shared__ int box[2][32];
  __shared__ Mbarrier full[2], empty[2];
  int lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    for (int s = 0; s < 2; ++s) {
      mbarrierInit(full + s, 32);
      mbarrierInit(empty + s, 32);
    }
    fenceMbarrierInit();
  }
  __syncthreads();
  for (int i = 0; i < rounds; ++i) {
    int s = i % 2, parity = i / 2 % 2;
    if (threadIdx.x < 32) {
      mbarrierWait(empty + s, parity ^ 1);
      box[s][lane] = in[i * 32 + lane];
      mbarrierArrive(full + s);
    } else {
      while (!mbarrierTestWait(full + s, parity)) {
      }
      out[i * 32 + lane] = box[s][31 - lane];
      mbarrierArrive(empty + s);
    }
  }
}
TENON_KERNEL(ring);

/// Loads one box, copies the words of shared memory to `out` as they lie there.
template <class... C>
__device__ void loadBox(const TensorMap *map, unsigned *out, unsigned bytes, C... coordinates) {
  TENON_DYNAMIC_SHARED(box);
  __shared__ Mbarrier barrier;
  if (threadIdx.x == 0) {
    prefetchTensorMap(map);
    mbarrierInit(&barrier, 1);
    fenceMbarrierInit();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    mbarrierArriveExpectBytes(&barrier, bytes);
    tensorLoad(box, map, &barrier, coordinates...);
  }
  mbarrierWait(&barrier, 0);
  for (unsigned i = threadIdx.x; i < bytes / 4; i += blockDim.x)
    out[i] = reinterpret_cast<unsigned *>(box)[i];
}
extern "C" __global__ void load1(const __grid_constant__ TensorMap map, unsigned *out, unsigned bytes, int a) {
  loadBox(&map, out, bytes, a);
}
extern "C" __global__ void load2(const __grid_constant__ TensorMap map, unsigned *out, unsigned bytes, int a, int b) {
  loadBox(&map, out, bytes, a, b);
}
extern "C" __global__ void load3(const __grid_constant__ TensorMap map, unsigned *out, unsigned bytes, int a, int b,
                                 int c) {
  loadBox(&map, out, bytes, a, b, c);
}
extern "C" __global__ void load4(const __grid_constant__ TensorMap map, unsigned *out, unsigned bytes, int a, int b,
                                 int c, int d) {
  loadBox(&map, out, bytes, a, b, c, d);
}
extern "C" __global__ void load5(const __grid_constant__ TensorMap map, unsigned *out, unsigned bytes, int a, int b,
                                 int c, int d, int e) {
  loadBox(&map, out, bytes, a, b, c, d, e);
}
TENON_KERNEL(load1);
TENON_KERNEL(load2);
TENON_KERNEL(load3);
TENON_KERNEL(load4);
TENON_KERNEL(load5);

/// Stores word i of shared memory = i, and then word i = 1000 + i to the next box of dimension 0, `step` elements on.
template <class... C>
__device__ void storeBox(const TensorMap *map, unsigned bytes, int step, int a, C... coordinates) {
  TENON_DYNAMIC_SHARED(box);
  for (int turn = 0; turn < 2; ++turn) {
    for (unsigned i = threadIdx.x; i < bytes / 4; i += blockDim.x)
      reinterpret_cast<unsigned *>(box)[i] = 1000 * turn + i;
    fenceProxyAsync();
    __syncthreads();
    if (threadIdx.x == 0) {
      tensorStore(map, box, a + turn * step, coordinates...);
      commitBulk();
      if (turn)
        waitBulk<0>();
      else
        waitBulkRead<0>();
    }
    __syncthreads();
  }
}
extern "C" __global__ void store1(const __grid_constant__ TensorMap map, unsigned bytes, int step, int a) {
  storeBox(&map, bytes, step, a);
}
extern "C" __global__ void store2(const __grid_constant__ TensorMap map, unsigned bytes, int step, int a, int b) {
  storeBox(&map, bytes, step, a, b);
}
extern "C" __global__ void store3(const __grid_constant__ TensorMap map, unsigned bytes, int step, int a, int b, int c) {
  storeBox(&map, bytes, step, a, b, c);
}
extern "C" __global__ void store4(const __grid_constant__ TensorMap map, unsigned bytes, int step, int a, int b, int c,
                                  int d) {
  storeBox(&map, bytes, step, a, b, c, d);
}
extern "C" __global__ void store5(const __grid_constant__ TensorMap map, unsigned bytes, int step, int a, int b, int c,
                                  int d, int e) {
  storeBox(&map, bytes, step, a, b, c, d, e);
}
TENON_KERNEL(store1);
TENON_KERNEL(store2);
TENON_KERNEL(store3);
TENON_KERNEL(store4);
TENON_KERNEL(store5);
