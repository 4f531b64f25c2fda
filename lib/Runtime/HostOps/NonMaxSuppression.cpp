//===- NonMaxSuppression.cpp - The best of boxes that overlap -------------===//
//
// ONNX NonMaxSuppression-11: per batch and class, boxes in order of their scores, without those that overlap one chosen
// before by more than a threshold. All arithmetic is in f32, as in the reference.
//
//===----------------------------------------------------------------------===//
#include "Keys.h"
#include "Operators.h"

#include <algorithm>
#include <cstring>

namespace tenon::runtime {

namespace {
struct Box {
  float x1, y1, x2, y2; ///< x1 <= x2, y1 <= y2
  float area;
};

struct Limits {
  int64_t perClass;
  float iou;
  std::optional<float> score;
};

struct Problem {
  const Tensor &boxes, &scores;
  bool centers; ///< boxes are center and size, not two corners
  Limits limits;
  int64_t batches, classes, count;
};
} // namespace

/// [y1, x1, y2, x2], any two opposite corners; or [x, y, width, height] of the center.
static Box readBox(const float *box, bool centers) {
  Box result;
  if (centers) {
    const float halfWidth = box[2] / 2, halfHeight = box[3] / 2;
    result = {box[0] - halfWidth, box[1] - halfHeight, box[0] + halfWidth, box[1] + halfHeight, 0};
  } else {
    result = {std::min(box[1], box[3]), std::min(box[0], box[2]), std::max(box[1], box[3]), std::max(box[0], box[2]),
              0};
  }
  result.area = (result.x2 - result.x1) * (result.y2 - result.y1);
  return result;
}

/// Whether intersection over union is beyond `threshold`. NaNs overlap nothing.
static bool overlap(const Box &a, const Box &b, float threshold) {
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  if (!(width > 0) || !(height > 0) || !(a.area > 0) || !(b.area > 0))
    return false;
  const float shared = width * height;
  const float either = a.area + b.area - shared;
  return either > 0 && shared / either > threshold;
}

/// Boxes as numbers that ascend from the best to choose: by score, a NaN last, then by position.
static void collectCandidates(const float *scores, const Problem &problem, std::vector<uint64_t> &candidates) {
  static const Keys<uint32_t> keyOf(ElementType::F32);
  candidates.clear();
  for (int64_t i = 0; i < problem.count; ++i) {
    if (problem.limits.score && !(scores[i] > *problem.limits.score))
      continue;
    uint32_t bits;
    std::memcpy(&bits, &scores[i], sizeof bits);
    const uint32_t key = scores[i] != scores[i] ? 0 : keyOf(bits);
    candidates.push_back(uint64_t(~key) << 32 | uint64_t(i));
  }
}

/// Chooses among the boxes of one batch for one class; appends their positions.
static void choose(const std::vector<Box> &boxes, std::vector<uint64_t> &candidates, const Limits &limits,
                   std::vector<int64_t> &chosen) {
  std::vector<Box> kept;
  // A heap: usually far fewer are looked at than there are.
  auto later = [](uint64_t a, uint64_t b) { return a > b; };
  std::make_heap(candidates.begin(), candidates.end(), later);
  while (!candidates.empty() && int64_t(kept.size()) < limits.perClass) {
    std::pop_heap(candidates.begin(), candidates.end(), later);
    const size_t index = size_t(candidates.back() & 0xffffffff);
    candidates.pop_back();
    const Box &box = boxes[index];
    if (std::any_of(kept.begin(), kept.end(), [&](const Box &other) { return overlap(box, other, limits.iou); }))
      continue;
    kept.push_back(box);
    chosen.push_back(int64_t(index));
  }
}

static HostResult suppress(const Problem &problem) {
  std::vector<int64_t> triples, chosen;
  std::vector<uint64_t> candidates;
  // Without data there is nothing to choose, however large the other extents are.
  const bool empty = problem.scores.bytes() == 0 || problem.limits.perClass == 0;
  std::vector<Box> boxes(empty ? 0 : size_t(problem.count));
  for (int64_t batch = 0; !empty && batch < problem.batches; ++batch) {
    const float *coordinates = problem.boxes.as<const float>() + batch * problem.count * 4;
    for (Box &box : boxes) {
      box = readBox(coordinates, problem.centers);
      coordinates += 4;
    }
    for (int64_t c = 0; c < problem.classes; ++c) {
      collectCandidates(problem.scores.as<const float>() + (batch * problem.classes + c) * problem.count, problem,
                        candidates);
      chosen.clear();
      choose(boxes, candidates, problem.limits, chosen);
      for (int64_t index : chosen)
        triples.insert(triples.end(), {batch, c, index});
    }
  }
  Expected<Tensor> y = allocateResult(ElementType::I64, {int64_t(triples.size() / 3), 3});
  if (!y)
    return y.takeStatus();
  std::copy(triples.begin(), triples.end(), y->as<int64_t>());
  return only(std::move(*y));
}

static Expected<Limits> readLimits(const HostOpCall &call) {
  Expected<std::optional<int64_t>> perClass = integerOperand(call, 2);
  if (!perClass)
    return perClass.takeStatus();
  Expected<std::optional<float>> iou = floatOperand(call, 3), score = floatOperand(call, 4);
  if (!iou || !score)
    return iou ? score.takeStatus() : iou.takeStatus();
  const float threshold = iou->value_or(0);
  if (!(threshold >= 0 && threshold <= 1))
    return refuse("iou_threshold must be in 0 to 1, found " + std::to_string(threshold));
  return Limits{std::max<int64_t>(perClass->value_or(0), 0), threshold, *score};
}

HostResult runNonMaxSuppression(const HostOpCall &call) {
  Expected<const Tensor *> boxes = tensorOperand(call, 0), scores = tensorOperand(call, 1);
  if (!boxes || !scores)
    return boxes ? scores.takeStatus() : boxes.takeStatus();
  Expected<Limits> limits = readLimits(call);
  if (!limits)
    return limits.takeStatus();
  const std::vector<int64_t> &b = (*boxes)->dims, &s = (*scores)->dims;
  if ((*boxes)->type != ElementType::F32 || (*scores)->type != ElementType::F32)
    return refuse("boxes and scores must be of float32");
  if (b.size() != 3 || b[2] != 4 || s.size() != 3 || s[0] != b[0] || s[2] != b[1])
    return refuse("boxes must be [batches, boxes, 4] and scores [batches, classes, boxes], found " + printDims(b) +
                  " and " + printDims(s));
  if (b[1] > int64_t(UINT32_MAX))
    return refuse("more boxes than 2^32");
  return suppress({**boxes, **scores, call.attributes[0] != 0, *limits, b[0], s[1], b[1]});
}

} // namespace tenon::runtime
