//===- DynamicSessionTest.cpp - Batches over threads and processes --------===//
#include "tenon/Runtime/DynamicSession.h"
#include "Runtime/SampleSession.h"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {
using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// y = 3 x + 1, a sample at a time; or what `mode` says.
class FakeWorker : public BatchWorker {
public:
  std::function<Status(int piece)> before = [](int) { return Status::success(); };
  double secondsOfSample = 0;
  bool sumsOverBatch = false, losesRows = false;

  Status load(std::span<const Tensor> inputs) override {
    const Tensor &x = inputs[0];
    held.assign(x.as<float>(), x.as<float>() + x.elements());
    return Status::success();
  }

  Expected<std::vector<Tensor>> compute() override {
    TENON_RETURN_IF_ERROR(before(pieces++));
    std::this_thread::sleep_for(std::chrono::duration<double>(secondsOfSample * double(held.size())));
    float sum = 0;
    for (float &value : held) {
      sum += value + 1;
      value = 3 * value + (sumsOverBatch ? sum : 1);
    }
    if (losesRows)
      held.pop_back();
    return std::vector<Tensor>{floats(held, {int64_t(held.size()), 1})};
  }

  void stop() override {
    std::lock_guard lock(mutex);
    isStopped = true;
    changed.notify_all();
  }

  /// Until stop() or release().
  void block() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return isStopped; });
  }

private:
  std::vector<float> held;
  int pieces = 0;
  std::mutex mutex;
  std::condition_variable changed;
  bool isStopped = false;
};

TensorInfo info(const std::string &name, std::vector<std::string> names = {"N", ""}) {
  return {name, ElementType::F32, {names[0].empty() ? 2 : -1, names[1].empty() ? 1 : -1}, std::move(names)};
}

struct Fakes {
  std::vector<FakeWorker *> workers;
  Expected<std::unique_ptr<DynamicSession>> session = Status::error("TN7014", "not made");

  explicit Fakes(size_t count, DynamicSessionOptions options = {}, const std::function<void(Fakes &)> &prepare = {}) {
    std::vector<std::unique_ptr<BatchWorker>> owned;
    for (size_t i = 0; i < count; ++i) {
      workers.push_back(new FakeWorker);
      owned.emplace_back(workers.back());
    }
    if (prepare)
      prepare(*this);
    session = DynamicSession::create({info("x")}, {info("y")}, std::move(owned), options);
  }

  Expected<std::vector<Tensor>> run(int64_t samples) {
    std::vector<float> x(static_cast<size_t>(samples));
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(i);
    const Tensor input = floats(x, {samples, 1});
    return (*session)->run(std::span(&input, 1));
  }
};

void expectRight(const Expected<std::vector<Tensor>> &outputs, int64_t samples) {
  ASSERT_TRUE(outputs) << outputs.status().str();
  ASSERT_EQ((*outputs)[0].dims, (std::vector<int64_t>{samples, 1}));
  for (int64_t i = 0; i < samples; ++i)
    ASSERT_EQ((*outputs)[0].as<float>()[i], 3 * float(i) + 1) << "sample " << i;
}

std::string codeOf(const Expected<std::vector<Tensor>> &outputs) {
  return outputs ? "" : outputs.status().error().code;
}
} // namespace

TEST(DynamicSession, DividesBatchesOfEverySize) {
  for (size_t workers : {1, 2, 5}) {
    Fakes fakes(workers);
    for (int64_t samples : {3, 1, 0, 1000, 2})
      expectRight(fakes.run(samples), samples);
  }
}

TEST(DynamicSession, PiecesBeginAtGranules) {
  DynamicSessionOptions options;
  options.granule = 8;
  Fakes fakes(3, options);
  for (int64_t samples : {100, 8, 7})
    expectRight(fakes.run(samples), samples);
}

TEST(DynamicSession, ASlowWorkerGetsLess) {
  Fakes fakes(2, {}, [](Fakes &made) {
    made.workers[0]->secondsOfSample = 1e-3;
    made.workers[1]->secondsOfSample = 1e-2;
  });
  expectRight(fakes.run(100), 100); // rates are learned
  const auto begin = Clock::now();
  expectRight(fakes.run(400), 400);
  EXPECT_LT(since(begin), 1); // an even split: 2 s; the best: 0.36 s
  const DynamicStatistics statistics = (*fakes.session)->statistics();
  EXPECT_EQ(statistics.workers[0].samples + statistics.workers[1].samples, 400);
  EXPECT_GT(statistics.workers[0].samples, 4 * statistics.workers[1].samples);
}

