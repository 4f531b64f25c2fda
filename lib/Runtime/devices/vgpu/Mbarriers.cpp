//===- Mbarriers.cpp - Operations on mbarriers ----------------------------===//
//
// The barrier is the word in shared memory. A list of the initialised ones, with what each must hold, finds a use
// before the initialisation is visible, and words that were overwritten.
//
//===----------------------------------------------------------------------===//
#include "BlockRunner.h"
#include "Mbarrier.h"

namespace tenon::vgpu::detail {

MbarrierState *BlockRunner::findMbarrier(const uint64_t *word) {
  for (MbarrierState &state : mbarriers)
    if (state.word == word)
      return &state;
  return nullptr;
}

/// Counts `arrivals`, adds `bytes` to what the phase still waits for, and ends the phase when nothing is missing.
void BlockRunner::updateMbarrier(uint64_t *word, unsigned arrivals, int64_t bytes) {
  MbarrierState *state = findMbarrier(word);
  if (!state)
    fail("mbarrier at shared 0x%x is used before it was initialised", window.addressOf(word, 8));
  if (*word != state->value)
    fail("mbarrier at shared 0x%x was overwritten", window.addressOf(word, 8));
  MbarrierFields fields = decodeMbarrier(*word);
  if (arrivals > fields.pending)
    fail("mbarrier at shared 0x%x: more than the expected %u arrivals in one phase (over-arrival)",
         window.addressOf(word, 8), fields.expected);
  fields.pending -= arrivals;
  fields.bytes += bytes;
  if (fields.bytes > kMaxBytes || fields.bytes < -kMaxBytes)
    fail("mbarrier at shared 0x%x: %lld bytes are beyond its counter", window.addressOf(word, 8),
         static_cast<long long>(fields.bytes));
  bool ended = fields.pending == 0 && fields.bytes == 0;
  if (ended) {
    fields.phase ^= 1;
    fields.pending = fields.expected;
  }
  state->value = *word = encodeMbarrier(fields);
  if (!ended)
    return;
  for (Fiber &fiber : fibers)
    if (fiber.state == Fiber::State::Waiting && fiber.reason.on == Wait::On::Mbarrier && fiber.reason.mbarrier == word)
      wake(fiber);
}

unsigned BlockRunner::mbarrier(MbarrierOp op, uint64_t *word, unsigned value) {
  checkAligned(word, 8, "mbarrier");
  uint32_t address = window.addressOf(word, 8);
  if (address == SharedWindow::kNone)
    fail("mbarrier at %p, which is not shared memory", static_cast<void *>(word));
  MbarrierState *state = findMbarrier(word);
  switch (op) {
  case MbarrierOp::Init:
    if (value == 0 || value > kMaxArrivals)
      fail("mbarrier at shared 0x%x: cannot expect %u arrivals", address, value);
    if (!state)
      state = &mbarriers.emplace_back(MbarrierState{word, 0});
    state->value = *word = encodeMbarrier({0, value, value, 0});
    break;
  case MbarrierOp::Invalidate:
    if (!state)
      fail("mbarrier at shared 0x%x is invalidated, but was not initialised", address);
    mbarriers.erase(mbarriers.begin() + (state - mbarriers.data()));
    break;
  case MbarrierOp::Arrive:
    updateMbarrier(word, 1, 0);
    break;
  case MbarrierOp::ExpectTx:
    updateMbarrier(word, 0, value);
    break;
  case MbarrierOp::ArriveExpectTx:
    // First the bytes: the arrival may end the phase.
    updateMbarrier(word, 0, value);
    updateMbarrier(word, 1, 0);
    break;
  case MbarrierOp::TryWait:
  case MbarrierOp::TestWait:
    if (!state)
      fail("mbarrier at shared 0x%x is waited for before it was initialised", address);
    if (decodeMbarrier(*word).phase != (value & 1))
      break;
    // try_wait may suspend the thread for as long as it takes; test_wait at least lets others run.
    if (op == MbarrierOp::TryWait)
      wait({Wait::On::Mbarrier, 0, value & 1, word});
    else
      yield();
    return decodeMbarrier(*word).phase != (value & 1);
  }
  schedulePoint();
  return 1;
}

} // namespace tenon::vgpu::detail
