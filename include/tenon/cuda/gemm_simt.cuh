//===- gemm_simt.cuh - Matrix products in float, without tensor cores -----===//
//
// The classic blocked product: a block computes TileM x TileN of C, a thread ThreadM x ThreadN of it in registers, from
// a ring of Stages tiles of A and B in shared memory that cp.async fills. A lies there transposed, [k][row], so that a
// thread reads four rows at a time; cp.async moves it element by element, which transposes on the way.
//
// gemm.cuh says how to instantiate. From sm_80.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_GEMM_SIMT_CUH
#define TENON_CUDA_GEMM_SIMT_CUH

#include "tenon/cuda/gemm.cuh"

namespace tenon::device {

/// Operands and accumulators of float. ThreadM and ThreadN: 4 or 8. A warp covers 4 * ThreadM rows and 8 * ThreadN
/// columns, which must divide the tile; TileK is 8 or 16. B has k lines along n, or with TransposedB n lines along k.
template <int TileM, int TileN, int TileK = 8, int ThreadM = 8, int ThreadN = 8, int Stages = 2,
          bool TransposedB = false>
struct GemmSimt {
  static_assert(ThreadM % 4 == 0 && ThreadN % 4 == 0, "a thread reads four elements at a time");
  static_assert(TileM % (4 * ThreadM) == 0 && TileN % (8 * ThreadN) == 0, "whole warps");
  static_assert(Stages >= 2, "one stage is read while another is filled");
  static constexpr int tileM = TileM, tileN = TileN, tileK = TileK;
  static constexpr int threadRows = TileM / ThreadM, threadColumns = TileN / ThreadN;
  static constexpr int threads = threadRows * threadColumns;
  static constexpr int minBlocks = 1; ///< the second launch bound
  /// Elements from one k to the next; the padding keeps the transposing copies out of each other's banks.
  static constexpr int pitchA = TileM + 4, pitchB = TileN + (TransposedB ? 4 : 0);
  static constexpr int stageElements = TileK * (pitchA + pitchB);
  using StagedStore = detail::StagedStore<TileM, TileN, threads, threadRows / 4, 0>;
  static constexpr int stageBytes = Stages * stageElements * 4;
  static constexpr int sharedBytes = stageBytes > StagedStore::sharedBytes ? stageBytes : StagedStore::sharedBytes;

  /// Called by all `threads` threads of a block, which compute one tile of every batch that falls to the block.
  template <class A, class B, class Epilogue>
  static TENON_DEVICE void run(const GemmShape &shape, const A &a, const B &b, const Epilogue &epilogue) {
    TENON_DYNAMIC_SHARED(shared);
    float *stages = reinterpret_cast<float *>(shared);
    detail::TilePlace place(shape, TileM, TileN);
    for (int batch = place.batch; batch < shape.batch; batch += place.batchStep) {
      float d[ThreadM][ThreadN] = {};
      product(d, stages, shape, place, a, b, batch);
      waitAsync<0>();
      store(d, stages, shape, place, epilogue, batch);
      __syncthreads(); // the next batch overwrites what others read
    }
  }

private:
  /// What one thread brings of a tile that has TileK elements of each of Lines lines, transposed to [k][line].
  template <class O, int Lines, int Pitch>
  struct Transposing {
    static constexpr int step = threads / TileK, slots = (Lines + step - 1) / step;
    static_assert(threads % TileK == 0, "a thread stays at one k");
    typename O::Line lines[slots];

    TENON_DEVICE void start(const O &operand, int64_t batch, int first) {
#pragma unroll
      for (int s = 0; s < slots; ++s)
        lines[s] = operand.line(batch, first + static_cast<int>(threadIdx.x) / TileK + s * step);
    }
    TENON_DEVICE void fetch(float *tile, const O &operand, int64_t batch, int first, int k) const {
      int inTile = threadIdx.x % TileK;
      typename O::Position position = operand.position(k + inTile);
#pragma unroll
      for (int s = 0; s < slots; ++s) {
        int line = static_cast<int>(threadIdx.x) / TileK + s * step;
        if (Lines % step == 0 || line < Lines)
          detail::fetchElement(tile + inTile * Pitch + line, operand, lines[s], position, batch, first + line,
                               k + inTile);
      }
    }
  };

