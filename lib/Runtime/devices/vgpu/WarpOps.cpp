//===- WarpOps.cpp - What the lanes of a warp do together -----------------===//
#include "BlockRunner.h"
#include "MatrixMultiply.h"

#include <cstring>

namespace tenon::vgpu::detail {

static const char *const kWarpOpNames[] = {"__syncwarp", "a shuffle", "a vote", "ldmatrix", "mma.sync"};
const char *nameOf(WarpOp op) { return kWarpOpNames[static_cast<unsigned>(op)]; }

static void shuffle(const Meeting &meeting) {
  for (unsigned lane = 0; lane < 32; ++lane)
    if (meeting.arrived >> lane & 1) {
      auto &args = *static_cast<ShuffleArgs *>(meeting.args[lane]);
      if (meeting.arrived >> args.source & 1)
        memcpy(args.out, static_cast<ShuffleArgs *>(meeting.args[args.source])->in, args.bytes);
      else // undefined on a GPU
        memset(args.out, 0xff, args.bytes);
    }
}

static void vote(const Meeting &meeting) {
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (meeting.arrived >> lane & 1)
      ballot |= static_cast<VoteArgs *>(meeting.args[lane])->predicate << lane;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (meeting.arrived >> lane & 1)
      static_cast<VoteArgs *>(meeting.args[lane])->ballot = ballot;
}

void BlockRunner::warp(WarpOp op, unsigned mask, void *args) {
  Warp &warp = warpOf(*current);
  unsigned lane = current->index % 32, bit = 1u << lane;
  // A mask may name lanes that the block does not have.
  mask &= warp.existing;
  if (!(mask & bit))
    fail("%s with mask 0x%08x, which leaves out the calling lane %u", nameOf(op), mask, lane);
  if ((op == WarpOp::LoadMatrix || op == WarpOp::Mma) && (mask != ~0u || warp.ended))
    fail("%s needs all 32 lanes of the warp, 0x%08x remain", nameOf(op), mask & ~warp.ended);
  Meeting *meeting = nullptr;
  for (Meeting &candidate : warp.meetings)
    if (candidate.mask == mask)
      meeting = &candidate;
  if (!meeting) {
    warp.meetings.emplace_back();
    meeting = &warp.meetings.back();
    meeting->mask = mask;
    meeting->op = op;
  }
  if (meeting->op != op)
    fail("lane %u is at %s while lanes 0x%08x of its warp are at %s", lane, nameOf(op), meeting->arrived,
         nameOf(meeting->op));
  meeting->args[lane] = args;
  meeting->arrived |= bit;
  if (mask & ~(meeting->arrived | warp.ended)) {
    wait({Wait::On::Warp, static_cast<unsigned>(op), mask, nullptr});
    return;
  }
  completeMeeting(warp, *meeting);
  schedulePoint();
}

/// Does the work for all lanes and lets them go. `meeting` is gone afterwards.
void BlockRunner::completeMeeting(Warp &warp, Meeting &meeting) {
  if ((meeting.op == WarpOp::LoadMatrix || meeting.op == WarpOp::Mma) && meeting.arrived != ~0u)
    fail("the thread ended while lanes 0x%08x of its warp wait for %s", meeting.arrived, nameOf(meeting.op));
  switch (meeting.op) {
  case WarpOp::Sync:
    break;
  case WarpOp::Shuffle:
    shuffle(meeting);
    break;
  case WarpOp::Vote:
    vote(meeting);
    break;
  case WarpOp::LoadMatrix:
    loadMatrix(meeting);
    break;
  case WarpOp::Mma:
    matrixMultiply(meeting);
    break;
  }
  for (unsigned lane = 0; lane < 32; ++lane)
    if (meeting.arrived >> lane & 1)
      wake(fibers[warp.first + lane]);
  warp.meetings.erase(warp.meetings.begin() + (&meeting - warp.meetings.data()));
}

void BlockRunner::loadMatrix(const Meeting &meeting) {
  auto args = [&](unsigned lane) { return static_cast<LoadMatrixArgs *>(meeting.args[lane]); };
  unsigned count = args(0)->count;
  for (unsigned matrix = 0; matrix < count; ++matrix) {
    uint16_t elements[8][8];
    for (unsigned row = 0; row < 8; ++row) {
      const void *source = args(8 * matrix + row)->row;
      checkAligned(source, 16, "ldmatrix row");
      if (window.addressOf(source, 16) == SharedWindow::kNone)
        fail("ldmatrix: lane %u names row %p, which is not 16 bytes of shared memory", 8 * matrix + row, source);
      memcpy(elements[row], source, 16);
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned g = lane / 4, t = lane % 4;
      bool transpose = args(lane)->transpose;
      uint32_t low = transpose ? elements[2 * t][g] : elements[g][2 * t];
      uint32_t high = transpose ? elements[2 * t + 1][g] : elements[g][2 * t + 1];
      args(lane)->out[matrix] = low | high << 16;
    }
  }
}

/// Gathers the fragments of 32 lanes into matrices, multiplies, and adds to the accumulators (layouts: mma.cuh).
void BlockRunner::matrixMultiply(const Meeting &meeting) {
  auto args = [&](unsigned lane) { return static_cast<MmaArgs *>(meeting.args[lane]); };
  ElementKind kind = args(0)->kind;
  float a[16][16], b[16][8], d[16][8];
  unsigned depth = kind == ElementKind::TF32 ? 8 : 16;
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    const unsigned *ra = args(lane)->a, *rb = args(lane)->b;
    if (kind == ElementKind::TF32) {
      for (unsigned i = 0; i < 4; ++i)
        a[g + 8 * (i % 2)][t + 4 * (i / 2)] = tf32Value(ra[i]);
      for (unsigned i = 0; i < 2; ++i)
        b[t + 4 * i][g] = tf32Value(rb[i]);
      continue;
    }
    for (unsigned i = 0; i < 8; ++i)
      a[g + 8 * (i / 2 % 2)][2 * t + 8 * (i / 4) + i % 2] = elementValue(kind, ra[i / 2] >> 16 * (i % 2));
    for (unsigned i = 0; i < 4; ++i)
      b[2 * t + 8 * (i / 2) + i % 2][g] = elementValue(kind, rb[i / 2] >> 16 * (i % 2));
  }
  auto forElements = [&](auto f) {
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < 4; ++i)
        f(args(lane)->d[i], d[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2]);
  };
  forElements([](float &inRegister, float &element) { element = inRegister; });
  // Columns are the inner loop: it becomes vector code.
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned k = 0; k < depth; ++k)
      for (unsigned column = 0; column < 8; ++column)
        d[row][column] += a[row][k] * b[k][column];
  forElements([](float &inRegister, float &element) { inRegister = element; });
}

} // namespace tenon::vgpu::detail
