//===- Wgmma.cpp - Asynchronous products of a warp group ------------------===//
//
// A product reads its operands when it is issued and again when it is waited for: both must be the same bytes, whenever
// the hardware reads them. In between, its accumulators hold NaN.
//
//===----------------------------------------------------------------------===//
#include "BlockRunner.h"
#include "MatrixMultiply.h"

#include <algorithm>
#include <cstring>

namespace tenon::vgpu::detail {

static constexpr unsigned kThreads = 128, kRows = 64, kDepth = 16;

const char *nameOf(WarpgroupOp op) {
  static const char *const names[] = {"wgmma.fence", "wgmma.commit_group", "wgmma.wait_group", "wgmma.mma_async"};
  return names[static_cast<unsigned>(op)];
}

void BlockRunner::warpgroup(WarpgroupOp op, WarpgroupArgs *args) {
  unsigned index = current->index / kThreads, thread = current->index % kThreads;
  if ((index + 1) * kThreads > launch->threads())
    fail("%s in warps %u and up, which are less than the four of a warp group", nameOf(op), index * 4);
  Warpgroup &group = warpgroups[index];
  if (group.arrived == 0)
    group.op = op;
  else if (group.op != op)
    fail("%s, while other threads of the warp group are at %s", nameOf(op), nameOf(group.op));
  group.args[thread] = args;
  if (++group.arrived < kThreads) {
    wait({Wait::On::Warpgroup, static_cast<unsigned>(op), 0, nullptr});
    return;
  }
  group.arrived = 0;
  completeWarpgroup(group);
  for (unsigned t = 0; t < kThreads; ++t)
    wake(fibers[index * kThreads + t]);
  schedulePoint();
}

void BlockRunner::completeWarpgroup(Warpgroup &group) {
  switch (group.op) {
  case WarpgroupOp::Fence:
    fenceWgmma(group);
    break;
  case WarpgroupOp::Commit:
    ++group.commits;
    break;
  case WarpgroupOp::Wait:
    waitWgmma(group, group.args[0]->n);
    break;
  case WarpgroupOp::Mma:
    issueWgmma(group);
    break;
  }
}

// ---- operands
// ---------------------------------------------------------------------------------------------------------

namespace {

/// The fields of a matrix descriptor (PTX ISA, "Matrix descriptor format"), in bytes.
struct Descriptor {
  uint32_t start, leading, stride;
  unsigned baseOffset, swizzleBits; ///< swizzleBits: 0 none, 1 32 bytes, 2 64 bytes, 3 128 bytes

  explicit Descriptor(uint64_t word)
      : start(static_cast<uint32_t>(word & 0x3fff) << 4), leading(static_cast<uint32_t>(word >> 16 & 0x3fff) << 4),
        stride(static_cast<uint32_t>(word >> 32 & 0x3fff) << 4), baseOffset(static_cast<unsigned>(word >> 49 & 7)) {
    static constexpr unsigned kBits[] = {0, 3, 2, 1};
    swizzleBits = kBits[word >> 62];
  }

