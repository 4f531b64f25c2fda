//===- Scheduler.cpp - Which fiber runs next ------------------------------===//
#include "BlockRunner.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tenon::vgpu::detail {

/// Bytes after the dynamic shared memory that no kernel may write.
static constexpr size_t kSharedSlack = 4096;
/// What uninitialised shared memory holds: NaN in every floating-point type, -1 in integers.
static constexpr int kPoison = 0xff;

void BlockRunner::run(Launch &activeLaunch) {
  launch = &activeLaunch;
  mainBounds = {};
  fibers.resize(launch->threads());
  // The storage has room to align its start to 1024 bytes.
  dynamicStorage.resize(launch->dynamicShared + kSharedSlack + 1023);
  statics = launch->kernel.object->sharedVariables();
  auto start = (reinterpret_cast<uintptr_t>(dynamicStorage.data()) + 1023) & ~uintptr_t(1023);
  window = SharedWindow(statics.base, statics.bytes, reinterpret_cast<unsigned char *>(start), launch->dynamicShared);

  // The seed also turns the order of blocks.
  uint64_t blocks = launch->blocks(), first = launch->options.seed ? Random(launch->options.seed).next() % blocks : 0;
  for (uint64_t i; !launch->failed && (i = launch->nextBlock++) < blocks;)
    runBlock((i + first) % blocks);
  launch = nullptr;
}

void BlockRunner::runBlock(uint64_t linearBlock) {
  const Dim3 &grid = launch->grid;
  blockIndex = {static_cast<unsigned>(linearBlock % grid.x), static_cast<unsigned>(linearBlock / grid.x % grid.y),
                static_cast<unsigned>(linearBlock / grid.x / grid.y)};
  random = Random(launch->options.seed * 0x100000001b3u + linearBlock);
  resetBlock();
  if (Fiber *next = pick()) {
    next->state = Fiber::State::Ready;
    current = next;
    switchFiber(&mainStack, next->stackPointer, &mainBounds, StackPool::bounds(next->slot));
  }
  current = nullptr;
  for (Fiber &fiber : fibers) // abandoned ones
    if (fiber.slot) {
      StackBounds bounds = StackPool::bounds(fiber.slot);
      forgetFrames(bounds.bottom, bounds.size);
      stacks.give(fiber.slot);
      fiber.slot = nullptr;
    }
  if (!launch->failed)
    checkEnd();
}

/// What must hold once every thread of a block has ended.
void BlockRunner::checkEnd() {
  if (!pendingLoads.empty())
    report("the block ended with a tensor load in flight");
  const unsigned char *slack = window.dynamicBase() + launch->dynamicShared;
  if (!std::all_of(slack, slack + kSharedSlack, [](unsigned char c) { return c == kPoison; }))
    report("wrote beyond its dynamic shared memory");
}

void BlockRunner::resetBlock() {
  unsigned threads = launch->threads(), warpCount = (threads + 31) / 32;
  memset(window.dynamicBase(), kPoison, launch->dynamicShared + kSharedSlack);
  memset(statics.base, kPoison, statics.bytes);
  proxyView.assign(window.size(), kPoison);
  running = threads;
  warps.resize(warpCount);
  order.resize(warpCount);
  for (unsigned w = 0; w < warpCount; ++w) {
    unsigned lanes = std::min(32u, threads - 32 * w), all = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warps[w].first = 32 * w;
    warps[w].existing = warps[w].ready = all;
    warps[w].ended = 0;
    warps[w].meetings.clear();
    order[w] = w;
  }
  for (unsigned i = 0; i < threads; ++i) {
    Fiber &fiber = fibers[i];
    fiber.state = Fiber::State::Unstarted;
    fiber.index = i;
    fiber.reason = {};
    fiber.copies.clear();
    fiber.stores.clear();
    fiber.copyGroup = fiber.bulkGroup = 0;
  }
  warpgroups.clear();
  warpgroups.resize((threads + 127) / 128);
  for (Barrier &barrier : barriers) {
    barrier.arrived = barrier.predicates = 0;
    barrier.waiting.clear();
  }
  mbarriers.clear();
  pendingLoads.clear();
  demotionRate = deliveryRate = yields = 0;
  if (launch->options.seed == 0)
    return;
  for (unsigned w = warpCount; w > 1; --w)
    std::swap(order[w - 1], order[random.below(w)]);
  // Fixed priorities starve a warp for long; frequent changes mix warps finely. Bugs need the one or the other.
  static constexpr unsigned kDemotionRates[] = {0, 64, 8, 2}, kDeliveryRates[] = {0, 16, 2};
  demotionRate = kDemotionRates[random.below(4)];
  deliveryRate = kDeliveryRates[random.below(3)];
}

// ---- fibers
// -----------------------------------------------------------------------------------------------------------

/// Gives an unstarted fiber a stack; false where there is no memory.
bool BlockRunner::prepare(Fiber &fiber) {
  ThreadContext *slot = stacks.take();
  if (!slot) {
    launch->fail("the virtual GPU is out of memory for the stacks of threads");
    return false;
  }
  adopt(fiber, slot);
  fiber.stackPointer = makeFiber(StackPool::top(slot), fiberEntry);
  return true;
}

void BlockRunner::adopt(Fiber &fiber, ThreadContext *slot) {
  const Dim3 &grid = launch->grid, &block = launch->block;
  unsigned i = fiber.index;
  fiber.slot = slot;
  *slot = {{i % block.x, i / block.x % block.y, i / block.x / block.y},
           blockIndex,
           {block.x, block.y, block.z},
           {grid.x, grid.y, grid.z},
           &table,
           window.dynamicBase(),
           i,
           warpOf(fiber).existing,
           !launch->options.globalMemory.empty(),
           this};
}

