//===- gemm_mma.cuh - Matrix products by mma.sync -------------------------===//
//
// A block computes TileM x TileN of C by WarpsM x WarpsN warps, from a ring of Stages tiles of A and B in shared memory
// that cp.async fills in chunks of 16 bytes. Chunks are permuted within their line, so that neither the copies nor
// ldmatrix meet a bank twice. Half and bfloat16 multiply by m16n8k16; float is rounded to TF32 in registers and
// multiplies by m16n8k8, which reads the same chunks. Accumulators are float.
//
// gemm.cuh says how to instantiate. From sm_80.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_GEMM_MMA_CUH
#define TENON_CUDA_GEMM_MMA_CUH

#include "tenon/cuda/gemm.cuh"
#include "tenon/cuda/mma.cuh"

namespace tenon::device {

/// T: half, bfloat16 or float (TF32). A line of TileK elements has 64 or 128 bytes. A warp computes TileM / WarpsM rows
/// and TileN / WarpsN columns, both multiples of 16. B has k lines along n, or with TransposedB n lines along k.
template <class T, int TileM, int TileN, int TileK, int WarpsM, int WarpsN, int Stages = 3, bool TransposedB = false>
struct GemmMma {
  static constexpr int tileM = TileM, tileN = TileN, tileK = TileK;
  static constexpr int threads = 32 * WarpsM * WarpsN;
  static constexpr int minBlocks = 1; ///< the second launch bound
  static constexpr int perChunk = 16 / sizeof(T);
  static constexpr int elementsA = TileM * TileK, elementsB = TileN * TileK;
  using StagedStore = detail::StagedStore<TileM, TileN, threads, WarpsM, 8>; // 8 lines of a fragment in other banks
  static constexpr int stageBytes = Stages * (elementsA + elementsB) * sizeof(T);
  static constexpr int sharedBytes = stageBytes > StagedStore::sharedBytes ? stageBytes : StagedStore::sharedBytes;
  static constexpr int warpM = TileM / WarpsM, warpN = TileN / WarpsN;
  static constexpr int rowFragments = warpM / 16, columnFragments = warpN / 8;
  static constexpr bool isTf32 = sizeof(T) == 4;
  static_assert(TileK / perChunk == 4 || TileK / perChunk == 8, "a line of TileK elements has 64 or 128 bytes");
  static_assert(warpM % 16 == 0 && warpN % 16 == 0, "a warp computes 16x16 or a multiple");
  static_assert(TransposedB || TileN / perChunk >= 8, "a line along n has 128 bytes or more");
  static_assert(Stages >= 2, "one stage is read while others are filled");

  /// Called by all `threads` threads of a block, which compute one tile of every batch that falls to the block.
  template <class A, class B, class Epilogue>
  static TENON_DEVICE void run(const GemmShape &shape, const A &a, const B &b, const Epilogue &epilogue) {
    TENON_DYNAMIC_SHARED(shared);
    T *stages = reinterpret_cast<T *>(shared);
    detail::TilePlace place(shape, TileM, TileN);
    for (int batch = place.batch; batch < shape.batch; batch += place.batchStep) {
      Accumulators d = {};
      product(d, stages, shape, place, a, b, batch);
      waitAsync<0>();
      store(d, shared, shape, place, epilogue, batch);
      __syncthreads(); // the next batch overwrites what others read
    }
  }

private:
  using Accumulators = float[rowFragments][columnFragments][4];

  /// Where a chunk of a line of TileK elements lies.
  static TENON_DEVICE int chunkAlongK(int line, int chunk) {
    constexpr int chunks = TileK / perChunk;
    return line * TileK + (chunk ^ (chunks == 8 ? line & 7 : line / 2 & 3)) * perChunk;
  }
  /// Where a chunk of a line of TileN elements lies. ldmatrix reads 8 lines at one chunk; a warp that loads TF32 reads
  /// 4 lines at two.
  static TENON_DEVICE int chunkAlongN(int line, int chunk) {
    return line * TileN + (chunk ^ (isTf32 ? (line & 3) * 2 : line & 7)) * perChunk;
  }

  /// What one thread brings of a tile of Lines lines along k.
  template <class O, int Lines>
  struct AlongK {
    static constexpr int chunks = TileK / perChunk, step = threads / chunks, slots = (Lines + step - 1) / step;
    typename O::Line lines[slots];

    TENON_DEVICE void start(const O &operand, int64_t batch, int first) {
#pragma unroll
      for (int s = 0; s < slots; ++s)
        lines[s] = operand.line(batch, first + static_cast<int>(threadIdx.x) / chunks + s * step);
    }
    TENON_DEVICE void fetch(T *tile, const O &operand, bool wide, int64_t batch, int first, int k) const {
      int chunk = threadIdx.x % chunks, j = k + chunk * perChunk;
      typename O::Position position = operand.position(j);
#pragma unroll
      for (int s = 0; s < slots; ++s) {
        int line = static_cast<int>(threadIdx.x) / chunks + s * step;
        if (Lines % step == 0 || line < Lines)
          detail::fetchChunk(tile + chunkAlongK(line, chunk), operand, wide, lines[s], position, batch, first + line,
                             j);
      }
    }
  };

