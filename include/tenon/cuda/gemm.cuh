//===- gemm.cuh - What the templates of heavy kernels have in common ------===//
//
// How to instantiate. A template is a struct with compile-time tiles; a kernel is one call of its run():
//
//   #include "tenon/cuda/gemm_simt.cuh"
//   using namespace tenon::device;
//   using Tile = GemmSimt<128, 128, 8, 8, 8, 2, /*TransposedB=*/false>;
//   struct BiasRelu {                                     // what is fused behind the product
//     const float *bias;
//     TENON_DEVICE float operator()(float v, int64_t batch, int row, int column) const {
//       return maximum(v + bias[column], 0.0f);
//     }
//   };
//   extern "C" __global__ void __launch_bounds__(Tile::threads, Tile::minBlocks)
//       dense(const float *a, const float *b, const float *bias, float *c, int m, int n, int k, int batch) {
//     Tile::run({m, n, k, batch}, rowMajor(a, m, k), rowMajor(b, k, n),
//               storeTo(c, int64_t(n), int64_t(m) * n, BiasRelu{bias}));
//   }
//   TENON_KERNEL(dense);
//
// Launch: block = Tile::threads, dynamic shared memory = Tile::sharedBytes (above 48 KiB the host must opt in),
// grid = (ceil(m / Tile::tileM) * ceil(n / Tile::tileN) * x, 1, z) with x * z <= batch matrices at a time; no launch
// where m, n or batch is 0.
// minBlocks is there to be named: without it ptxas saves registers by spilling. k may be 0: the epilogue then sees
// zeros. Headers: gemm_simt.cuh (float, FFMA), gemm_mma.cuh (half, bfloat16, float as TF32; from sm_80), gemm_wgmma.cuh
// (half, bfloat16; operands are tensor maps, only sm_90a), conv.cuh (an operand that makes either of the first two a
// convolution, and a depthwise one), conv_wgmma.cuh (any A, and a tensor map of B).
//
// Operands (prologue). A is a set of m lines along k, B one of n lines along k (TransposedB), or of k lines along n. An
// operand says where a line is and what a chunk of it holds; Operand below is the model. A plain operand is copied by
// cp.async; mapped() puts a function in front of the product, by way of registers. Any sizes and strides are right;
// 16-byte copies are used where operand.wide().
//
// Epilogue. A functor that takes N neighbouring accumulators of one row, `count` of which exist:
//   template <int N> void operator()(int64_t batch, int row, int column, const Vector<float, N> &values, int count);
// storeTo() makes one of a pointer and a function of a single value and its coordinates.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_GEMM_CUH
#define TENON_CUDA_GEMM_CUH

#include "tenon/cuda/async.cuh"
#include "tenon/cuda/kernel.cuh"

namespace tenon::device {

/// C[m][n] = A[m][k] * B[k][n], `batch` times. Each below 2^31 - 1024.
struct GemmShape {
  int m, n, k, batch;
};

/// Lines of elements in memory: element j of line i of a batch is data[batch * batchStride + i * lineStride + j].
/// The model of what an operand has to have.
template <class T>
struct Operand {
  using Element = T;
  /// Whether memory holds the values themselves, so that they may be copied past the registers.
  static constexpr bool plain = true;

  const T *data;
  int lines, length;
  int64_t lineStride, batchStride; ///< in elements; batchStride 0: the same matrix for all

  /// What is known of a line before the position in it; kept over the loop along k.
  using Line = const T *;
  /// What is known of a position before the line.
  using Position = int;

