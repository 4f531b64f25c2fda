//===- tma.cuh - Tensor copies between global and shared memory -----------===//
//
// One thread names a box of a tensor of 1 to 5 dimensions; the hardware moves it. A tensor map, made on the host
// (cuTensorMapEncodeTiled; on the virtual GPU tenon::vgpu::encodeTensorMap), says where the tensor lies, how large the
// box is, and how shared memory is swizzled. Elements outside of the tensor are read as zero and not written.
//
// In shared memory the box is dense, innermost dimension first, at an address that is a multiple of 128 (1024 for a
// 128-byte swizzle, where address bits 4-6 are xored with bits 7-9). From sm_90.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_TMA_CUH
#define TENON_CUDA_TMA_CUH

#include "tenon/cuda/mbarrier.cuh"

namespace tenon::device {

/// An opaque tensor map. A kernel takes it as `const __grid_constant__ TensorMap map` and passes &map.
struct alignas(64) TensorMap {
  unsigned long long opaque[16];
};

/// Fetches a tensor map into the cache. PTX: prefetch.tensormap.
TENON_DEVICE void prefetchTensorMap(const TensorMap *map) {
#if TENON_GPU
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
#endif
}

/// Starts to load the box whose first element has these coordinates (innermost first; may lie outside) to `shared`.
/// `barrier` receives the box's full size in bytes when the data are there.
/// PTX: cp.async.bulk.tensor.{1-5}d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.
template <class... Coordinates>
TENON_DEVICE void tensorLoad(void *shared, const TensorMap *map, Mbarrier *barrier, Coordinates... coordinates) {
  constexpr int rank = sizeof...(Coordinates);
  static_assert(rank >= 1 && rank <= 5, "a tensor has 1 to 5 dimensions");
  int c[5] = {static_cast<int>(coordinates)...};
#if TENON_GPU
#define TENON_TENSOR_LOAD(dims, list, ...)                                                                             \
  asm volatile("cp.async.bulk.tensor." dims                                                                            \
               ".shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, " list                            \
               "], [%2];" ::"r"(sharedAddress(shared)),                                                                \
               "l"(map), "r"(sharedAddress(barrier)), __VA_ARGS__                                                      \
               : "memory")
  if constexpr (rank == 1)
    TENON_TENSOR_LOAD("1d", "{%3}", "r"(c[0]));
  else if constexpr (rank == 2)
    TENON_TENSOR_LOAD("2d", "{%3, %4}", "r"(c[0]), "r"(c[1]));
  else if constexpr (rank == 3)
    TENON_TENSOR_LOAD("3d", "{%3, %4, %5}", "r"(c[0]), "r"(c[1]), "r"(c[2]));
  else if constexpr (rank == 4)
    TENON_TENSOR_LOAD("4d", "{%3, %4, %5, %6}", "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]));
  else
    TENON_TENSOR_LOAD("5d", "{%3, %4, %5, %6, %7}", "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(c[4]));
#undef TENON_TENSOR_LOAD
#else
  vgpu::TensorCopyArgs args{shared, map, &barrier->state, {c[0], c[1], c[2], c[3], c[4]}, rank};
  vgpu::table().tensorLoad(&args);
#endif
}

/// Starts to store the box at `shared` to these coordinates. Other threads' writes there must be visible to the
/// asynchronous proxy: fenceProxyAsync() by the writers, then a barrier. `shared` must stay as it is, and the block
/// must not end, before waitBulkRead(). PTX: cp.async.bulk.tensor.{1-5}d.global.shared::cta.tile.bulk_group.
template <class... Coordinates>
TENON_DEVICE void tensorStore(const TensorMap *map, const void *shared, Coordinates... coordinates) {
  constexpr int rank = sizeof...(Coordinates);
  static_assert(rank >= 1 && rank <= 5, "a tensor has 1 to 5 dimensions");
  int c[5] = {static_cast<int>(coordinates)...};
#if TENON_GPU
#define TENON_TENSOR_STORE(dims, list, ...)                                                                            \
  asm volatile("cp.async.bulk.tensor." dims ".global.shared::cta.tile.bulk_group [%0, " list "], [%1];" ::"l"(map),    \
               "r"(sharedAddress(shared)), __VA_ARGS__                                                                 \
               : "memory")
  if constexpr (rank == 1)
    TENON_TENSOR_STORE("1d", "{%2}", "r"(c[0]));
  else if constexpr (rank == 2)
    TENON_TENSOR_STORE("2d", "{%2, %3}", "r"(c[0]), "r"(c[1]));
  else if constexpr (rank == 3)
    TENON_TENSOR_STORE("3d", "{%2, %3, %4}", "r"(c[0]), "r"(c[1]), "r"(c[2]));
  else if constexpr (rank == 4)
    TENON_TENSOR_STORE("4d", "{%2, %3, %4, %5}", "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]));
  else
    TENON_TENSOR_STORE("5d", "{%2, %3, %4, %5, %6}", "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(c[4]));
#undef TENON_TENSOR_STORE
#else
  vgpu::TensorCopyArgs args{const_cast<void *>(shared), map, nullptr, {c[0], c[1], c[2], c[3], c[4]}, rank};
  vgpu::table().tensorStore(&args);
#endif
}

/// Makes one group of the thread's stores since the last commit. PTX: cp.async.bulk.commit_group.
TENON_DEVICE void commitBulk() {
#if TENON_GPU
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
#else
  vgpu::table().bulkCommit();
#endif
}
/// Waits until at most InFlight of the thread's latest groups have not been written. PTX: cp.async.bulk.wait_group.
template <int InFlight>
TENON_DEVICE void waitBulk() {
#if TENON_GPU
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(InFlight) : "memory");
#else
  vgpu::table().bulkWait(InFlight, false);
#endif
}
/// Waits until at most InFlight of the thread's latest groups still have to read shared memory.
/// PTX: cp.async.bulk.wait_group.read.
template <int InFlight>
TENON_DEVICE void waitBulkRead() {
#if TENON_GPU
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(InFlight) : "memory");
#else
  vgpu::table().bulkWait(InFlight, true);
#endif
}

} // namespace tenon::device

#endif // TENON_CUDA_TMA_CUH
