//===- Barriers.cpp - bar.sync and bar.arrive -----------------------------===//
#include "BlockRunner.h"

namespace tenon::vgpu::detail {

unsigned BlockRunner::barrier(unsigned id, unsigned count, bool arriveOnly, unsigned predicate) {
  if (id >= barriers.size())
    fail("barrier %u: there are 16", id);
  if (count % 32 != 0 || count > launch->threads())
    fail("barrier %u for %u threads: the count is a multiple of 32 and at most the block's %u", id, count,
         launch->threads());
  Barrier &barrier = barriers[id];
  if (barrier.arrived == 0)
    barrier.count = count;
  else if (barrier.count != count)
    fail("barrier %u for %u threads, while others wait at it for %u (0: the whole block)", id, count, barrier.count);
  ++barrier.arrived;
  barrier.predicates += predicate != 0;
  if (!arriveOnly)
    barrier.waiting.push_back(current->index);
  if (barrier.arrived >= (count ? count : running)) {
    Fiber &me = *current;
    releaseBarrier(barrier);
    schedulePoint();
    return me.result;
  }
  if (arriveOnly) {
    schedulePoint();
    return 0;
  }
  wait({Wait::On::Barrier, id, count, nullptr});
  return current->result;
}

void BlockRunner::releaseBarrier(Barrier &barrier) {
  for (unsigned index : barrier.waiting) {
    fibers[index].result = barrier.predicates;
    wake(fibers[index]);
  }
  barrier.waiting.clear();
  barrier.arrived = barrier.predicates = 0;
}

} // namespace tenon::vgpu::detail
