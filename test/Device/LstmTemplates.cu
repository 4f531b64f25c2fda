// Instances of the template of recurrences, with activations that are exact in float.
#include "tenon/cuda/lstm.cuh"

using namespace tenon::device;

#include "Lstm.inc"

/// x / 4 + 1 / 2, within [0, 1].
struct Gate {
  TENON_DEVICE float operator()(float x) const { return minimum(maximum(x * 0.25f + 0.5f, 0.0f), 1.0f); }
};
/// x within [-limit, limit], of which twice as much below zero.
struct Bend {
  float limit;
  TENON_DEVICE float operator()(float x) const { return minimum(maximum(x, -2 * limit), limit); }
};

#define LSTM(name, ...)                                                                                                \
  extern "C" __global__ void __launch_bounds__(__VA_ARGS__::threads, __VA_ARGS__::minBlocks) name(Problem p) {         \
    __VA_ARGS__::run(p.shape, p.data, Gate(), Bend{0.5f}, Bend{0.75f});                                                \
  }                                                                                                                    \
  TENON_KERNEL(name)

LSTM(lstm1, Lstm<1, 4>);
LSTM(lstm7, Lstm<7, 8>);
LSTM(lstm20, Lstm<20, 2>);
LSTM(lstm33, Lstm<33, 4>);
LSTM(lstm136, Lstm<136, 1>);
