//===- DynamicSession.cpp - A batch over workers of unequal speed ---------===//
//
// A thread for each worker asks the batch what to do, and waits for its worker alone. A batch ends when every sample
// has a result, whatever a worker still does then: it comes back to a later batch.
//
//===----------------------------------------------------------------------===//
#include "tenon/Runtime/DynamicSession.h"

#include "../Binding.h"
#include "BatchShape.h"
#include "ProcessWorker.h"
#include "tenon/Plan/Container.h"
#include "tenon/Runtime/CpuInfo.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

namespace tenon::runtime {

// Of a piece of work, until it has been measured: messages between two processes take 20 to 50 us.
static constexpr double guessedOverhead = 1e-4, leastOverhead = 2e-5;

// That are computed to see whether samples depend on each other: two together, and each alone.
static constexpr int64_t checkedSamples = 4;

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {
/// A batch that is being computed.
struct Job {
  std::vector<Tensor> inputs, outputs; ///< outputs: from the first result on
  int64_t samples;
  DynamicBatch batch;
  Status failure;
  DynamicStatistics statistics;
  int copying = 0; ///< threads that write results
  bool isOver = false;

  Job(std::span<const Tensor> inputs, int64_t samples, int64_t units, WorkerRates &rates, const BatchOptions &options)
      : inputs(inputs.begin(), inputs.end()), samples(samples), batch(units, rates, options) {}
};

/// A worker, as its thread and the others see it.
struct Member {
  std::unique_ptr<BatchWorker> worker;
  std::thread thread;
  bool isBusy = false, isLost = false;
  double begun = 0;
  int64_t units = 0; ///< that it computes
};
} // namespace

struct DynamicSession::Impl {
  std::vector<TensorInfo> inputs, outputs;
  std::string symbol;
  DynamicSessionOptions options;
  std::vector<Member> members;

  std::mutex running; ///< held by run()
  std::mutex mutex;   ///< guards everything below
  std::condition_variable wake, done;
  WorkerRates rates;
  std::shared_ptr<Job> job;
  DynamicStatistics last;
  int loading = 0; ///< threads that read inputs of a job
  bool isChecked = false, isStopping = false;

  ~Impl();
  Status start();
  Expected<std::vector<Tensor>> run(std::span<const Tensor> given);
  Expected<std::vector<Tensor>> finish(std::unique_lock<std::mutex> &lock);

  using Lock = std::unique_lock<std::mutex>;
  void serve(size_t index);
  Expected<std::vector<Tensor>> compute(Lock &lock, size_t index, const Job &current, SampleRange rows);
  void perform(Lock &lock, size_t index, const std::shared_ptr<Job> &current, SampleRange units);
  void check(Lock &lock, size_t index, const std::shared_ptr<Job> &current);
  Status compare(Lock &lock, size_t index, const Job &current);
  void deliver(Lock &lock, size_t index, Job &current, SampleRange piece, const std::vector<SampleRange> &units,
               const std::vector<Tensor> &results);
  Status makeOutputs(Job &current, int64_t rows, const std::vector<Tensor> &results);
  void lose(size_t index, const Status &why);
  void end(Job &current, Status failure = Status::success());