TEST(DynamicSession, AWorkerThatHangsDoesNotHoldUpTheBatch) {
  Fakes fakes(2, {}, [](Fakes &made) {
    made.workers[0]->secondsOfSample = made.workers[1]->secondsOfSample = 1e-4;
    made.workers[1]->before = [worker = made.workers[1]](int piece) {
      if (piece == 3)
        worker->block();
      return Status::success();
    };
  });
  for (int i = 0; i < 4; ++i)
    expectRight(fakes.run(500), 500);
}

TEST(DynamicSession, AWorkerMayHangFromTheFirstPieceOn) {
  Fakes fakes(3, {}, [](Fakes &made) {
    for (size_t i : {0, 2})
      made.workers[i]->before = [worker = made.workers[i]](int) {
        worker->block();
        return Status::success();
      };
  });
  for (int i = 0; i < 3; ++i)
    expectRight(fakes.run(100), 100);
}

TEST(DynamicSession, AWorkerThatComesBackIsUsedAgain) {
  FakeWorker *slow = nullptr;
  Fakes fakes(2, {}, [&](Fakes &made) {
    slow = made.workers[1];
    made.workers[0]->secondsOfSample = made.workers[1]->secondsOfSample = 1e-4;
    slow->before = [worker = slow](int piece) {
      if (piece == 3)
        worker->block();
      return Status::success();
    };
  });
  expectRight(fakes.run(500), 500);
  expectRight(fakes.run(500), 500);
  slow->stop(); // ends the wait
  for (int i = 0; i < 20 && (*fakes.session)->statistics().workers[1].samples == 0; ++i)
    expectRight(fakes.run(500), 500);
  EXPECT_GT((*fakes.session)->statistics().workers[1].samples, 0);
}

TEST(DynamicSession, LostWorkersAreLeftOut) {
  Fakes fakes(3, {}, [](Fakes &made) {
    for (int i : {1, 2})
      made.workers[size_t(i)]->before = [i](int piece) {
        return piece >= i ? Status::error("TN7031", "gone") : Status::success();
      };
    for (FakeWorker *worker : made.workers)
      worker->secondsOfSample = 1e-4;
  });
  for (int i = 0; i < 5; ++i)
    expectRight(fakes.run(300), 300);
  EXPECT_TRUE((*fakes.session)->statistics().workers[1].isLost);
  EXPECT_FALSE((*fakes.session)->statistics().workers[0].isLost);
}

TEST(DynamicSession, WithoutWorkersThereIsAnError) {
  Fakes fakes(2, {}, [](Fakes &made) {
    for (FakeWorker *worker : made.workers)
      worker->before = [](int) { return Status::error("TN7031", "gone"); };
  });
  EXPECT_EQ(codeOf(fakes.run(10)), "TN7032");
  EXPECT_EQ(codeOf(fakes.run(10)), "TN7032");
}

TEST(DynamicSession, AnErrorOfTheModelEndsTheBatch) {
  Fakes fakes(1, {}, [](Fakes &made) { // pieces 0 to 2 look whether samples are independent
    made.workers[0]->before = [](int piece) { return piece == 3 ? Status::error("TN7010", "no") : Status::success(); };
  });
  EXPECT_EQ(codeOf(fakes.run(1000)), "TN7010");
  expectRight(fakes.run(1000), 1000);
}

TEST(DynamicSession, SamplesThatDependOnEachOtherAreRefused) {
  Fakes fakes(2, {}, [](Fakes &made) {
    for (FakeWorker *worker : made.workers)
      worker->sumsOverBatch = true;
  });
  EXPECT_EQ(codeOf(fakes.run(10)), "TN7034");
}

TEST(DynamicSession, ResultsMustHaveARowForEachSample) {
  DynamicSessionOptions options;
  options.checkIndependence = false;
  for (bool check : {false, true}) {
    options.checkIndependence = check;
    Fakes fakes(1, options, [](Fakes &made) { made.workers[0]->losesRows = true; });
    EXPECT_EQ(codeOf(fakes.run(10)), "TN7033");
  }
}

