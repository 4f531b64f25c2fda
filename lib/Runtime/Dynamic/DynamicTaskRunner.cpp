//===- DynamicTaskRunner.cpp - A step of training over workers ------------===//
#include "tenon/Runtime/DynamicTaskRunner.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

namespace tenon::runtime {

// Of a task, beside what it does: to wake a thread.
static constexpr double overhead = 2e-5;

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {
struct Step {
  int64_t number;
  DynamicTasks tasks;
  std::vector<double> work; ///< of each task
  Status failure;
  bool isOver = false;
};

struct Member {
  std::unique_ptr<TaskWorker> worker;
  std::thread thread;
  bool isBusy = false, isLost = false;
  double begun = 0, work = 0;
};
} // namespace

struct DynamicTaskRunner::Impl {
  std::vector<Member> members;
  std::mutex mutex; ///< guards everything below, and what members say of themselves
  std::condition_variable wake, done;
  WorkerRates rates;
  std::shared_ptr<Step> step;
  int64_t steps = 0, repeated = 0;
  bool isStopping = false;

  ~Impl();
  Status start();
  Status run(std::vector<DynamicTask> tasks);
  void serve(size_t index);
  void perform(std::unique_lock<std::mutex> &lock, size_t index, const std::shared_ptr<Step> &current, size_t task);
  void end(Step &current, Status failure);
};

DynamicTaskRunner::Impl::~Impl() {
  {
    std::lock_guard lock(mutex);
    isStopping = true;
  }
  wake.notify_all();
  for (Member &member : members)
    member.worker->stop();
  for (Member &member : members)
    if (member.thread.joinable())
      member.thread.join();
}

Status DynamicTaskRunner::Impl::start() {
  rates.workers.resize(members.size());
  rates.overheadSeconds = overhead;
  try {
    for (size_t i = 0; i < members.size(); ++i)
      members[i].thread = std::thread(&Impl::serve, this, i);
  } catch (const std::system_error &) {
    return Status::error("TN7015", "a thread for each of " + std::to_string(members.size()) + " workers");
  }
  return Status::success();
}

void DynamicTaskRunner::Impl::serve(size_t index) {
  std::unique_lock lock(mutex);
  while (!isStopping && !members[index].isLost) {
    const std::shared_ptr<Step> current = step;
    if (!current || current->isOver) {
      wake.wait(lock);
      continue;
    }
    try {
      const DynamicTasks::Step next = current->tasks.next(index, now());
      if (next.task)
        perform(lock, index, current, *next.task);
      else if (next.askAgain < DynamicTasks::never)
        wake.wait_for(lock, std::chrono::duration<double>(std::clamp(next.askAgain - now(), 1e-5, 1.0)));
      else
        wake.wait(lock);
    } catch (const std::bad_alloc &) {
      if (!lock.owns_lock())
        lock.lock();
      members[index].isBusy = false;
      members[index].isLost = true;
      if (step && !step->isOver)
        end(*step, Status::outOfMemory());
    }
  }
}

/// Does a task without the lock, and says what became of it to the step that runs then.
void DynamicTaskRunner::Impl::perform(std::unique_lock<std::mutex> &lock, size_t index,
                                      const std::shared_ptr<Step> &current, size_t task) {
  Member &member = members[index];
  const std::vector<size_t> sources = current->tasks.sourcesOf(task, index);
  member.isBusy = true;
  member.begun = now();
  member.work = current->work[task];
  lock.unlock();
  Status did = member.worker->run(current->number, task, sources);
  lock.lock();
  member.isBusy = false;
  const bool isLost = !did.ok() && did.error().code == "TN7031";
  member.isLost = isLost;
  if (!step || step->isOver)
    return;
  if (isLost) {
    step->tasks.leave(index);
    if (step->tasks.present() == 0)
      end(*step, Status::error("TN7032", "all workers are lost, the last one by: " + did.error().message));
  } else if (!did.ok()) {
    if (step == current)
      end(*current, did);
    else
      step->tasks.finished(index, now());
  } else {
    step->tasks.finished(index, now());
    if (step->tasks.isDone())
      end(*step, Status::success());
  }
  wake.notify_all();
}

void DynamicTaskRunner::Impl::end(Step &current, Status failure) {
  current.failure = std::move(failure);
  current.isOver = true;
  done.notify_all();
}

Status DynamicTaskRunner::Impl::run(std::vector<DynamicTask> tasks) {
  std::unique_lock lock(mutex);
  std::vector<double> work;
  for (const DynamicTask &task : tasks)
    work.push_back(task.work);
  auto schedule = DynamicTasks::create(std::move(tasks), rates);
  if (!schedule)
    return schedule.takeStatus();
  auto current = std::make_shared<Step>(Step{steps++, std::move(*schedule), std::move(work), {}, false});
  for (size_t i = 0; i < members.size(); ++i)
    if (members[i].isLost)
      current->tasks.leave(i);
    else if (members[i].isBusy)
      current->tasks.busy(i, members[i].begun, members[i].work);
  if (current->tasks.present() == 0)
    return Status::error("TN7032", "all workers are lost");
  if (current->tasks.isDone())
    return Status::success();
  step = current;
  wake.notify_all();
  done.wait(lock, [&] { return current->isOver; });
  step = nullptr;
  repeated = current->tasks.repeated();
  return current->failure;
}

DynamicTaskRunner::DynamicTaskRunner(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
DynamicTaskRunner::~DynamicTaskRunner() = default;

Expected<std::unique_ptr<DynamicTaskRunner>>
DynamicTaskRunner::create(std::vector<std::unique_ptr<TaskWorker>> workers) {
  if (workers.empty())
    return Status::error("TN7014", "a step needs workers");
  try {
    auto impl = std::make_unique<Impl>();
    for (std::unique_ptr<TaskWorker> &worker : workers)
      impl->members.emplace_back().worker = std::move(worker);
    TENON_RETURN_IF_ERROR(impl->start());
    return std::unique_ptr<DynamicTaskRunner>(new DynamicTaskRunner(std::move(impl)));
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Status DynamicTaskRunner::run(std::vector<DynamicTask> tasks) {
  try {
    return impl->run(std::move(tasks));
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

int64_t DynamicTaskRunner::repeated() const {
  std::lock_guard lock(impl->mutex);
  return impl->repeated;
}

} // namespace tenon::runtime
