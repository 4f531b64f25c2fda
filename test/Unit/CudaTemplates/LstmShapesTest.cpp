//===- LstmShapesTest.cpp - The template of recurrences at odd shapes -----===//
#include "OddShapes.h"

#include <cmath>

using namespace tenon::test;

namespace {

struct Shape {
  int steps, rows, directions;
  bool firstIsBackward;
  float clip;
  bool inputForget;
};
/// As in Lstm.inc.
struct Problem {
  Shape shape;
  const float *gates, *r, *initialH, *initialC;
  const int *lengths;
  const float *peepholes;
  float *y, *lastH, *lastC;
};
/// A kernel of LstmTemplates.cu.
struct Instance {
  const char *kernel;
  int hidden, rows;
};
constexpr Instance kInstances[] = {
    {"lstm1", 1, 4}, {"lstm7", 7, 8}, {"lstm20", 20, 2}, {"lstm33", 33, 4}, {"lstm136", 136, 1}};

struct Trial {
  Instance instance;
  Shape s;
  int hidden = instance.hidden, states = s.directions * s.rows * hidden;
  Buffer<float> gates, r, h, c, peepholes, y, lastH, lastC;
  Buffer<int> lengths;
  std::vector<double> wantedY, wantedH, wantedC;

  Trial(const Instance &instance, const Shape &s)
      : instance(instance), s(s), gates(std::max(s.steps * s.rows * s.directions * 4 * hidden, 1)),
        r(s.directions * 4 * hidden * hidden), h(states), c(states), peepholes(s.directions * 3 * hidden),
        y(std::max(s.steps * states, 1)), lastH(states), lastC(states), lengths(s.rows) {}

  /// `present`: bits for the states, lengths and peepholes.
  Problem fill(int salt, int present) {
    auto draw = [&](Buffer<float> &buffer, int factor, float scale) {
      for (size_t i = 0; i < buffer.size(); ++i)
        buffer[i] = static_cast<float>((static_cast<int64_t>(i) * factor + salt * 11) % 31 - 15) * scale;
    };
    draw(gates, 17, 1 / 8.0f), draw(r, 7, 1.0f / static_cast<float>(8 * hidden));
    draw(h, 5, 1 / 16.0f), draw(c, 3, 1 / 16.0f), draw(peepholes, 13, 1 / 32.0f);
    for (int i = 0; i < s.rows; ++i)
      lengths[i] = (i * 5 + salt) % (s.steps + 4) - 2; // those outside are clamped
    Problem p = {s, gates.data(), r.data(), nullptr, nullptr, nullptr, nullptr, y.data(), lastH.data(), lastC.data()};
    if (present & 1)
      p.initialH = h.data(), p.initialC = c.data();
    if (present & 2)
      p.lengths = lengths.data();
    if (present & 4)
      p.peepholes = peepholes.data();
    compute(p);
    return p;
  }
  /// As ONNX's LSTM, with the activations of LstmTemplates.cu.
  void compute(const Problem &p) {
    wantedY.assign(y.size(), 0), wantedH.assign(states, 0), wantedC.assign(states, 0);
    for (int d = 0; d < s.directions; ++d)
      for (int row = 0; row < s.rows; ++row) {
        const int first = (d * s.rows + row) * hidden;
        std::vector<double> state(hidden), cell(hidden), next(hidden);
        for (int u = 0; u < hidden && p.initialH; ++u)
          state[u] = p.initialH[first + u], cell[u] = p.initialC[first + u];
        const int length = p.lengths ? std::clamp(p.lengths[row], 0, s.steps) : s.steps;
        for (int step = 0; step < length; ++step) {
          const int time = d == 1 || s.firstIsBackward ? length - 1 - step : step;
          for (int u = 0; u < hidden; ++u)
            next[u] = advance(p, d, row, time, u, state, cell[u]);
          state = next;
          for (int u = 0; u < hidden; ++u)
            wantedY[((time * s.directions + d) * s.rows + row) * hidden + u] = state[u];
        }
        for (int u = 0; u < hidden; ++u)
          wantedH[first + u] = state[u], wantedC[first + u] = cell[u];
      }
  }
  /// One unit through one step; updates its cell.
  double advance(const Problem &p, int d, int row, int time, int u, const std::vector<double> &state, double &cell) {
    double sums[4], peep[3] = {};
    for (int g = 0; g < 4; ++g) {
      sums[g] = p.gates[(((time * s.rows + row) * s.directions + d) * 4 + g) * hidden + u];
      for (int j = 0; j < hidden; ++j)
        sums[g] += p.r[((d * 4 + g) * hidden + u) * hidden + j] * state[j];
    }
    for (int i = 0; i < 3 && p.peepholes; ++i)
      peep[i] = p.peepholes[(d * 3 + i) * hidden + u];
    auto clip = [&](double x) { return s.clip > 0 ? std::clamp<double>(x, -s.clip, s.clip) : x; };
    auto gate = [](double x) { return std::clamp(x / 4 + 0.5, 0.0, 1.0); };
    auto bend = [](double x, double limit) { return std::clamp(x, -2 * limit, limit); };
    double input = gate(clip(sums[0] + peep[0] * cell));
    double forget = s.inputForget ? 1 - input : gate(clip(sums[2] + peep[2] * cell));
    cell = forget * cell + input * bend(clip(sums[3]), 0.5);
    return gate(clip(sums[1] + peep[1] * cell)) * bend(cell, 0.75);
  }
  void compare() {
    check("y", y, wantedY, s.steps * states);
    check("the last h", lastH, wantedH, states);
    check("the last c", lastC, wantedC, states);
  }
  static void check(const char *name, Buffer<float> &found, const std::vector<double> &wanted, int count) {
    EXPECT_TRUE(found.guardsAreWhole()) << name;
    for (int i = 0; i < count; ++i)
      if (!(std::fabs(found[i] - wanted[i]) <= 1e-5))
        FAIL() << name << " at " << i << ": " << found[i] << ", expected " << wanted[i];
  }
};

class LstmShapes : public DeviceTest {};

TEST_F(LstmShapes, Simt) {
  forOddShapes([&](uint64_t number, Draw d) {
    const Instance &instance = kInstances[number % std::size(kInstances)];
    Shape s = {d.of({0, 1, 1, 2, 3, 5, 7}),
               d.extent(11, instance.rows),
               1 + d.below(2),
               d.chance(30),
               d.chance(30) ? 0.25f : 0.0f,
               d.chance(30)};
    const int present = d.below(8);
    SCOPED_TRACE(std::string(instance.kernel) + ", steps " + std::to_string(s.steps) + ", rows " +
                 std::to_string(s.rows) + ", directions " + std::to_string(s.directions));
    Trial trial(instance, s);
    forSeeds([&](uint64_t seed) {
      Problem p = trial.fill(static_cast<int>(seed), present);
      trial.y.poison(), trial.lastH.poison(), trial.lastC.poison();
      const unsigned grid = static_cast<unsigned>(s.directions * ((s.rows + instance.rows - 1) / instance.rows));
      ASSERT_EQ(file("LstmTemplates.cu", seed)(instance.kernel, {grid}, {512},
                                               static_cast<size_t>(12) * instance.rows * instance.hidden, p),
                "");
      trial.compare();
    });
  });
}

} // namespace
