//===- DynamicMeasure.cpp - The dynamic scheduler on real processes -------===//
#include "DynamicMeasure.h"

#include "DynamicSimulation.h"
#include "tenon/Runtime/DynamicSession.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <thread>

namespace tenon::test {

using namespace runtime;

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static void sleepFor(double time) { std::this_thread::sleep_for(std::chrono::duration<double>(time)); }

static int fail(const Status &status) {
  std::fprintf(stderr, "%s\n", status.str().c_str());
  return 1;
}

/// Numbers in [0, 1), or 0 and 1; extents that are no batch are 16.
static std::vector<Tensor> drawInputs(const std::vector<TensorInfo> &infos, int64_t samples) {
  std::mt19937 random(1);
  std::vector<Tensor> inputs;
  for (const TensorInfo &info : infos) {
    std::vector<int64_t> dims = info.dims;
    for (size_t i = 0; i < dims.size(); ++i)
      if (dims[i] < 0)
        dims[i] = i ? 16 : samples;
    Tensor tensor = *Tensor::allocate(info.type, dims);
    std::memset(tensor.data.get(), 0, size_t(tensor.bytes()));
    for (int64_t i = 0; i < tensor.elements(); ++i)
      if (info.type == ElementType::F32)
        tensor.as<float>()[i] = float(random() >> 8) * 0x1p-24f;
      else if (info.type == ElementType::I64)
        tensor.as<int64_t>()[i] = int64_t(random() & 1);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

static DynamicSessionOptions optionsOf(unsigned workers, BatchSchedule schedule = BatchSchedule::Dynamic) {
  DynamicSessionOptions options;
  options.workers = workers;
  options.session.threads = 1;
  options.batch.schedule = schedule;
  return options;
}

/// The one-minute load of the machine, which says whether times mean something.
static double load() {
  double value = 0;
  std::ifstream("/proc/loadavg") >> value;
  return value;
}

//===----------------------------------------------------------------------===//
// Equality
//===----------------------------------------------------------------------===//

static int64_t differingBytes(const std::vector<Tensor> &a, const std::vector<Tensor> &b) {
  int64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].dims != b[i].dims)
      return -1;
    for (int64_t j = 0; j < a[i].bytes(); ++j)
      count += a[i].as<char>()[j] != b[i].as<char>()[j];
  }
  return count;
}

int compareBits(const std::string &plan, int64_t samples, unsigned workers) {
  std::vector<Tensor> inputs, whole;
  std::vector<int64_t> different;
  int64_t pieces = 0;
  for (double share : {0.1, 0.25, 1.0})
    for (int64_t granule : {1, 2, 3, 7}) {
      DynamicSessionOptions options = optionsOf(workers);
      options.batch.share = share;
      options.batch.overheadShare = 1e9; // as small as the schedule likes
      options.granule = granule;
      auto session = DynamicSession::create(plan, options);
      if (!session)
        return fail(session.status());
      if (inputs.empty())
        inputs = drawInputs((*session)->inputs(), samples);
      auto outputs = (*session)->run(inputs);
      if (!outputs)
        return fail(outputs.status());
      if (whole.empty()) { // only now: processes are forked while there is one thread
        SessionOptions alone;
        alone.threads = 2;
        auto undivided = Session::create(plan, alone);
        auto results = undivided ? (*undivided)->run(inputs) : undivided.takeStatus();
        if (!results)
          return fail(results.status());
        whole = *results;
      }
      different.push_back(differingBytes(whole, *outputs));
      for (const DynamicStatistics::Worker &worker : (*session)->statistics().workers)
        pieces += worker.pieces;
    }
  const bool isEqual = std::all_of(different.begin(), different.end(), [](int64_t count) { return count == 0; });
  std::printf("%lld | %u | %lld | %s", static_cast<long long>(samples), workers, static_cast<long long>(pieces),
              isEqual ? "equal" : "different");
  for (int64_t count : different)
    if (count)
      std::printf(" %lld", static_cast<long long>(count));
  std::printf("\n");
  return isEqual ? 0 : 1;
}

//===----------------------------------------------------------------------===//
// Times
//===----------------------------------------------------------------------===//