  /// Whether chunks of 16 bytes that start at multiples of 16 bytes of a line are aligned and contiguous in memory.
  TENON_DEVICE bool wide() const {
    constexpr int64_t mask = 16 / sizeof(T) - 1;
    return (reinterpret_cast<unsigned long>(data) % 16 == 0) & ((lineStride & mask) == 0) & ((batchStride & mask) == 0);
  }
  /// Line i may lie outside.
  TENON_DEVICE Line line(int64_t batch, int i) const {
    return i < lines ? data + batch * batchStride + i * lineStride : nullptr;
  }
  TENON_DEVICE Position position(int j) const { return j; }
  /// Where elements [j, j + count) of the line are, and how many of them exist (the others are zero). Any valid address
  /// where none do. More than one is asked for only where wide().
  TENON_DEVICE const T *chunk(Line line, Position j, int count, int &exist) const {
    int rest = line ? length - j : 0;
    exist = rest < 0 ? 0 : rest < count ? rest : count;
    return exist > 0 ? line + j : data;
  }
  /// The value of an element that exists, for operands that are not plain.
  TENON_DEVICE T map(T value, int64_t batch, int i, int j) const { return value; }
};

/// `lines` lines of `length` elements, `lineStride` apart.
template <class T>
TENON_DEVICE Operand<T> strided(const T *data, int lines, int length, int64_t lineStride, int64_t batchStride) {
  return {data, lines, length, lineStride, batchStride};
}
/// Dense lines, batches one after another.
template <class T>
TENON_DEVICE Operand<T> rowMajor(const T *data, int lines, int length) {
  return {data, lines, length, length, static_cast<int64_t>(lines) * length};
}

/// An operand whose elements are function(value, batch, line, position). What lies outside stays zero.
template <class Base, class F>
struct MappedOperand : Base {
  static constexpr bool plain = false;
  F function;
  TENON_DEVICE MappedOperand(const Base &base, const F &function) : Base(base), function(function) {}
  TENON_DEVICE typename Base::Element map(typename Base::Element value, int64_t batch, int i, int j) const {
    return function(value, batch, i, j);
  }
};
template <class Base, class F>
TENON_DEVICE MappedOperand<Base, F> mapped(const Base &base, const F &function) {
  return {base, function};
}

/// The function of an epilogue that does nothing.
struct Unchanged {
  TENON_DEVICE float operator()(float value, int64_t batch, int row, int column) const { return value; }
};

/// Writes function(value, batch, row, column), rounded to T, to c[batch * batchStride + row * rowStride + column].
template <class T, class F>
struct StoreEpilogue {
  T *c;
  int64_t rowStride, batchStride;
  F function;

  template <int N>
  TENON_DEVICE void operator()(int64_t batch, int row, int column, const Vector<float, N> &values, int count) const {
    T *target = c + batch * batchStride + row * rowStride + column;
    Vector<T, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i)
      if (i < count)
        result[i] = T(function(values[i], batch, row, column + i));
    if (count == N && reinterpret_cast<unsigned long>(target) % (N * sizeof(T)) == 0) {
      storeVector(target, result);
      return;
    }
#pragma unroll
    for (int i = 0; i < N; ++i)
      if (i < count)
        target[i] = result[i];
  }
};
template <class T, class F = Unchanged>
TENON_DEVICE StoreEpilogue<T, F> storeTo(T *c, int64_t rowStride, int64_t batchStride, const F &function = F()) {
  return {c, rowStride, batchStride, function};
}

