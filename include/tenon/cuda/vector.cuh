//===- vector.cuh - Aligned vectors: one instruction per 4, 8 or 16 bytes -===//
//
// Vector<T, N> is N elements aligned to their whole size (at most 16 bytes per access). Loads and stores are one
// ld/st of that size on a GPU, which faults where the address is not aligned; the virtual GPU reports it.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_VECTOR_CUH
#define TENON_CUDA_VECTOR_CUH

#include "tenon/cuda/base.cuh"

namespace tenon::device {

/// N elements of T, N * sizeof(T) a power of two; more than 16 bytes are moved as several 16-byte accesses.
template <class T, int N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) Vector {
  T data[N];
  TENON_DEVICE T &operator[](int i) { return data[i]; }
  TENON_DEVICE const T &operator[](int i) const { return data[i]; }
};

namespace detail {
template <int Bytes>
struct Word;
template <>
struct Word<1> {
  using type = unsigned char;
};
template <>
struct Word<2> {
  using type = unsigned short;
};
template <>
struct Word<4> {
  using type = unsigned;
};
template <>
struct Word<8> {
  using type = uint2;
};
template <>
struct Word<16> {
  using type = uint4;
};

template <class T, int N>
inline constexpr int kAccessBytes = N * sizeof(T) < 16 ? int(N * sizeof(T)) : 16;

template <class T, int N>
TENON_DEVICE void checkAccess(const T *pointer, const char *what) {
#if !TENON_GPU
  constexpr int bytes = kAccessBytes<T, N>;
  if ((reinterpret_cast<unsigned long>(pointer) & (bytes - 1)) || vgpu::self()->checksAccesses)
    vgpu::table().checkAccess(pointer, N * sizeof(T), bytes, what);
#endif
}
} // namespace detail

/// Loads N elements from an address aligned to min(16, N * sizeof(T)) bytes, in any memory.
/// PTX: ld.v4.u32 and the like. Any architecture.
template <int N, class T>
TENON_DEVICE Vector<T, N> loadVector(const T *source) {
  constexpr int bytes = detail::kAccessBytes<T, N>, words = int(sizeof(T)) * N / bytes;
  using Word = typename detail::Word<bytes>::type;
  static_assert(words * bytes == int(sizeof(T)) * N, "a power of two of bytes");
  detail::checkAccess<T, N>(source, "vector load");
  Word raw[words];
#pragma unroll
  for (int i = 0; i < words; ++i)
    raw[i] = reinterpret_cast<const Word *>(source)[i];
  Vector<T, N> result;
  copyBytes(&result, raw, sizeof(result));
  return result;
}

/// As loadVector, for global memory that no thread writes during the launch. PTX: ld.global.nc. Any architecture.
template <int N, class T>
TENON_DEVICE Vector<T, N> loadVectorReadOnly(const T *source) {
#if TENON_GPU
  constexpr int bytes = detail::kAccessBytes<T, N>, words = int(sizeof(T)) * N / bytes;
  using Word = typename detail::Word<bytes>::type;
  Word raw[words];
#pragma unroll
  for (int i = 0; i < words; ++i)
    raw[i] = __ldg(reinterpret_cast<const Word *>(source) + i);
  Vector<T, N> result;
  copyBytes(&result, raw, sizeof(result));
  return result;
#else
  return loadVector<N>(source);
#endif
}

/// Stores N elements to an address aligned to min(16, N * sizeof(T)) bytes, in any memory.
/// PTX: st.v4.u32 and the like. Any architecture.
template <class T, int N>
TENON_DEVICE void storeVector(T *target, const Vector<T, N> &value) {
  constexpr int bytes = detail::kAccessBytes<T, N>, words = int(sizeof(T)) * N / bytes;
  using Word = typename detail::Word<bytes>::type;
  detail::checkAccess<T, N>(target, "vector store");
  Word raw[words];
  copyBytes(raw, &value, sizeof(value));
#pragma unroll
  for (int i = 0; i < words; ++i)
    reinterpret_cast<Word *>(target)[i] = raw[i];
}

} // namespace tenon::device

#endif // TENON_CUDA_VECTOR_CUH