  /// Address of the 16-byte chunk that holds k = 8 * half to 8 * half + 7 of a row of a K-major operand.
  uint32_t rowChunk(unsigned row, unsigned half) const {
    uint32_t offset = row / 8 * stride;
    if (swizzleBits == 0)
      return start + offset + row % 8 * 16 + half * leading;
    return swizzled(start + offset + row % 8 * (16u << swizzleBits) + half * 16, swizzleBits);
  }
  /// Address of the chunk that holds rows 8 * block to 8 * block + 7, at one k, of an MN-major operand.
  uint32_t columnChunk(unsigned block, unsigned k) const {
    if (swizzleBits == 0)
      return start + block * stride + k % 8 * 16 + k / 8 * leading;
    unsigned chunks = 1u << swizzleBits; // in a line
    uint32_t offset = block % chunks * 16 + block / chunks * leading + k % 8 * (16u << swizzleBits) + k / 8 * stride;
    return swizzled(start + offset, swizzleBits);
  }
};

} // namespace

/// Copies an operand of `rows` rows (M or N) and 16 columns to row-major 16-bit elements.
void BlockRunner::gatherOperand(uint64_t word, unsigned rows, bool transposed, unsigned char *bytes, bool checkProxy) {
  Descriptor descriptor(word);
  if (descriptor.baseOffset)
    fail("wgmma descriptor 0x%llx: a base offset is not modelled; align the matrix to its swizzle's pattern",
         static_cast<unsigned long long>(word));
  unsigned chunks = rows * kDepth / 8;
  for (unsigned i = 0; i < chunks; ++i) {
    uint32_t address = transposed ? descriptor.columnChunk(i / kDepth, i % kDepth) : descriptor.rowChunk(i / 2, i % 2);
    const unsigned char *chunk = window.pointerTo(address, 16);
    if (!chunk)
      fail("wgmma descriptor 0x%llx leads to shared 0x%x, outside of the block's shared memory",
           static_cast<unsigned long long>(word), address);
    if (checkProxy)
      checkProxyView(address, 16, "wgmma");
    if (!transposed)
      memcpy(bytes + 16 * i, chunk, 16);
    else
      for (unsigned r = 0; r < 8; ++r)
        memcpy(bytes + ((i / kDepth * 8 + r) * kDepth + i % kDepth) * 2, chunk + 2 * r, 2);
  }
}

static void toFloats(ElementKind kind, const unsigned char *bytes, std::vector<float> &values) {
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits;
    memcpy(&bits, bytes + 2 * i, 2);
    values[i] = elementValue(kind, bits);
  }
}

/// A from the registers of the threads: four m16n8k16 fragments below each other.
static void fragmentsToFloats(const Warpgroup &group, std::vector<float> &values) {
  for (unsigned t = 0; t < kThreads; ++t) {
    unsigned row = 16 * (t / 32) + t % 32 / 4, column = t % 4 * 2;
    for (unsigned i = 0; i < 8; ++i)
      values[(row + 8 * (i / 2 % 2)) * kDepth + column + 8 * (i / 4) + i % 2] =
          elementValue(group.args[t]->kind, group.args[t]->a[i / 2] >> 16 * (i % 2));
  }
}

// ---- accumulators
// -----------------------------------------------------------------------------------------------------

static bool isPoison(const float *registers, unsigned count) {
  auto bytes = reinterpret_cast<const unsigned char *>(registers);
  return std::all_of(bytes, bytes + count * sizeof(float), [](unsigned char byte) { return byte == 0xff; });
}

/// Products that follow may take what accumulators hold now.
void BlockRunner::fenceWgmma(Warpgroup &group) {
  ++group.fences;
  for (Accumulator &target : group.accumulators) {
    if (target.inFlight)
      continue;
    for (unsigned t = 0; t < kThreads; ++t)
      memcpy(&target.values[t * target.count], target.registers[t], target.count * sizeof(float));
  }
}

/// The accumulator that the group's threads name, ready to be written: its registers poisoned, their values kept.
size_t BlockRunner::findAccumulator(Warpgroup &group) {
  unsigned count = group.args[0]->n / 2;
  size_t which = 0;
  while (which < group.accumulators.size() && group.accumulators[which].registers[0] != group.args[0]->d)
    ++which;
  bool isNew = which == group.accumulators.size();
  if (isNew)
    group.accumulators.push_back({{}, count, 0, 0, false, {}});
  Accumulator &target = group.accumulators[which];
  if (target.inFlight) {
    if (target.count != count)
      fail("wgmma with %u accumulators follows one with %u on the same registers", count, target.count);
    for (unsigned t = 0; t < kThreads; ++t)
      if (target.registers[t] != group.args[t]->d || !isPoison(target.registers[t], count))
        fail("accumulators were touched while a wgmma was in flight");
    return which;
  }
  target.count = count;
  target.poisoned = true;
  bool isOther = target.values.size() != count * kThreads, changed = false; // isOther: than at its last products
  target.values.resize(count * kThreads);
  for (unsigned t = 0; t < kThreads; ++t) {
    target.registers[t] = group.args[t]->d;
    size_t bytes = count * sizeof(float);
    changed |= memcmp(&target.values[t * count], target.registers[t], bytes) != 0;
    memcpy(&target.values[t * count], target.registers[t], bytes);
    memset(target.registers[t], 0xff, bytes);
  }
  if (isOther ? group.fences == target.fences : changed)
    fail("accumulators were written after the last wgmmaFence()");
  return which;
}