void BlockRunner::fiberEntry() { static_cast<BlockRunner *>(self()->runner)->fiberMain(); }

/// Runs one thread after the other on this stack, as long as the next one has not started yet: a kernel whose threads
/// never wait needs one stack and no switch.
void BlockRunner::fiberMain() {
  // Only the first fiber of a launch is sure to come from the worker's own stack.
  StackBounds from;
  enterFiber(&from);
  if (!mainBounds.bottom) {
    mainBounds.bottom = from.bottom;
    mainBounds.size = from.size;
  }
  while (true) {
    launch->kernel.trampoline(launch->args);
    ThreadContext *slot = current->slot;
    finish(*current);
    Fiber *next = pickReady();
    if (!next || next->state != Fiber::State::Unstarted)
      leave(slot, next);
    adopt(*next, slot);
    next->state = Fiber::State::Ready;
    current = next;
  }
}

/// Leaves an ended fiber's stack for good.
void BlockRunner::leave(ThreadContext *slot, Fiber *next) {
  stacks.give(slot); // still in use until the switch; nobody takes it before
  current = next;
  if (next)
    switchFiber(nullptr, next->stackPointer, nullptr, StackPool::bounds(next->slot));
  else
    switchFiber(nullptr, mainStack, nullptr, mainBounds);
  __builtin_unreachable();
}

void BlockRunner::finish(Fiber &fiber) {
  checkExited(fiber);
  fiber.state = Fiber::State::Ended;
  fiber.slot = nullptr;
  Warp &warp = warpOf(fiber);
  unsigned bit = 1u << fiber.index % 32;
  warp.ready &= ~bit;
  warp.ended |= bit;
  --running;
  // Who waited for this thread waits for one less.
  for (size_t i = 0; i < warp.meetings.size(); ++i)
    if ((warp.meetings[i].mask & ~(warp.meetings[i].arrived | warp.ended)) == 0)
      completeMeeting(warp, warp.meetings[i--]);
  for (Barrier &barrier : barriers)
    if (barrier.arrived && barrier.count == 0 && barrier.arrived >= running)
      releaseBarrier(barrier);
}

// ---- picking
// ----------------------------------------------------------------------------------------------------------

Fiber *BlockRunner::pickAmong(unsigned firstLane) {
  for (unsigned w : order)
    if (unsigned ready = warps[w].ready) {
      // Lanes of a warp have no order either: start at a random one.
      unsigned turn = launch->options.seed ? random.below(32) : firstLane;
      unsigned turned = turn ? ready >> turn | ready << (32 - turn) : ready;
      return &fibers[warps[w].first + (__builtin_ctz(turned) + turn) % 32];
    }
  return nullptr;
}

Fiber *BlockRunner::pickReady() {
  while (!launch->failed) {
    if (Fiber *next = pickAmong())
      return next;
    if (running == 0)
      break;
    if (!deliverOne())
      reportDeadlock();
  }
  return nullptr;
}

Fiber *BlockRunner::pick() {
  Fiber *next = pickReady();
  if (next && next->state == Fiber::State::Unstarted && !prepare(*next))
    return nullptr;
  return next;
}

void BlockRunner::switchTo(Fiber *next) {
  Fiber *from = current;
  if (next == from)
    return;
  StackBounds bounds;
  current = next;
  if (next) {
    next->state = Fiber::State::Ready;
    switchFiber(&from->stackPointer, next->stackPointer, &bounds, StackPool::bounds(next->slot));
  } else {
    switchFiber(&from->stackPointer, mainStack, &bounds, mainBounds);
  }
}

void BlockRunner::wait(const Wait &reason) {
  Fiber &me = *current;
  me.state = Fiber::State::Waiting;
  me.reason = reason;
  warpOf(me).ready &= ~(1u << me.index % 32);
  switchTo(pick());
}

void BlockRunner::wake(Fiber &fiber) {
  fiber.state = Fiber::State::Ready;
  fiber.reason = {};
  warpOf(fiber).ready |= 1u << fiber.index % 32;
}

void BlockRunner::demote(unsigned warp) {
  auto position = std::find(order.begin(), order.end(), warp);
  std::rotate(position, position + 1, order.end());
}

void BlockRunner::schedulePoint() {
  if (deliveryRate && random.oneIn(deliveryRate))
    deliverOne();
  if (demotionRate && random.oneIn(demotionRate))
    demote(current->index / 32);
  // Only another warp is preferred; a warp's own lanes take turns where they wait.
  unsigned mine = current->index / 32;
  for (unsigned w : order) {
    if (w == mine)
      return;
    if (warps[w].ready)
      break;
  }
  switchTo(pick());
}

void BlockRunner::yield() {
  // Threads that spin may wait for each other, in the same warp or not, or for a copy: all of them get their turn.
  static constexpr unsigned kYieldsPerDelivery = 64;
  demote(current->index / 32);
  if (++yields % kYieldsPerDelivery == 0)
    deliverOne();
  Warp &warp = warpOf(*current);
  unsigned lane = current->index % 32, bit = 1u << lane;
  warp.ready &= ~bit;
  bool others = std::any_of(warps.begin(), warps.end(), [](const Warp &w) { return w.ready != 0; });
  Fiber *next = others || deliverOne() ? pickAmong((lane + 1) % 32) : nullptr;
  warp.ready |= bit;
  if (!next)
    return;
  if (next->state == Fiber::State::Unstarted && !prepare(*next))
    next = nullptr;
  switchTo(next);
}

} // namespace tenon::vgpu::detail