  SampleRange toRows(SampleRange units, int64_t samples) const {
    return {std::min(units.begin * options.granule, samples), std::min(units.end * options.granule, samples)};
  }
};

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

DynamicSession::Impl::~Impl() {
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

Status DynamicSession::Impl::start() {
  rates.workers.resize(members.size());
  rates.overheadSeconds = guessedOverhead;
  isChecked = !options.checkIndependence;
  try {
    for (size_t i = 0; i < members.size(); ++i)
      members[i].thread = std::thread(&Impl::serve, this, i);
  } catch (const std::system_error &) {
    return Status::error("TN7015", "a thread for each of " + std::to_string(members.size()) + " workers");
  }
  return Status::success();
}

/// What the thread of a worker does.
void DynamicSession::Impl::serve(size_t index) {
  Lock lock(mutex);
  while (!isStopping && !members[index].isLost) {
    const std::shared_ptr<Job> current = job;
    if (!current || current->isOver) {
      wake.wait(lock);
      continue;
    }
    try {
      if (!isChecked && current->samples >= 2) {
        check(lock, index, current);
        continue;
      }
      const DynamicBatch::Step step = current->batch.next(index, now());
      if (step.samples)
        perform(lock, index, current, *step.samples);
      else if (step.askAgain < DynamicBatch::never)
        wake.wait_for(lock, std::chrono::duration<double>(std::clamp(step.askAgain - now(), 1e-5, 1.0)));
      else
        wake.wait(lock);
    } catch (const std::bad_alloc &) {
      if (!lock.owns_lock())
        lock.lock();
      lose(index, Status::outOfMemory());
    }
  }
}

/// Runs rows of the inputs on a worker, without the lock.
Expected<std::vector<Tensor>> DynamicSession::Impl::compute(Lock &lock, size_t index, const Job &current,
                                                            SampleRange rows) {
  std::vector<Tensor> parts;
  for (size_t i = 0; i < inputs.size(); ++i)
    parts.push_back(isBatched(inputs[i], symbol) ? rowsOf(current.inputs[i], rows) : current.inputs[i]);
  ++loading;
  lock.unlock();
  BatchWorker &worker = *members[index].worker;
  Status loaded = worker.load(parts);
  lock.lock();
  if (--loading == 0)
    done.notify_all();
  if (!loaded.ok())
    return loaded;
  lock.unlock();
  auto results = worker.compute();
  lock.lock();
  if (results && results->size() != outputs.size())
    return Status::error("TN7031", "a worker has " + std::to_string(results->size()) + " results instead of " +
                                       std::to_string(outputs.size()));
  return results;
}

void DynamicSession::Impl::perform(Lock &lock, size_t index, const std::shared_ptr<Job> &current, SampleRange units) {
  Member &member = members[index];
  const SampleRange rows = toRows(units, current->samples);
  member.isBusy = true;
  member.begun = now();
  member.units = units.size();
  auto results = compute(lock, index, *current, rows);
  member.isBusy = false;
  if (!results && results.status().error().code == "TN7031")
    return lose(index, results.status());
  if (!results) {
    if (job == current && !current->isOver)
      end(*current, results.takeStatus());
    return;
  }
  // What belongs to a batch that has ended says how fast the worker is.
  if (!job || job->isOver) {
    rates.workers[index].observe(double(member.units), now() - member.begun);
    return;
  }
  const std::vector<SampleRange> first = job->batch.finished(index, now());
  if (job == current) {
    ++current->statistics.workers[index].pieces;
    deliver(lock, index, *current, rows, first, *results);
  }
  wake.notify_all();
}

/// The worker is not there any more.
void DynamicSession::Impl::lose(size_t index, const Status &why) {
  members[index].isLost = true;
  members[index].isBusy = false;
  if (!job || job->isOver)
    return;
  job->batch.leave(index);
  if (job->batch.present() == 0)
    end(*job, Status::error("TN7032", "all workers are lost, the last one by: " + why.error().message));
  wake.notify_all();
}

void DynamicSession::Impl::end(Job &current, Status failure) {
  current.failure = std::move(failure);
  current.isOver = true;
  done.notify_all();
  wake.notify_all();
}

//===----------------------------------------------------------------------===//
// Samples that depend on each other
//===----------------------------------------------------------------------===//

/// Looks at the first two samples before anything is divided. All workers do, and the first to know ends it: waiting
/// for one of them would be waiting for the one that hangs.
void DynamicSession::Impl::check(Lock &lock, size_t index, const std::shared_ptr<Job> &current) {
  Member &member = members[index];
  member.isBusy = true;
  member.begun = now();
  member.units = std::max<int64_t>(1, checkedSamples / options.granule);
  Status compared = compare(lock, index, *current);
  member.isBusy = false;
  if (!compared.ok() && compared.error().code == "TN7031")
    return lose(index, compared);
  if (!job || job->isOver)
    return;
  if (isChecked || job != current) { // others were faster
    job->batch.finished(index, now());
  } else if (compared.ok()) {
    isChecked = true;
    for (size_t i = 0; i < members.size(); ++i)
      if (members[i].isBusy)
        job->batch.busy(i, members[i].begun, double(members[i].units));
  } else {
    end(*current, compared);
  }
  wake.notify_all();
}

Status DynamicSession::Impl::compare(Lock &lock, size_t index, const Job &current) {
  std::vector<std::vector<Tensor>> alone(2);
  std::vector<Tensor> together;
  double seconds[3];
  const SampleRange ranges[3] = {{0, 1}, {0, 2}, {1, 2}};
  for (int i = 0; i < 3; ++i) {
    if (current.isOver) // others were faster; the inputs are gone
      return Status::success();
    const double begun = now();
    auto results = compute(lock, index, current, ranges[i]);
    seconds[i] = now() - begun;
    if (!results)
      return results.takeStatus();
    for (Tensor &tensor : *results) { // they live until the next load() only
      Value value(std::move(tensor));
      TENON_RETURN_IF_ERROR(makeOwned(value));
      (i == 1 ? together : alone[size_t(i / 2)]).push_back(std::move(value.tensor));
    }
  }
  // The first is slow for other reasons. The others: overhead + 2 samples, overhead + 1 sample.
  rates.overheadSeconds = std::clamp(2 * seconds[2] - seconds[1], leastOverhead, std::max(leastOverhead, seconds[2]));
  return compareSamples(outputs, together, alone);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Makes room for the results of the batch, as the first piece shows them, and checks those of others.
Status DynamicSession::Impl::makeOutputs(Job &current, int64_t rows, const std::vector<Tensor> &results) {
  const bool isFirst = current.outputs.empty();
  std::vector<Tensor> made;
  for (size_t i = 0; i < results.size(); ++i) {
    std::vector<int64_t> dims = results[i].dims;
    if (dims.empty() || dims[0] != rows)
      return Status::error("TN7033", "an output has not as many rows as there are samples", outputs[i].name);
    dims[0] = current.samples;
    if (!isFirst && (current.outputs[i].dims != dims || current.outputs[i].type != results[i].type))
      return Status::error("TN7033", "the extents of an output depend on the samples", outputs[i].name);
    if (!isFirst)
      continue;
    auto tensor = Tensor::allocate(results[i].type, dims);
    if (!tensor)
      return tensor.takeStatus();
    made.push_back(std::move(*tensor));
  }
  if (isFirst)
    current.outputs = std::move(made);
  return Status::success();
}

/// Copies the results that are the first for their samples, without the lock.
void DynamicSession::Impl::deliver(Lock &lock, size_t index, Job &current, SampleRange piece,
                                   const std::vector<SampleRange> &units, const std::vector<Tensor> &results) {
  if (Status made = makeOutputs(current, piece.size(), results); !made.ok())
    return end(current, made);
  ++current.copying;
  lock.unlock();
  int64_t samples = 0;
  for (const SampleRange &range : units) {
    const SampleRange rows = toRows(range, current.samples);
    samples += rows.size();
    for (size_t i = 0; i < results.size(); ++i) {
      const Tensor from = rowsOf(results[i], {rows.begin - piece.begin, rows.end - piece.begin});
      if (from.bytes() > 0)
        std::memcpy(rowsOf(current.outputs[i], rows).data.get(), from.data.get(), size_t(from.bytes()));
    }
  }
  lock.lock();
  current.statistics.workers[index].samples += samples;
  if (--current.copying == 0 && current.batch.isDone() && !current.isOver)
    end(current);
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

Expected<std::vector<Tensor>> DynamicSession::Impl::run(std::span<const Tensor> given) {
  std::lock_guard turn(running);
  if (given.size() != inputs.size())
    return Status::error("TN7004", "the model has " + std::to_string(inputs.size()) + " inputs, found " +
                                       std::to_string(given.size()));
  int64_t samples = -1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    TENON_RETURN_IF_ERROR(checkInput(inputs[i], given[i]));
    if (!isBatched(inputs[i], symbol))
      continue;
    if (samples >= 0 && given[i].dims[0] != samples)
      return Status::error(
          "TN7008", "'" + symbol + "' is " + std::to_string(samples) + " and " + std::to_string(given[i].dims[0]),
          inputs[i].name);
    samples = given[i].dims[0];
  }
  // Without samples one worker still says what the results look like.
  const int64_t units = std::max<int64_t>(1, (samples + options.granule - 1) / options.granule);
  Lock lock(mutex);
  job = std::make_shared<Job>(given, samples, units, rates, options.batch);
  job->statistics.workers.resize(members.size());
  for (size_t i = 0; i < members.size(); ++i)
    if (members[i].isLost)
      job->batch.leave(i);
    else if (members[i].isBusy)
      job->batch.busy(i, members[i].begun, double(members[i].units));
  if (job->batch.present() == 0)
    end(*job, Status::error("TN7032", "all workers are lost"));
  wake.notify_all();
  return finish(lock);
}

/// Waits until the batch has ended and nobody looks at the caller's inputs or writes results.
Expected<std::vector<Tensor>> DynamicSession::Impl::finish(Lock &lock) {
  const std::shared_ptr<Job> current = job;
  done.wait(lock, [&] { return current->isOver && current->copying == 0 && loading == 0; });
  job = nullptr;
  last = current->statistics;
  last.samples = current->samples;
  last.repeated = current->batch.repeated() * options.granule;
  for (size_t i = 0; i < members.size(); ++i) {
    last.workers[i].isLost = members[i].isLost;
    last.workers[i].rate = rates.workers[i].isKnown() ? rates.workers[i].rate() * double(options.granule) : 0;
  }
  current->inputs.clear();
  if (!current->failure.ok())
    return current->failure;
  return std::move(current->outputs);
}

DynamicSession::DynamicSession(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
DynamicSession::~DynamicSession() = default;

Expected<std::unique_ptr<DynamicSession>> DynamicSession::create(std::vector<TensorInfo> inputs,
                                                                 std::vector<TensorInfo> outputs,
                                                                 std::vector<std::unique_ptr<BatchWorker>> workers,
                                                                 const DynamicSessionOptions &options) {
  try {
    auto symbol = findBatch(inputs, outputs);
    if (!symbol)
      return symbol.takeStatus();
    if (workers.empty() || options.granule < 1 || options.batch.smallest < 1)
      return Status::error("TN7014", "a dynamic session needs workers, and pieces of at least one sample");
    auto impl = std::make_unique<Impl>();
    impl->inputs = std::move(inputs);
    impl->outputs = std::move(outputs);
    impl->symbol = std::move(*symbol);
    impl->options = options;
    for (std::unique_ptr<BatchWorker> &worker : workers)
      impl->members.emplace_back().worker = std::move(worker);
    TENON_RETURN_IF_ERROR(impl->start());
    return std::unique_ptr<DynamicSession>(new DynamicSession(std::move(impl)));
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

Expected<std::unique_ptr<DynamicSession>> DynamicSession::create(const std::string &path,
                                                                 const DynamicSessionOptions &options) {
  try {
    auto opened = plan::Container::open(path, {.verifyWeights = options.session.verifyWeights});
    if (!opened)
      return opened.takeStatus();
    const std::shared_ptr<const plan::Container> container = std::move(*opened);
    SessionOptions looking; // for names and types only: the processes have their own
    looking.device = "null";
    looking.threads = 1;
    auto session = Session::create(container, looking);
    if (!session)
      return session.takeStatus();
    if ((*session)->ranks() > 1)
      return Status::error("TN7033", "the plan has ranks, which divide the work already");
    const std::vector<TensorInfo> inputs = (*session)->inputs(), outputs = (*session)->outputs();
    if (auto symbol = findBatch(inputs, outputs); !symbol)
      return symbol.takeStatus();
    SessionOptions each = options.session;
    each.verifyWeights = false; // done
    if (each.threads < 0)
      each.threads = int(std::max(1u, cpuCores() / std::max(1u, options.workers)));
    std::vector<std::unique_ptr<BatchWorker>> workers;
    for (unsigned i = 0; i < options.workers; ++i) {
      auto worker = startProcessWorker(container, each);
      if (!worker)
        return worker.takeStatus();
      workers.push_back(std::move(*worker));
    }
    return create(inputs, outputs, std::move(workers), options);
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

const std::vector<TensorInfo> &DynamicSession::inputs() const { return impl->inputs; }
const std::vector<TensorInfo> &DynamicSession::outputs() const { return impl->outputs; }
int64_t DynamicSession::granule() const { return impl->options.granule; }

Expected<std::vector<Tensor>> DynamicSession::run(std::span<const Tensor> inputs) {
  try {
    return impl->run(inputs);
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  }
}

DynamicStatistics DynamicSession::statistics() const {
  std::lock_guard lock(impl->mutex);
  return impl->last;
}

std::vector<int> DynamicSession::processes() const {
  std::vector<int> result;
  for (const Member &member : impl->members)
    result.push_back(member.worker->process());
  return result;
}

} // namespace tenon::runtime