  /// Brings TileK lines of TileN elements as they are.
  template <class O>
  static TENON_DEVICE void fetchLines(float *tile, const O &operand, bool wide, int64_t batch, int k, int first) {
    constexpr int chunks = TileN / 4;
#pragma unroll
    for (int s = 0; s < (TileK * chunks + threads - 1) / threads; ++s) {
      int c = threadIdx.x + s * threads, line = c / chunks, column = c % chunks * 4;
      if (TileK * chunks % threads != 0 && c >= TileK * chunks)
        break;
      detail::fetchChunk(tile + line * pitchB + column, operand, wide, operand.line(batch, k + line),
                         operand.position(first + column), batch, k + line, first + column);
    }
  }

  /// Row of the thread's i-th row in the tile: quadruples of rows, the thread rows next to each other.
  static TENON_DEVICE int rowOf(int i) { return i / 4 * (4 * threadRows) + threadRow() * 4 + i % 4; }
  static TENON_DEVICE int columnOf(int j) { return j / 4 * (4 * threadColumns) + threadColumn() * 4 + j % 4; }
  static TENON_DEVICE int threadRow() {
    return static_cast<int>(threadIdx.x / 32) % (threadRows / 4) * 4 + threadIdx.x % 32 / 8;
  }
  static TENON_DEVICE int threadColumn() {
    return static_cast<int>(threadIdx.x / 32) / (threadRows / 4) * 8 + threadIdx.x % 8;
  }

  static TENON_DEVICE void multiply(float (&d)[ThreadM][ThreadN], const float *a, const float *b) {
#pragma unroll 8
    for (int k = 0; k < TileK; ++k) {
      float x[ThreadM], y[ThreadN];
#pragma unroll
      for (int i = 0; i < ThreadM; i += 4) {
        Vector<float, 4> four = loadVector<4>(a + k * pitchA + rowOf(i));
#pragma unroll
        for (int e = 0; e < 4; ++e)
          x[i + e] = four[e];
      }
#pragma unroll
      for (int j = 0; j < ThreadN; j += 4) {
        Vector<float, 4> four = loadVector<4>(b + k * pitchB + columnOf(j));
#pragma unroll
        for (int e = 0; e < 4; ++e)
          y[j + e] = four[e];
      }
#pragma unroll
      for (int i = 0; i < ThreadM; ++i)
#pragma unroll
        for (int j = 0; j < ThreadN; ++j)
          d[i][j] += x[i] * y[j];
    }
  }

  template <class A, class B>
  static TENON_DEVICE void product(float (&d)[ThreadM][ThreadN], float *stages, const GemmShape &shape,
                                   const detail::TilePlace &place, const A &a, const B &b, int64_t batch) {
    Transposing<A, TileM, pitchA> linesA;
    Transposing<B, TileN, pitchB> linesB;
    linesA.start(a, batch, place.row);
    if constexpr (TransposedB)
      linesB.start(b, batch, place.column);
    bool wideB = b.wide();
    int tiles = shape.k / TileK + (shape.k % TileK != 0);
    auto load = [&](int tile) {
      float *stage = stages + tile % Stages * stageElements;
      linesA.fetch(stage, a, batch, place.row, tile * TileK);
      if constexpr (TransposedB)
        linesB.fetch(stage + TileK * pitchA, b, batch, place.column, tile * TileK);
      else
        fetchLines(stage + TileK * pitchA, b, wideB, batch, tile * TileK, place.column);
    };
    detail::pipeline<Stages>(tiles, load, [&](int tile) {
      const float *stage = stages + tile % Stages * stageElements;
      multiply(d, stage, stage + TileK * pitchA);
    });
  }

  template <class Epilogue>
  static TENON_DEVICE void store(const float (&d)[ThreadM][ThreadN], float *shared, const GemmShape &shape,
                                 const detail::TilePlace &place, const Epilogue &epilogue, int64_t batch) {
    auto put = [&](float *lines) {
#pragma unroll
      for (int i = 0; i < ThreadM; ++i)
#pragma unroll
        for (int j = 0; j < ThreadN; j += 4) {
          Vector<float, 4> values;
#pragma unroll
          for (int e = 0; e < 4; ++e)
            values[e] = d[i][j + e];
          storeVector(lines + (i / 4 * 16 + threadRow() % 4 * 4 + i % 4) * StagedStore::pitch + columnOf(j), values);
        }
    };
    // A row of warps has 16 of every 4 * threadRows rows: see rowOf().
    StagedStore::run(shared, shape, place, batch, epilogue, threadRow() / 4, put, [](int turn, int line) {
      return line / 16 * (4 * threadRows) + turn * 16 + line % 16;
    });
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_GEMM_SIMT_CUH