TEST(DynamicSession, RefusesModelsWithoutABatch) {
  auto create = [](std::vector<TensorInfo> inputs, std::vector<TensorInfo> outputs) {
    std::vector<std::unique_ptr<BatchWorker>> workers;
    workers.push_back(std::make_unique<FakeWorker>());
    auto session = DynamicSession::create(std::move(inputs), std::move(outputs), std::move(workers));
    return session ? "" : session.status().error().code;
  };
  EXPECT_EQ(create({info("x")}, {info("y")}), "");
  EXPECT_EQ(create({info("x"), info("w", {"", ""})}, {info("y")}), "");
  EXPECT_EQ(create({info("x")}, {info("y", {"", ""})}), "TN7033");
  EXPECT_EQ(create({info("x")}, {info("y", {"M", ""})}), "TN7033");
  EXPECT_EQ(create({info("x", {"", ""})}, {info("y")}), "TN7033");
  EXPECT_EQ(create({info("x", {"N", "N"})}, {info("y")}), "TN7033");
  EXPECT_EQ(create({info("x")}, {info("y"), info("z", {"M", ""})}), "TN7033");
  EXPECT_EQ(create({info("x")}, {}), "TN7033");
}

TEST(DynamicSession, ChecksItsInputs) {
  Fakes fakes(1);
  EXPECT_EQ((*fakes.session)->run({}).status().error().code, "TN7004");
  const std::vector<float> x = {1, 2};
  const Tensor input = floats(x, {2});
  EXPECT_EQ((*fakes.session)->run(std::span(&input, 1)).status().error().code, "TN7006");
}

TEST(DynamicSession, RunsTakeTurns) {
  Fakes fakes(2);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { expectRight(fakes.run(100 + i), 100 + i); });
  for (std::thread &thread : threads)
    thread.join();
}

//===----------------------------------------------------------------------===//
// Processes
//===----------------------------------------------------------------------===//

namespace {
struct Processes {
  TemporaryFolder folder;
  Expected<std::unique_ptr<DynamicSession>> session = Status::error("TN7014", "not made");

  explicit Processes(unsigned workers, const std::string &arch = baseArch) {
    PlanMaker maker = makeSample();
    const std::string path = folder / "a.tenon";
    EXPECT_TRUE(writePlan(path, maker.plan, {10, 20, 30, 40}, testKernels(), arch).ok());
    DynamicSessionOptions options;
    options.workers = workers;
    session = DynamicSession::create(path, options);
  }

  void expectRight(int64_t samples) {
    std::vector<float> x(static_cast<size_t>(samples) * 4);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(i);
    const Tensor input = floats(x, {samples, 4});
    auto outputs = (*session)->run(std::span(&input, 1));
    ASSERT_TRUE(outputs) << outputs.status().str();
    ASSERT_EQ((*outputs)[0].dims, (std::vector<int64_t>{samples, 4}));
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_EQ((*outputs)[0].as<float>()[i], 2 * (x[i] + 10 * float(i % 4 + 1)));
  }
};
} // namespace

TEST(DynamicProcesses, DivideBatchesOfEverySize) {
  for (unsigned workers : {1, 3}) {
    Processes processes(workers);
    ASSERT_TRUE(processes.session) << processes.session.status().str();
    for (int64_t samples : {5, 0, 1, 100000, 64})
      processes.expectRight(samples);
  }
}

TEST(DynamicProcesses, AStoppedOneIsLeftBehindAndComesBack) {
  Processes processes(2);
  ASSERT_TRUE(processes.session);
  processes.expectRight(1000);
  const int victim = (*processes.session)->processes()[1];
  kill(victim, SIGSTOP);
  const auto begin = Clock::now();
  for (int i = 0; i < 3; ++i)
    processes.expectRight(10000);
  EXPECT_LT(since(begin), 20);
  kill(victim, SIGCONT);
  processes.expectRight(10000);
}

TEST(DynamicProcesses, KilledOnesAreReplacedByTheOthers) {
  Processes processes(3);
  ASSERT_TRUE(processes.session);
  processes.expectRight(1000);
  const std::vector<int> pids = (*processes.session)->processes();
  kill(pids[0], SIGKILL);
  processes.expectRight(1000);
  kill(pids[2], SIGKILL);
  processes.expectRight(1000);
  kill(pids[1], SIGKILL);
  const std::vector<float> x(4000);
  const Tensor input = floats(x, {1000, 4});
  const auto begin = Clock::now();
  auto outputs = (*processes.session)->run(std::span(&input, 1));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.status().error().code, "TN7032");
  EXPECT_LT(since(begin), 5);
}

TEST(DynamicProcesses, SayWhyTheyHaveNoSession) {
  Processes processes(2, "other");
  ASSERT_TRUE(processes.session);
  const std::vector<float> x(40);
  const Tensor input = floats(x, {10, 4});
  auto outputs = (*processes.session)->run(std::span(&input, 1));
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.status().error().code, "TN7001");
}

TEST(DynamicProcesses, AFileThatIsNoneIsRefused) { EXPECT_FALSE(DynamicSession::create("no such file", {})); }