namespace detail {

/// Which tile of C the block computes. Eight tile rows go together, column by column, so that blocks that run at the
/// same time share rows of A and columns of B in the L2 cache.
struct TilePlace {
  int row, column;      ///< of its first element
  int batch, batchStep; ///< the block's first matrix, and how far it is to its next
  TENON_DEVICE TilePlace(const GemmShape &shape, int tileM, int tileN) {
    constexpr unsigned kGroup = 8;
    unsigned rows = (shape.m + tileM - 1u) / tileM, columns = (shape.n + tileN - 1u) / tileN;
    unsigned tiles = rows * columns, tile = blockIdx.x % tiles;
    batch = static_cast<int>(blockIdx.x / tiles * gridDim.z + blockIdx.z);
    batchStep = static_cast<int>(gridDim.x / tiles * gridDim.z);
    unsigned group = tile / (kGroup * columns), inGroup = tile % (kGroup * columns);
    unsigned first = group * kGroup, height = rows - first < kGroup ? rows - first : kGroup;
    row = static_cast<int>((first + inGroup % height) * tileM);
    column = static_cast<int>(inGroup / height * tileN);
  }
};

/// Starts to bring one element of an operand to shared memory.
template <class O>
TENON_DEVICE void fetchElement(typename O::Element *shared, const O &operand, const typename O::Line &line,
                               const typename O::Position &position, int64_t batch, int i, int j) {
  using T = typename O::Element;
  int exist;
  const T *source = operand.chunk(line, position, 1, exist);
  if constexpr (O::plain && sizeof(T) == 4)
    copyAsyncZeroFill<4>(shared, source, exist ? 4 : 0);
  else
    *shared = exist ? operand.map(*source, batch, i, j) : T(0.0f);
}

/// Starts to bring elements [j, j + 16 / sizeof(T)) of a line to shared memory, 16 bytes aligned to 16. `position` is
/// operand.position(j), and `wide` operand.wide().
template <class O>
TENON_DEVICE void fetchChunk(typename O::Element *shared, const O &operand, bool wide, const typename O::Line &line,
                             const typename O::Position &position, int64_t batch, int i, int j) {
  using T = typename O::Element;
  constexpr int count = 16 / sizeof(T);
  if (!wide) {
#pragma unroll 1
    for (int e = 0; e < count; ++e) // the slow path: keep it small
      fetchElement(shared + e, operand, line, operand.position(j + e), batch, i, j + e);
    return;
  }
  int exist;
  const T *source = operand.chunk(line, position, count, exist);
  if constexpr (O::plain) {
    copyAsyncZeroFill<16>(shared, source, exist * sizeof(T));
  } else {
    Vector<T, count> values;
#pragma unroll
    for (int e = 0; e < count; ++e)
      values[e] = T(0.0f);
    if (exist == count)
      values = loadVectorReadOnly<count>(source);
    else
#pragma unroll
      for (int e = 0; e < count; ++e) // unrolled, so that the vector stays in registers
        if (e < exist)
          values[e] = source[e];
#pragma unroll
    for (int e = 0; e < count; ++e)
      if (e < exist)
        values[e] = operand.map(values[e], batch, i, j + e);
    storeVector(shared, values);
  }
}

/// The loop along k: load(tile) starts the copies of a tile, multiply(tile) uses them when all have arrived. `tiles` may
/// be 0. Filling the ring is part of the same loop, so that the code of load is there once.
template <int Stages, class Load, class Multiply>
TENON_DEVICE void pipeline(int tiles, Load load, Multiply multiply) {
#pragma unroll 1
  for (int tile = 1 - Stages; tile < tiles; ++tile) {
    if (tile >= 0) {
      waitAsync<Stages - 2>();
      __syncthreads();
    }
    if (tile + Stages - 1 < tiles)
      load(tile + Stages - 1);
    commitAsync(); // empty groups keep the count where there are fewer tiles than stages
    if (tile >= 0)
      multiply(tile);
  }
}

/// Brings a tile of C behind the product by way of shared memory, so that the code of the epilogue is there once, and
/// neighbouring threads have neighbouring columns. `Turns` rows of warps take turns: put(shared) stores the
/// lines x TileN sums of the calling warp's row, `pitch` apart; rowOf(turn, line) is where a line of them is in the tile.
template <int TileM, int TileN, int Threads, int Turns, int Padding>
struct StagedStore {
  static constexpr int lines = TileM / Turns, chunks = TileN / 4, step = Threads / chunks;
  static constexpr int pitch = TileN + Padding;
  static constexpr int sharedBytes = lines * pitch * 4;
  static_assert(Threads % chunks == 0, "a thread stays in its columns");

  template <class Epilogue, class Put, class RowOf>
  static TENON_DEVICE void run(float *shared, const GemmShape &shape, const TilePlace &place, int64_t batch,
                               const Epilogue &epilogue, int turn, Put put, RowOf rowOf) {
    int inTile = static_cast<int>(threadIdx.x) % chunks * 4, column = place.column + inTile;
    int count = shape.n - column < 4 ? shape.n - column : 4;
#pragma unroll 1
    for (int t = 0; t < Turns; ++t) {
      __syncthreads(); // nobody reads the shared memory any more
      if (t == turn)
        put(shared);
      __syncthreads();
#pragma unroll 1
      for (int line = static_cast<int>(threadIdx.x) / chunks; line < lines; line += step) {
        int row = place.row + rowOf(t, line);
        if (row < shape.m && count > 0)
          epilogue(batch, row, column, loadVector<4>(shared + line * pitch + inTile), count);
      }
    }
  }
};

/// Stores a 16x8 fragment of C at (row, column) of the warp, as mma.cuh and wgmma.cuh lay it out. A lane holds two
/// neighbours of rows g and g + 8; it swaps two with the lane beside it, so that the even lane has four neighbours of
/// row g, and the odd one of row g + 8. Called by whole warps.
template <class Epilogue>
TENON_DEVICE void storeFragment(const GemmShape &shape, const Epilogue &epilogue, int64_t batch, int row, int column,
                                float d0, float d1, float d2, float d3) {
  int lane = threadIdx.x % 32;
  bool odd = lane % 2;
  float first = shuffleXor(odd ? d0 : d2, 1), second = shuffleXor(odd ? d1 : d3, 1);
  Vector<float, 4> values;
  values[0] = odd ? first : d0;
  values[1] = odd ? second : d1;
  values[2] = odd ? d2 : first;
  values[3] = odd ? d3 : second;
  row += lane / 4 + (odd ? 8 : 0);
  column += lane % 4 / 2 * 4;
  if (row < shape.m && column < shape.n)
    epilogue(batch, row, column, values, shape.n - column < 4 ? shape.n - column : 4);
}

} // namespace detail
} // namespace tenon::device

#endif // TENON_CUDA_GEMM_CUH