void BlockRunner::issueWgmma(Warpgroup &group) {
  const WarpgroupArgs &args = *group.args[0];
  for (unsigned t = 1; t < kThreads; ++t)
    if (group.args[t]->descA != args.descA || group.args[t]->descB != args.descB ||
        group.args[t]->accumulate != args.accumulate || group.args[t]->n != args.n)
      fail("the threads of a warp group name different operands of a wgmma");
  size_t target = findAccumulator(group);
  group.products.push_back({args, group.commits, target, {}, {}, {}});
  WgmmaProduct &product = group.products.back();
  ++group.accumulators[target].inFlight;
  unsigned bytesA = args.a ? 0 : kRows * kDepth * 2, bytesB = args.n * kDepth * 2;
  product.operands.resize(bytesA + bytesB);
  product.a.resize(kRows * kDepth);
  product.b.resize(args.n * kDepth);
  if (args.a) {
    fragmentsToFloats(group, product.a);
  } else {
    gatherOperand(args.descA, kRows, args.transposeA, product.operands.data(), true);
    toFloats(args.kind, product.operands.data(), product.a);
  }
  gatherOperand(args.descB, args.n, args.transposeB, product.operands.data() + bytesA, true);
  toFloats(args.kind, product.operands.data() + bytesA, product.b);
}

static void addProduct(const WgmmaProduct &product, Accumulator &target, float *c) {
  unsigned n = product.args.n;
  multiply64(product.a.data(), product.b.data(), c, n);
  for (unsigned t = 0; t < kThreads; ++t) {
    unsigned row = 16 * (t / 32) + t % 32 / 4, column = t % 4 * 2;
    float *values = &target.values[t * target.count];
    for (unsigned j = 0; j < target.count; ++j) {
      float sum = c[(row + 8 * (j / 2 % 2)) * n + 8 * (j / 4) + column + j % 2];
      values[j] = product.args.accumulate ? values[j] + sum : sum;
    }
  }
}

void BlockRunner::waitWgmma(Warpgroup &group, unsigned inFlight) {
  static constexpr unsigned kMaxColumns = 256;
  size_t kept = 0;
  productScratch.resize(kRows * kMaxColumns);
  operandScratch.resize((kRows + kMaxColumns) * kDepth * 2);
  unsigned char *operands = operandScratch.data();
  for (size_t i = 0; i < group.products.size(); ++i) {
    WgmmaProduct &product = group.products[i];
    const WarpgroupArgs &args = product.args;
    if (product.group + inFlight >= group.commits) {
      if (kept != i)
        group.products[kept] = std::move(product);
      ++kept;
      continue;
    }
    unsigned bytesA = args.a ? 0 : kRows * kDepth * 2;
    if (!args.a)
      gatherOperand(args.descA, kRows, args.transposeA, operands, false);
    gatherOperand(args.descB, args.n, args.transposeB, operands + bytesA, false);
    if (memcmp(operands, product.operands.data(), product.operands.size()) != 0)
      fail("an operand of a wgmma in flight was overwritten");
    Accumulator &target = group.accumulators[product.target];
    addProduct(product, target, productScratch.data());
    --target.inFlight;
  }
  group.products.resize(kept);
  for (Accumulator &target : group.accumulators) {
    if (target.inFlight || !target.poisoned)
      continue;
    for (unsigned t = 0; t < kThreads; ++t) {
      if (!isPoison(target.registers[t], target.count))
        fail("accumulators were touched while a wgmma was in flight");
      memcpy(target.registers[t], &target.values[t * target.count], target.count * sizeof(float));
    }
    target.poisoned = false;
    target.fences = group.fences;
  }
}

} // namespace tenon::vgpu::detail