  /// Brings TileK lines of TileN elements.
  template <class O>
  static TENON_DEVICE void fetchAlongN(T *tile, const O &operand, bool wide, int64_t batch, int k, int first) {
    constexpr int chunks = TileN / perChunk, total = TileK * chunks;
#pragma unroll
    for (int s = 0; s < (total + threads - 1) / threads; ++s) {
      int c = threadIdx.x + s * threads, line = c / chunks, column = c % chunks;
      if (total % threads != 0 && c >= total)
        break;
      int j = first + column * perChunk;
      detail::fetchChunk(tile + chunkAlongN(line, column), operand, wide, operand.line(batch, k + line),
                         operand.position(j), batch, k + line, j);
    }
  }

  /// Fragments j and j + 1 of B, for the step-th 32 bytes of k.
  static TENON_DEVICE void loadB(uint32_t (&r)[4], const T *b, int column, int step) {
    int lane = threadIdx.x % 32;
    if constexpr (TransposedB) {
      loadMatrix<4>(r, b + chunkAlongK(column + lane % 8 + lane / 16 * 8, 2 * step + lane / 8 % 2));
    } else if constexpr (!isTf32) {
      loadMatrixTransposed<4>(r, b + chunkAlongN(16 * step + lane % 16, column / 8 + lane / 16));
    } else {
      int g = lane / 4, t = lane % 4;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        int at = column + g + i / 2 * 8;
        r[i] = bitCast<uint32_t>(b[chunkAlongN(8 * step + t + i % 2 * 4, at / 4) + at % 4]);
      }
    }
  }

  static TENON_DEVICE void multiply(Accumulators &d, const T *a, const T *b, int row, int column) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int step = 0; step < TileK / perChunk / 2; ++step) {
      uint32_t x[rowFragments][4], y[columnFragments][2];
#pragma unroll
      for (int i = 0; i < rowFragments; ++i) {
        loadMatrix<4>(x[i], a + chunkAlongK(row + 16 * i + lane % 16, 2 * step + lane / 16));
        roundFragments(x[i]);
      }
#pragma unroll
      for (int j = 0; j < columnFragments; j += 2) {
        uint32_t r[4];
        loadB(r, b, column + 8 * j, step);
        roundFragments(r);
        y[j][0] = r[0], y[j][1] = r[1], y[j + 1][0] = r[2], y[j + 1][1] = r[3];
      }
#pragma unroll
      for (int i = 0; i < rowFragments; ++i)
#pragma unroll
        for (int j = 0; j < columnFragments; ++j)
          if constexpr (isTf32)
            mmaM16N8K8Tf32(d[i][j], x[i], y[j]);
          else
            mmaM16N8K16<T>(d[i][j], x[i], y[j]);
    }
  }
  static TENON_DEVICE void roundFragments(uint32_t (&r)[4]) {
    if constexpr (isTf32)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        r[e] = roundToTf32(bitCast<float>(r[e]));
  }

  static TENON_DEVICE int warpRow() { return static_cast<int>(threadIdx.x) / 32 / WarpsN * warpM; }
  static TENON_DEVICE int warpColumn() { return static_cast<int>(threadIdx.x) / 32 % WarpsN * warpN; }

  template <class A, class B>
  static TENON_DEVICE void product(Accumulators &d, T *stages, const GemmShape &shape, const detail::TilePlace &place,
                                   const A &a, const B &b, int64_t batch) {
    AlongK<A, TileM> linesA;
    AlongK<B, TileN> linesB;
    linesA.start(a, batch, place.row);
    if constexpr (TransposedB)
      linesB.start(b, batch, place.column);
    bool wideA = a.wide(), wideB = b.wide();
    int tiles = shape.k / TileK + (shape.k % TileK != 0);
    auto load = [&](int tile) {
      T *stage = stages + tile % Stages * (elementsA + elementsB);
      linesA.fetch(stage, a, wideA, batch, place.row, tile * TileK);
      if constexpr (TransposedB)
        linesB.fetch(stage + elementsA, b, wideB, batch, place.column, tile * TileK);
      else
        fetchAlongN(stage + elementsA, b, wideB, batch, tile * TileK, place.column);
    };
    detail::pipeline<Stages>(tiles, load, [&](int tile) {
      const T *stage = stages + tile % Stages * (elementsA + elementsB);
      multiply(d, stage, stage + elementsA, warpRow(), warpColumn());
    });
  }

  template <class Epilogue>
  static TENON_DEVICE void store(const Accumulators &d, void *shared, const GemmShape &shape,
                                 const detail::TilePlace &place, const Epilogue &epilogue, int64_t batch) {
    auto put = [&](float *lines) {
      int lane = threadIdx.x % 32;
      float *first = lines + lane / 4 * StagedStore::pitch + warpColumn() + lane % 4 * 2;
#pragma unroll
      for (int i = 0; i < rowFragments; ++i)
#pragma unroll
        for (int j = 0; j < columnFragments; ++j)
#pragma unroll
          for (int half = 0; half < 2; ++half)
            storeVector(first + (16 * i + 8 * half) * StagedStore::pitch + 8 * j,
                        Vector<float, 2>{{d[i][j][2 * half], d[i][j][2 * half + 1]}});
    };
    StagedStore::run(static_cast<float *>(shared), shape, place, batch, epilogue, warpRow() / warpM, put,
                     [](int turn, int line) { return turn * warpM + line; });
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_GEMM_MMA_CUH
