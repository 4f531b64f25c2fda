//===- lstm.cuh - The recurrence of a long short-term memory --------------===//
//
// A block carries Rows rows of the batch in one direction through all steps: h and c stay in shared memory, r is read
// again in every step (from the caches). The part of the gates that depends on the input is a matrix product of its own
// that was computed before. A warp computes the four gates of one hidden unit at a time for all rows.
//
//   using Tile = Lstm<64>;                                       // hidden units
//   Tile::run(shape, operands, sigmoid, tanh, tanh);             // functions of a float
//
// Launch: grid.x = directions * ceil(rows / Tile::rows), block = Tile::threads, dynamic shared memory =
// Tile::sharedBytes. Any architecture.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_LSTM_CUH
#define TENON_CUDA_LSTM_CUH

#include "tenon/cuda/kernel.cuh"

namespace tenon::device {

struct LstmShape {
  int steps, rows, directions;
  bool firstIsBackward; ///< a second direction always is
  float clip;           ///< of what the activations take; 0: not
  bool inputForget;     ///< the forget gate is 1 - input gate
};

/// Dense, as graph.lstm says; gates are input, output, forget, cell. Null where absent.
template <class Length>
struct LstmOperands {
  const float *gates;               ///< [steps, rows, directions, 4, Hidden], of the input alone
  const float *r;                   ///< [directions, 4, Hidden, Hidden]
  const float *initialH, *initialC; ///< [directions, rows, Hidden]
  const Length *lengths;            ///< [rows]
  const float *peepholes;           ///< [directions, 3, Hidden]: input, output, forget
  float *y;                         ///< [steps, directions, rows, Hidden]
  float *lastH, *lastC;             ///< [directions, rows, Hidden]
};

namespace detail {
/// Sums each of N values (a power of two up to 32) over the warp: the lane gets the sum of value lane / (32 / N).
template <int N>
TENON_DEVICE float sumEach(float (&values)[N]) {
  int lane = laneIndex();
#pragma unroll
  for (int half = N / 2, bit = 16; half > 0; half /= 2, bit /= 2)
#pragma unroll
    for (int i = 0; i < half; ++i) {
      const bool isUpper = lane & bit;
      float low = values[i], high = values[i + half];
      values[i] = (isUpper ? high : low) + shuffleXor(isUpper ? low : high, bit);
    }
  return warpReduce<32 / N>(values[0], Sum());
}
} // namespace detail

/// Rows: 1, 2, 4 or 8, of a block.
template <int Hidden, int Rows = 4>
struct Lstm {
  static constexpr int threads = 512, minBlocks = 1, rows = Rows;
  static constexpr int vector = Hidden % 4 == 0 ? 4 : 1;
  /// h before and after a step, c.
  static constexpr int sharedBytes = 3 * Rows * Hidden * 4;

  /// Called by all threads of a block.
  template <class Length, class F, class G, class H>
  static TENON_DEVICE void run(const LstmShape &shape, const LstmOperands<Length> &data, F gate, G cellInput,
                               H cellOutput) {
    TENON_DYNAMIC_SHARED(shared);
    float *h = reinterpret_cast<float *>(shared), *next = h + Rows * Hidden, *c = next + Rows * Hidden;
    int groups = (shape.rows + Rows - 1) / Rows, direction = blockIdx.x / groups;
    int first = static_cast<int>(blockIdx.x) % groups * Rows;
    int64_t states = (static_cast<int64_t>(direction) * shape.rows + first) * Hidden;
    int elements = (shape.rows - first < Rows ? shape.rows - first : Rows) * Hidden;
    for (int i = threadIdx.x; i < Rows * Hidden; i += threads) {
      h[i] = data.initialH && i < elements ? data.initialH[states + i] : 0.0f;
      c[i] = data.initialC && i < elements ? data.initialC[states + i] : 0.0f;
    }
    __syncthreads();
    Row row(shape, data, first, direction);
    for (int step = 0; step < shape.steps; ++step) {
      for (int unit = threadIdx.x / 32; unit < Hidden; unit += threads / 32)
        advance(shape, data, row, step, unit, h, next, c, gate, cellInput, cellOutput);
      __syncthreads(); // nobody reads the old h, everybody sees the new one
      float *old = h;
      h = next, next = old;
    }
    for (int i = threadIdx.x; i < elements; i += threads) {
      data.lastH[states + i] = h[i];
      data.lastC[states + i] = c[i];
    }
  }

private:
  /// The row and the gate whose sum a lane gets, see sumEach.
  struct Row {
    int inBlock, number, gate, direction, length;
    bool isBackward, exists;