static double timeOf(DynamicSession &session, const std::vector<Tensor> &inputs) {
  const double begun = seconds();
  auto outputs = session.run(inputs);
  if (!outputs)
    std::fprintf(stderr, "%s\n", outputs.status().str().c_str());
  return outputs ? seconds() - begun : -1;
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int measureSpeedup(const std::string &plan, int64_t samples) {
  auto one = DynamicSession::create(plan, optionsOf(1));
  auto two = one ? DynamicSession::create(plan, optionsOf(2)) : one.takeStatus();
  auto even = two ? DynamicSession::create(plan, optionsOf(2, BatchSchedule::Even)) : two.takeStatus();
  if (!even)
    return fail(even.status());
  const std::vector<Tensor> inputs = drawInputs((*one)->inputs(), samples);
  for (DynamicSession *session : {one->get(), two->get(), even->get()})
    timeOf(*session, inputs); // memory and code are touched for the first time
  const double before = load();
  std::vector<double> alone, both, split;
  for (int i = 0; i < 5; ++i) {
    alone.push_back(timeOf(**one, inputs));
    both.push_back(timeOf(**two, inputs));
    split.push_back(timeOf(**even, inputs));
  }
  std::printf("%lld | %.1f | %.1f | %.1f | %.1f | %.2f\n", static_cast<long long>(samples), 1e3 * median(alone),
              1e3 * median(split), 1e3 * median(both), 100 * (1 - median(both) / median(alone)), before);
  return 0;
}

namespace {
/// Lets a process run for `share` of the time, in periods of 20 ms, until it is destroyed.
class Throttle {
public:
  Throttle(pid_t process, double share)
      : thread([this, process, share] {
          while (!isOver) {
            kill(process, SIGSTOP);
            sleepFor(0.02 * (1 - share));
            if (share > 0) {
              kill(process, SIGCONT);
              sleepFor(0.02 * share);
            }
          }
          kill(process, SIGCONT);
        }) {}
  ~Throttle() {
    isOver = true;
    thread.join();
  }

private:
  std::atomic<bool> isOver{false};
  std::thread thread;
};
} // namespace

int measureStraggler(const std::string &plan, int64_t samples) {
  auto session = DynamicSession::create(plan, optionsOf(2));
  if (!session)
    return fail(session.status());
  const std::vector<Tensor> inputs = drawInputs((*session)->inputs(), samples);
  const pid_t victim = (*session)->processes()[1];
  timeOf(**session, inputs);
  const double usual = median({timeOf(**session, inputs), timeOf(**session, inputs), timeOf(**session, inputs)});
  // Both workers do 1 / 2 usual of a batch in a second. What the clairvoyant needs where one has a share of its speed
  // from the middle of a batch on, or from its begin.
  auto fromTheMiddle = [&](double share) { return usual / 2 + usual / (1 + share); };
  auto throughout = [&](double share) { return 2 * usual / (1 + share); };
  std::unique_ptr<Throttle> throttle;
  auto measure = [&](const char *what, double bound, double shareFromMiddle = -1) {
    std::thread later([&] {
      if (shareFromMiddle < 0)
        return;
      sleepFor(usual / 2);
      throttle.reset();
      throttle = std::make_unique<Throttle>(victim, shareFromMiddle);
    });
    const double time = timeOf(**session, inputs);
    later.join();
    const DynamicStatistics statistics = (*session)->statistics();
    std::printf("%s | %.1f | %.1f | %.1f | %lld | %lld\n", what, 1e3 * time, 1e3 * bound, 100 * (time / bound - 1),
                static_cast<long long>(statistics.workers[1].samples), static_cast<long long>(statistics.repeated));
  };
  measure("both at full speed", usual);
  measure("one slows down to a tenth, half way", fromTheMiddle(0.1), 0.1);
  measure("it is at a tenth", throughout(0.1));
  measure("it still is", throughout(0.1));
  throttle.reset();
  measure("it is released", usual);
  measure("both at full speed", usual);
  measure("both at full speed", usual);
  measure("one stops half way", fromTheMiddle(0), 0);
  measure("it stands still", throughout(0));
  throttle.reset();
  measure("it is released", usual);
  measure("both at full speed", usual);
  std::thread killer([&] {
    sleepFor(usual / 2);
    kill(victim, SIGKILL);
  });
  measure("one is killed half way", fromTheMiddle(0));
  killer.join();
  measure("one is left", throughout(0));
  return 0;
}

//===----------------------------------------------------------------------===//
// Workers that wait
//===----------------------------------------------------------------------===//

namespace {
/// Waits as long as a worker of this speed would compute; time begins at `origin`.
class WaitingWorker : public BatchWorker {
public:
  WaitingWorker(const SpeedCurve &curve, double origin) : curve(curve), origin(origin) {}

  Status load(std::span<const Tensor> inputs) override {
    const Tensor &x = inputs[0];
    held.assign(x.as<float>(), x.as<float>() + x.elements());
    return Status::success();
  }
  Expected<std::vector<Tensor>> compute() override {
    const double end = curve.end(seconds() - origin, double(held.size()));
    sleepFor(std::max(0.0, origin + std::min(end, 60.0) - seconds()));
    return std::vector<Tensor>{Tensor::borrow(held.data(), ElementType::F32, {int64_t(held.size())})};
  }

private:
  const SpeedCurve &curve;
  const double origin;
  std::vector<float> held;
};

struct WaitingTimes {
  std::vector<double> seconds, overBound; ///< of each batch
};
} // namespace

/// Batches of 2048 samples, after one that is not counted.
static WaitingTimes timeWaiting(const SimulatedWorkers &simulated, BatchSchedule schedule, int batches) {
  constexpr int64_t samples = 2048;
  const double origin = seconds();
  std::vector<std::unique_ptr<BatchWorker>> workers;
  for (const SpeedCurve &curve : simulated.curves)
    workers.push_back(std::make_unique<WaitingWorker>(curve, origin));
  const TensorInfo info{"x", ElementType::F32, {-1}, {"N"}};
  auto session = DynamicSession::create({info}, {info}, std::move(workers), optionsOf(0, schedule));
  const std::vector<float> x(static_cast<size_t>(samples));
  const std::vector<Tensor> inputs{Tensor::borrow(x.data(), ElementType::F32, {samples})};
  WaitingTimes times;
  for (int i = -1; i < batches; ++i) {
    const double begun = seconds() - origin, time = timeOf(**session, inputs);
    if (i < 0)
      continue;
    times.seconds.push_back(time);
    times.overBound.push_back(time / clairvoyant(simulated, begun, double(samples)) - 1);
  }
  return times;
}

static SimulatedWorkers drawWorkers(const std::vector<double> &speeds, double noise,
                                    std::vector<SpeedChange> changes = {}) {
  std::vector<SpeedCurve> curves;
  for (size_t i = 0; i < speeds.size(); ++i)
    curves.emplace_back(2048 * speeds[i], noise, 5e-3, i + 1,
                        i + 1 == speeds.size() ? changes : std::vector<SpeedChange>());
  return SimulatedWorkers(std::move(curves));
}

int measureWaiting() {
  struct Case {
    const char *name;
    std::vector<double> speeds;
    double noise;
  };
  for (const Case &entry :
       {Case{"one worker", {1}, 0}, Case{"two equal", {1, 1}, 0}, Case{"1:2:4, noise 20 %", {1, 2, 4}, 0.2}}) {
    const SimulatedWorkers workers = drawWorkers(entry.speeds, entry.noise);
    const double even = median(timeWaiting(workers, BatchSchedule::Even, 5).seconds);
    const WaitingTimes dynamic = timeWaiting(workers, BatchSchedule::Dynamic, 5);
    std::printf("%s | %.4f | %.4f | %.1f | %.1f\n", entry.name, even, median(dynamic.seconds),
                100 * (1 - median(dynamic.seconds) / even), 100 * median(dynamic.overBound));
  }
  // Batches begin at about 0.34, 0.67, 1.01 s and so on, the first of them not counted.
  const SimulatedWorkers slowing = drawWorkers({1, 1, 1}, 0.1, {{1.15, forever, 0.1}});
  const WaitingTimes times = timeWaiting(slowing, BatchSchedule::Dynamic, 5);
  for (size_t i = 0; i < times.seconds.size(); ++i)
    std::printf("three equal, one 10 times slower from 1.15 s on, batch %zu | - | %.4f | - | %.1f\n", i + 2,
                times.seconds[i], 100 * times.overBound[i]);
  return 0;
}

} // namespace tenon::test
