//===- mma.cuh - ldmatrix and mma.sync ------------------------------------===//
//
// Tensor cores as one warp uses them, from sm_80. With lane = 4 * g + t (g = lane / 4, t = lane % 4), a register of two
// 16-bit elements holds the lower index in its low half:
//
//   A, 16x16:  a[0] = (g, 2t..), a[1] = (g + 8, 2t..), a[2] = (g, 2t + 8..), a[3] = (g + 8, 2t + 8..)   (row, k)
//   B, 16x8:   b[0] = (2t.., g), b[1] = (2t + 8.., g)                                                   (k, column)
//   D, 16x8:   d[0], d[1] = (g, 2t), (g, 2t + 1); d[2], d[3] = (g + 8, 2t), (g + 8, 2t + 1)             (row, column)
//   TF32 A, 16x8: a[0] = (g, t), a[1] = (g + 8, t), a[2] = (g, t + 4), a[3] = (g + 8, t + 4); B, 8x8: b[0] = (t, g),
//   b[1] = (t + 4, g).
//
// A from row-major [row][k] memory: loadMatrix<4>, lanes 0-15 naming rows 0-15 at k, lanes 16-31 the same rows at k
// + 8. B from [column][k] memory: loadMatrix; from [k][column] memory: loadMatrixTransposed.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_MMA_CUH
#define TENON_CUDA_MMA_CUH

#include "tenon/cuda/half.cuh"

namespace tenon::device {

/// Loads Count (1, 2 or 4) matrices of 8x8 16-bit elements from shared memory. Lane 8 * i + r names row r of matrix i
/// (16 bytes, aligned to 16); every lane passes an address, only the first 8 * Count are used. r[i] of lane 4 * g + t
/// receives elements (g, 2t) and (g, 2t + 1) of matrix i. PTX: ldmatrix.sync.aligned.m8n8.xN.shared.b16, from sm_75.
template <int Count>
TENON_DEVICE void loadMatrix(uint32_t (&r)[Count], const void *row) {
  static_assert(Count == 1 || Count == 2 || Count == 4, "ldmatrix loads 1, 2 or 4 matrices");
#if TENON_GPU
  uint32_t address = sharedAddress(row);
  if constexpr (Count == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  else if constexpr (Count == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
#else
  vgpu::LoadMatrixArgs args{row, r, Count, 0};
  vgpu::table().warp(vgpu::WarpOp::LoadMatrix, kFullMask, &args);
#endif
}

/// As loadMatrix, each matrix transposed: r[i] of lane 4 * g + t receives elements (2t, g) and (2t + 1, g).
/// PTX: ldmatrix.sync.aligned.m8n8.xN.trans.shared.b16, from sm_75.
template <int Count>
TENON_DEVICE void loadMatrixTransposed(uint32_t (&r)[Count], const void *row) {
  static_assert(Count == 1 || Count == 2 || Count == 4, "ldmatrix loads 1, 2 or 4 matrices");
#if TENON_GPU
  uint32_t address = sharedAddress(row);
  if constexpr (Count == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");
  else if constexpr (Count == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(address)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(address)
                 : "memory");
#else
  vgpu::LoadMatrixArgs args{row, r, Count, 1};
  vgpu::table().warp(vgpu::WarpOp::LoadMatrix, kFullMask, &args);
#endif
}

namespace detail {
#if !TENON_GPU
TENON_DEVICE void emulateMma(vgpu::ElementKind kind, float *d, const uint32_t *a, const uint32_t *b) {
  vgpu::MmaArgs args{kind, d, a, b};
  vgpu::table().warp(vgpu::WarpOp::Mma, kFullMask, &args);
}
#endif
} // namespace detail

/// d += A * B, A 16x16 and B 16x8 of T (half or bfloat16), d 16x8 of float; layouts above.
/// PTX: mma.sync.aligned.m16n8k16.row.col.f32.{f16,bf16}.{f16,bf16}.f32, from sm_80.
template <class T>
TENON_DEVICE void mmaM16N8K16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
template <>
TENON_DEVICE void mmaM16N8K16<half>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if TENON_GPU
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  detail::emulateMma(vgpu::ElementKind::F16, d, a, b);
#endif
}
template <>
TENON_DEVICE void mmaM16N8K16<bfloat16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if TENON_GPU
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  detail::emulateMma(vgpu::ElementKind::BF16, d, a, b);
#endif
}

/// d += A * B, A 16x8 and B 8x8 of TF32 (floats rounded by roundToTf32: the low 13 bits are ignored), d 16x8 of float.
/// PTX: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32, from sm_80.
TENON_DEVICE void mmaM16N8K8Tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if TENON_GPU
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  detail::emulateMma(vgpu::ElementKind::TF32, d, a, b);
#endif
}

/// The bits of the TF32 nearest to `value`, ties away from zero: 10 bits of fraction, the low 13 bits zero.
/// PTX: cvt.rna.tf32.f32, from sm_80.
TENON_DEVICE uint32_t roundToTf32(float value) {
#if TENON_GPU
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
#else
  uint32_t bits = bitCast<uint32_t>(value);
  return (bits & 0x7f800000u) == 0x7f800000u ? bits : (bits + 0x1000u) & ~0x1fffu;
#endif
}

} // namespace tenon::device

#endif // TENON_CUDA_MMA_CUH
