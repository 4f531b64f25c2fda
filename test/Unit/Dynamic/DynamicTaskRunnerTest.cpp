//===- DynamicTaskRunnerTest.cpp - Steps of training over threads ---------===//
#include "tenon/Runtime/DynamicTaskRunner.h"
#include "DynamicSimulation.h"
#include <chrono>
#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

using namespace tenon;
using namespace tenon::runtime;

namespace {
/// Results of a step: one number for each task and worker, 0 where the worker has none.
struct Board {
  std::mutex mutex;
  std::vector<std::vector<int64_t>> results; ///< of the step `step`
  int64_t step = -1;
};

/// The result of a task is 1 plus those that it needs, modulo a prime.
class Adder : public TaskWorker {
public:
  Adder(Board &board, size_t index) : board(board), index(index) {}
  double seconds = 0;
  std::function<Status(int piece)> before = [](int) { return Status::success(); };
  const std::vector<DynamicTask> *tasks = nullptr;

  Status run(int64_t step, size_t task, std::span<const size_t> sources) override {
    TENON_RETURN_IF_ERROR(before(pieces++));
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    std::lock_guard lock(board.mutex);
    if (step != board.step) // late
      return Status::success();
    int64_t sum = 1;
    for (size_t i = 0; i < sources.size(); ++i) {
      const int64_t needed = board.results[(*tasks)[task].after[i]][sources[i]];
      if (needed == 0)
        return Status::error("TN7014", "a result is not where it is said to be");
      sum += needed;
    }
    board.results[task][index] = sum % 1000003;
    return Status::success();
  }

  void stop() override {
    std::lock_guard lock(waiting);
    isStopped = true;
    changed.notify_all();
  }
  void block() {
    std::unique_lock lock(waiting);
    changed.wait(lock, [&] { return isStopped; });
  }

private:
  Board &board;
  const size_t index;
  int pieces = 0;
  std::mutex waiting;
  std::condition_variable changed;
  bool isStopped = false;
};

struct Steps {
  Board board;
  std::vector<DynamicTask> tasks = test::trainingTasks(6, 3, 1e-5);
  std::vector<Adder *> workers;
  std::unique_ptr<DynamicTaskRunner> runner;

  explicit Steps(size_t count, const std::function<void(Steps &)> &prepare = {}) {
    std::vector<std::unique_ptr<TaskWorker>> owned;
    for (size_t i = 0; i < count; ++i) {
      workers.push_back(new Adder(board, i));
      workers.back()->tasks = &tasks;
      owned.emplace_back(workers.back());
    }
    if (prepare)
      prepare(*this);
    runner = std::move(*DynamicTaskRunner::create(std::move(owned)));
  }

  Status run() {
    {
      std::lock_guard lock(board.mutex);
      board.results.assign(tasks.size(), std::vector<int64_t>(workers.size()));
      ++board.step;
    }
    return runner->run(tasks);
  }

  /// What the last task, which needs all gradients, comes to.
  int64_t last() {
    std::lock_guard lock(board.mutex);
    return *std::max_element(board.results.back().begin(), board.results.back().end());
  }
};

int64_t expectedResult() {
  Steps steps(1);
  EXPECT_TRUE(steps.run().ok());
  return steps.last();
}
} // namespace

TEST(DynamicTaskRunner, ResultsDoNotDependOnTheWorkers) {
  const int64_t expected = expectedResult();
  EXPECT_GT(expected, 1);
  for (size_t workers : {2, 5}) {
    Steps steps(workers);
    for (int i = 0; i < 20; ++i) {
      const Status done = steps.run();
      ASSERT_TRUE(done.ok()) << done.str();
      EXPECT_EQ(steps.last(), expected);
    }
  }
}

TEST(DynamicTaskRunner, ASlowWorkerGetsLess) {
  Steps steps(2, [](Steps &made) {
    made.workers[0]->seconds = 1e-3;
    made.workers[1]->seconds = 2e-2;
  });
  ASSERT_TRUE(steps.run().ok());
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(steps.run().ok());
  // 55 tasks: half of them on each would take 0.55 s.
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 0.4);
}

TEST(DynamicTaskRunner, WorkersThatHangOrDieDoNotHoldUpAStep) {
  const int64_t expected = expectedResult();
  Steps steps(3, [](Steps &made) {
    for (Adder *worker : made.workers)
      worker->seconds = 2e-4;
    made.workers[1]->before = [worker = made.workers[1]](int piece) {
      if (piece == 5)
        worker->block();
      return Status::success();
    };
    made.workers[2]->before = [](int piece) {
      return piece == 30 ? Status::error("TN7031", "gone") : Status::success();
    };
  });
  for (int i = 0; i < 5; ++i) {
    const Status done = steps.run();
    ASSERT_TRUE(done.ok()) << done.str();
    EXPECT_EQ(steps.last(), expected);
  }
}

TEST(DynamicTaskRunner, ErrorsEndAStep) {
  Steps lost(2, [](Steps &made) {
    for (Adder *worker : made.workers)
      worker->before = [](int) { return Status::error("TN7031", "gone"); };
  });
  EXPECT_EQ(lost.run().error().code, "TN7032");
  EXPECT_EQ(lost.run().error().code, "TN7032");
  Steps wrong(1, [](Steps &made) {
    made.workers[0]->before = [](int piece) { return piece == 7 ? Status::error("TN7010", "no") : Status::success(); };
  });
  EXPECT_EQ(wrong.run().error().code, "TN7010");
  EXPECT_TRUE(wrong.run().ok());
  wrong.tasks = {{1, {0}}};
  EXPECT_EQ(wrong.run().error().code, "TN7030");
  EXPECT_EQ(DynamicTaskRunner::create({}).status().error().code, "TN7014");
}
