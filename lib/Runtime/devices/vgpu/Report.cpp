//===- Report.cpp - What went wrong, in words -----------------------------===//
#include "BlockRunner.h"
#include "Mbarrier.h"

#include <cstdio>
#include <map>
#include <utility>

namespace tenon::vgpu::detail {

const char *nameOf(WarpOp op);
const char *nameOf(WarpgroupOp op);

/// "kernel 'name', block (x,y,z), thread (x,y,z): "; returns its length.
int BlockRunner::prefix(char *text, size_t size) const {
  int length = snprintf(text, size, "kernel '%.100s', block (%u,%u,%u)", launch->kernel.name.c_str(), blockIndex.x,
                        blockIndex.y, blockIndex.z);
  if (current && current->slot) {
    const Index3 &thread = current->slot->threadIdx;
    length += snprintf(text + length, size - length, ", thread (%u,%u,%u)", thread.x, thread.y, thread.z);
  }
  return length + snprintf(text + length, size - length, ": ");
}

void BlockRunner::fail(const char *format, ...) {
  char text[1024];
  int length = prefix(text, sizeof text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + length, sizeof text - length, format, arguments);
  va_end(arguments);
  launch->fail(text);
  // The fiber stays suspended for ever; runBlock() takes its stack back.
  switchTo(nullptr);
  __builtin_unreachable();
}

void BlockRunner::report(const char *what) {
  char text[600];
  int length = prefix(text, sizeof text);
  snprintf(text + length, sizeof text - length, "%s", what);
  launch->fail(text);
}

/// "0-31,64": the threads of a sorted list.
static std::string ranges(const std::vector<unsigned> &threads) {
  std::string text;
  for (size_t i = 0; i < threads.size();) {
    size_t end = i + 1;
    while (end < threads.size() && threads[end] == threads[end - 1] + 1)
      ++end;
    text += (text.empty() ? "" : ",") + std::to_string(threads[i]);
    if (end - i > 1)
      text += "-" + std::to_string(threads[end - 1]);
    i = end;
  }
  return text;
}

/// Groups the threads by what they wait for, and says what each of these things lacks.
void BlockRunner::reportDeadlock() {
  std::map<std::string, std::vector<unsigned>> waiters;
  for (const Fiber &fiber : fibers) {
    if (fiber.state != Fiber::State::Waiting)
      continue;
    char text[200];
    const Wait &reason = fiber.reason;
    switch (reason.on) {
    case Wait::On::Nothing:
      snprintf(text, sizeof text, "nothing");
      break;
    case Wait::On::Warp:
      snprintf(text, sizeof text, "%s of warp %u (mask 0x%08x, ended lanes 0x%08x)",
               nameOf(static_cast<WarpOp>(reason.op)), fiber.index / 32, reason.detail, warps[fiber.index / 32].ended);
      break;
    case Wait::On::Warpgroup:
      snprintf(text, sizeof text, "%s of warp group %u (%u of 128 threads are there)",
               nameOf(static_cast<WarpgroupOp>(reason.op)), fiber.index / 128, warpgroups[fiber.index / 128].arrived);
      break;
    case Wait::On::Barrier:
      snprintf(text, sizeof text, "barrier %u (%u of %u threads have arrived)", reason.op, barriers[reason.op].arrived,
               reason.detail ? reason.detail : running);
      break;
    case Wait::On::Mbarrier: {
      MbarrierFields fields = decodeMbarrier(*reason.mbarrier);
      snprintf(text, sizeof text,
               "mbarrier at shared 0x%x to end a phase of parity %u (it is in one of parity %u: %u of %u arrivals and "
               "%lld bytes are missing)",
               window.addressOf(reason.mbarrier, 8), reason.detail, fields.phase, fields.pending, fields.expected,
               static_cast<long long>(fields.bytes));
      break;
    }
    }
    waiters[text].push_back(fiber.index);
  }
  char head[300];
  Fiber *asking = std::exchange(current, nullptr); // no thread is to blame
  prefix(head, sizeof head);
  current = asking;
  std::string report = std::string(head) + "deadlock";
  for (const auto &[what, threads] : waiters)
    report += "; threads " + ranges(threads) + " wait for " + what;
  if (running < fibers.size())
    report += "; " + std::to_string(fibers.size() - running) + " threads have ended";
  launch->fail(report.c_str());
}

} // namespace tenon::vgpu::detail
