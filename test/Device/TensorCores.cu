// cp.async, ldmatrix and mma.sync.
#include "tenon/cuda/async.cuh"
#include "tenon/cuda/block.cuh"
#include "tenon/cuda/mma.cuh"

using namespace tenon::device;

/// Two groups in flight; every thread reads what another one copied. The last chunk is cut to `valid` bytes.
template <int Bytes>
__device__ void copyInGroups(const char *in, char *out, unsigned valid) {
  __shared__ __align__(16) char buffer[2][64 * 16];
  int t = threadIdx.x, other = 63 - t;
  copyAsync<Bytes>(buffer[0] + t * Bytes, in + t * Bytes);
  commitAsync();
  copyAsyncZeroFill<Bytes>(buffer[1] + t * Bytes, in + (64 + t) * Bytes, t == 63 ? valid : Bytes);
  commitAsync();
  waitAsync<1>();
  __syncthreads();
  for (int i = 0; i < Bytes; ++i)
    out[other * Bytes + i] = buffer[0][other * Bytes + i];
  waitAsync<0>();
  __syncthreads();
  for (int i = 0; i < Bytes; ++i)
    out[(64 + other) * Bytes + i] = buffer[1][other * Bytes + i];
}
extern "C" __global__ void copyAsync4(const char *in, char *out, unsigned valid) { copyInGroups<4>(in, out, valid); }
extern "C" __global__ void copyAsync8(const char *in, char *out, unsigned valid) { copyInGroups<8>(in, out, valid); }
extern "C" __global__ void copyAsync16(const char *in, char *out, unsigned valid) { copyInGroups<16>(in, out, valid); }
TENON_KERNEL(copyAsync4);
TENON_KERNEL(copyAsync8);
TENON_KERNEL(copyAsync16);

/// in: 4 matrices of 8x8 16-bit words; out[2][4][32] registers, plain and transposed, for x4; then x2 and x1.
extern "C" __global__ void loadMatrices(const unsigned short *in, unsigned *out) {
  __shared__ __align__(16) unsigned short tile[256];
  int lane = threadIdx.x;
  for (int i = lane; i < 256; i += 32)
    tile[i] = in[i];
  syncWarp();
  uint32_t r4[4], r2[2], r1[1];
  loadMatrix<4>(r4, tile + lane * 8);
  for (int i = 0; i < 4; ++i)
    out[i * 32 + lane] = r4[i];
  loadMatrixTransposed<4>(r4, tile + lane * 8);
  for (int i = 0; i < 4; ++i)
    out[128 + i * 32 + lane] = r4[i];
  loadMatrix<2>(r2, tile + lane % 16 * 8);
  loadMatrixTransposed<1>(r1, tile + lane % 8 * 8);
  out[256 + lane] = r2[0];
  out[288 + lane] = r2[1];
  out[320 + lane] = r1[0];
}
TENON_KERNEL(loadMatrices);

/// d[16][8] = c + a[16][16] b[16][8], one warp, fragments gathered by hand as mma.cuh lays them out.
template <class T>
__device__ void multiplyTile(const T *a, const T *b, float *d) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  auto pair = [](T low, T high) { return low.bits | static_cast<uint32_t>(high.bits) << 16; };
  auto rowPair = [&](int row, int k) { return pair(a[row * 16 + k], a[row * 16 + k + 1]); };
  auto columnPair = [&](int k, int column) { return pair(b[k * 8 + column], b[(k + 1) * 8 + column]); };
  uint32_t ra[4] = {rowPair(g, 2 * t), rowPair(g + 8, 2 * t), rowPair(g, 2 * t + 8), rowPair(g + 8, 2 * t + 8)};
  uint32_t rb[2] = {columnPair(2 * t, g), columnPair(2 * t + 8, g)};
  float acc[4];
  for (int i = 0; i < 4; ++i)
    acc[i] = d[(g + i / 2 * 8) * 8 + 2 * t + i % 2];
  mmaM16N8K16<T>(acc, ra, rb);
  for (int i = 0; i < 4; ++i)
    d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = acc[i];
}
extern "C" __global__ void mmaHalf(const half *a, const half *b, float *d) { multiplyTile(a, b, d); }
extern "C" __global__ void mmaBfloat16(const bfloat16 *a, const bfloat16 *b, float *d) { multiplyTile(a, b, d); }
TENON_KERNEL(mmaHalf);
TENON_KERNEL(mmaBfloat16);

extern "C" __global__ void mmaTf32(const float *a, const float *b, float *d) {
  int g = threadIdx.x / 4, t = threadIdx.x % 4;
  uint32_t ra[4], rb[2];
  for (int i = 0; i < 4; ++i)
    ra[i] = roundToTf32(a[(g + i % 2 * 8) * 8 + t + i / 2 * 4]);
  for (int i = 0; i < 2; ++i)
    rb[i] = roundToTf32(b[(t + i * 4) * 8 + g]);
  float acc[4];
  for (int i = 0; i < 4; ++i)
    acc[i] = d[(g + i / 2 * 8) * 8 + 2 * t + i % 2];
  mmaM16N8K8Tf32(acc, ra, rb);
  for (int i = 0; i < 4; ++i)
    d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = acc[i];
}
TENON_KERNEL(mmaTf32);