    template <class Length>
    TENON_DEVICE Row(const LstmShape &shape, const LstmOperands<Length> &data, int first, int direction)
        : inBlock(static_cast<int>(laneIndex()) * Rows / 32), number(first + inBlock),
          gate(static_cast<int>(laneIndex()) * Rows / 8 % 4), direction(direction), length(shape.steps),
          isBackward(direction == 1 || shape.firstIsBackward), exists(number < shape.rows) {
      if (data.lengths && exists) {
        Length given = data.lengths[number];
        length = given < 0 ? 0 : given < shape.steps ? static_cast<int>(given) : shape.steps;
      }
    }
  };

  /// r of the unit times h of all rows; the lane gets the sum of its row and gate.
  static TENON_DEVICE float multiply(const float *r, const float *h) {
    float sums[4 * Rows] = {};
#pragma unroll 1
    for (int j = threadIdx.x % 32 * vector; j < Hidden; j += 32 * vector) {
      Vector<float, vector> weights[4];
#pragma unroll
      for (int gate = 0; gate < 4; ++gate)
        weights[gate] = loadVectorReadOnly<vector>(r + static_cast<int64_t>(gate) * Hidden * Hidden + j);
#pragma unroll
      for (int row = 0; row < Rows; ++row) {
        Vector<float, vector> state = loadVector<vector>(h + row * Hidden + j);
#pragma unroll
        for (int gate = 0; gate < 4; ++gate)
#pragma unroll
          for (int e = 0; e < vector; ++e)
            sums[4 * row + gate] += weights[gate][e] * state[e];
      }
    }
    return detail::sumEach(sums);
  }

  /// One unit of all rows through one step. Called by whole warps.
  template <class Length, class F, class G, class H>
  static TENON_DEVICE void advance(const LstmShape &shape, const LstmOperands<Length> &data, const Row &row, int step,
                                   int unit, const float *h, float *next, float *c, F gate, G cellInput, H cellOutput) {
    float sum = multiply(data.r + (static_cast<int64_t>(row.direction) * 4 * Hidden + unit) * Hidden, h);
    bool isActive = step < row.length;
    int time = isActive && row.isBackward ? row.length - 1 - step : step, at = row.inBlock * Hidden + unit;
    if (row.exists)
      sum +=
          data.gates[(((static_cast<int64_t>(time) * shape.rows + row.number) * shape.directions + row.direction) * 4 +
                      row.gate) *
                         Hidden +
                     unit];
    // All lanes of a row compute the same from its four gates; lanes 8 / Rows apart hold them.
    float gates[4], peepholes[3] = {};
#pragma unroll
    for (int g = 0; g < 4; ++g)
      gates[g] = shuffle(sum, row.inBlock * (32 / Rows) + g * (8 / Rows));
    if (data.peepholes)
#pragma unroll
      for (int p = 0; p < 3; ++p)
        peepholes[p] = data.peepholes[(static_cast<int64_t>(row.direction) * 3 + p) * Hidden + unit];
    auto clip = [&](float x) { return shape.clip > 0 ? minimum(maximum(x, -shape.clip), shape.clip) : x; };
    float old = c[at], input = gate(clip(gates[0] + peepholes[0] * old));
    float forget = shape.inputForget ? 1.0f - input : gate(clip(gates[2] + peepholes[2] * old));
    float cell = forget * old + input * cellInput(clip(gates[3]));
    float output = gate(clip(gates[1] + peepholes[1] * cell)), state = output * cellOutput(cell);
    syncWarp(); // c was read by all lanes of the row
    if (row.gate != 0 || threadIdx.x % (8 / Rows) != 0)
      return;
    c[at] = isActive ? cell : old;
    next[at] = isActive ? state : h[at];
    if (row.exists)
      data.y[((static_cast<int64_t>(time) * shape.directions + row.direction) * shape.rows + row.number) * Hidden +
             unit] = isActive ? state : 0.0f;
  }
};

} // namespace tenon::device

#endif // TENON_CUDA_LSTM_CUH
