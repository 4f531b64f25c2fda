//===- Unique.cpp - The distinct elements or slices of a tensor -----------===//
//
// ONNX Unique-11, as numpy.unique sees NaNs: one among elements, each its own within slices. Items (elements, or slices
// along an axis) are sorted by their keys; items that are equal form a group, which starts with the first of them.
//
//===----------------------------------------------------------------------===//
#include "Keys.h"
#include "Operators.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace tenon::runtime {

namespace {
/// Items of the tensor, of equal ones only the first: `first[g]` in ascending order of the groups, how many of each,
/// and the group of each item.
struct Groups {
  std::vector<int64_t> first, counts, groupOf;
};
} // namespace

/// Groups of items that come sorted, equal ones in the order of the tensor; `likeBefore(i)` tells whether order[i]
/// equals order[i - 1].
template <typename LikeBefore>
static Groups groupSorted(const std::vector<int64_t> &order, LikeBefore likeBefore) {
  Groups groups;
  groups.groupOf.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !likeBefore(i)) {
      groups.first.push_back(order[i]);
      groups.counts.push_back(0);
    }
    ++groups.counts.back();
    groups.groupOf[size_t(order[i])] = int64_t(groups.first.size()) - 1;
  }
  return groups;
}

/// Elements of one or two bytes: there are few keys, so they are counted where that pays.
template <typename Word>
static Groups groupBySmallKeys(const Word *data, size_t count, const Keys<Word> &keyOf) {
  const size_t numKeys = size_t(1) << (8 * sizeof(Word));
  std::vector<int64_t> first(numKeys, -1), counts(numKeys, 0), group(numKeys, 0);
  Groups groups;
  groups.groupOf.resize(count);
  for (size_t i = count; i-- > 0;) {
    const Word key = keyOf(data[i]);
    first[key] = int64_t(i);
    ++counts[key];
  }
  for (size_t key = 0; key < numKeys; ++key) {
    if (counts[key] == 0)
      continue;
    group[key] = int64_t(groups.first.size());
    groups.first.push_back(first[key]);
    groups.counts.push_back(counts[key]);
  }
  for (size_t i = 0; i < count; ++i)
    groups.groupOf[i] = group[keyOf(data[i])];
  return groups;
}

/// Sorts by key; items of one key keep their order. A pass per byte of the keys, but those that all have in common.
template <typename Word>
static void sortByKey(std::vector<std::pair<Word, int64_t>> &items) {
  std::vector<std::pair<Word, int64_t>> sorted(items.size());
  for (unsigned shift = 0; shift < 8 * sizeof(Word); shift += 8) {
    size_t starts[257] = {};
    for (const auto &item : items)
      ++starts[(item.first >> shift & 0xff) + 1];
    if (std::find(starts, std::end(starts), items.size()) != std::end(starts))
      continue;
    std::partial_sum(starts, std::end(starts), starts);
    for (const auto &item : items)
      sorted[starts[item.first >> shift & 0xff]++] = item;
    items.swap(sorted);
  }
}

template <typename Word>
static Groups groupElements(const Tensor &x) {
  const Keys<Word> keyOf(x.type);
  const Word *data = x.as<const Word>();
  const size_t count = size_t(x.elements());
  if constexpr (sizeof(Word) <= 2)
    if (count >= size_t(1) << (8 * sizeof(Word) - 4)) // else clearing the tables costs more than sorting
      return groupBySmallKeys(data, count, keyOf);
  // Keys next to their positions: comparing looks nothing up.
  std::vector<std::pair<Word, int64_t>> keyed(count);
  for (size_t i = 0; i < count; ++i)
    keyed[i] = {keyOf(data[i]), int64_t(i)};
  if (count < 512)
    std::sort(keyed.begin(), keyed.end());
  else
    sortByKey(keyed);
  std::vector<int64_t> order(count);
  std::transform(keyed.begin(), keyed.end(), order.begin(), [](const auto &item) { return item.second; });
  return groupSorted(order, [&](size_t i) { return keyed[i - 1].first == keyed[i].first; });
}

/// The keys of slice i of `slices`, `width` of them, are at keys[i * width].
template <typename Word>
static std::vector<Word> gatherKeys(const Tensor &x, const Slices &slices, const Keys<Word> &keyOf) {
  const Word *data = x.as<const Word>();
  const size_t inner = slices.inner / sizeof(Word), width = slices.outer * inner;
  std::vector<Word> keys(slices.extent * width);
  for (size_t o = 0; o < slices.outer; ++o)
    for (size_t i = 0; i < slices.extent; ++i, data += inner)
      std::transform(data, data + inner, keys.begin() + int64_t(i * width + o * inner), keyOf);
  return keys;
}

template <typename Word>
static Groups groupSlices(const Tensor &x, size_t axis) {
  const Slices slices = slicesAlong(x, axis);
  std::vector<int64_t> order(slices.extent);
  std::iota(order.begin(), order.end(), 0);
  if (x.elements() == 0) // slices of nothing are equal
    return groupSorted(order, [](size_t) { return true; });

  const Keys<Word> keyOf(x.type);
  const std::vector<Word> keys = gatherKeys(x, slices, keyOf);
  const size_t width = keys.size() / slices.extent;
  auto begin = [&](int64_t slice) { return keys.data() + size_t(slice) * width; };
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const auto [left, right] = std::mismatch(begin(a), begin(a) + width, begin(b));
    return left == begin(a) + width ? a < b : *left < *right;
  });
  auto isOrdered = [&](Word key) { return !keyOf.hasNaN() || key != Word(~Word(0)); };
  return groupSorted(order, [&](size_t i) {
    const Word *slice = begin(order[i]);
    return std::equal(slice, slice + width, begin(order[i - 1])) && std::all_of(slice, slice + width, isOrdered);
  });
}

/// Renumbers groups in the order of their first items.
static void orderByFirst(Groups &groups) {
  std::vector<int64_t> order(groups.first.size()), rank(groups.first.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return groups.first[size_t(a)] < groups.first[size_t(b)]; });
  Groups sorted;
  for (size_t i = 0; i < order.size(); ++i) {
    rank[size_t(order[i])] = int64_t(i);
    sorted.first.push_back(groups.first[size_t(order[i])]);
    sorted.counts.push_back(groups.counts[size_t(order[i])]);
  }
  for (int64_t &group : groups.groupOf)
    group = rank[size_t(group)];
  groups.first = std::move(sorted.first);
  groups.counts = std::move(sorted.counts);
}

/// The slices that start groups, side by side along `axis`.
static void copyFirst(const Tensor &x, const Slices &slices, const std::vector<int64_t> &first, Tensor &y) {
  if (y.bytes() == 0)
    return;
  const char *from = x.as<const char>();
  char *to = y.as<char>();
  for (size_t o = 0; o < slices.outer; ++o, from += slices.extent * slices.inner)
    for (int64_t item : first) {
      std::memcpy(to, from + size_t(item) * slices.inner, slices.inner);
      to += slices.inner;
    }
}

static HostResult unique(const Tensor &x, Groups groups, const Slices &slices, std::vector<int64_t> dims) {
  HostResult results = std::vector<Value>();
  Expected<Tensor> y = allocateResult(x.type, std::move(dims));
  if (!y)
    return y.takeStatus();
  copyFirst(x, slices, groups.first, *y);
  results->push_back(std::move(*y));
  for (const std::vector<int64_t> *numbers : {&groups.first, &groups.groupOf, &groups.counts}) {
    Expected<Tensor> tensor = allocateResult(ElementType::I64, {int64_t(numbers->size())});
    if (!tensor)
      return tensor.takeStatus();
    std::copy(numbers->begin(), numbers->end(), tensor->as<int64_t>());
    results->push_back(std::move(*tensor));
  }
  return results;
}

template <typename Word>
static HostResult unique(const Tensor &x, std::optional<size_t> axis, bool sorted) {
  Groups groups = axis ? groupSlices<Word>(x, *axis) : groupElements<Word>(x);
  if (!sorted)
    orderByFirst(groups);
  const int64_t count = int64_t(groups.first.size());
  if (!axis)
    return unique(x, std::move(groups), {1, size_t(x.elements()), sizeof(Word)}, {count});
  std::vector<int64_t> dims = x.dims;
  dims[*axis] = count;
  return unique(x, std::move(groups), slicesAlong(x, *axis), std::move(dims));
}

HostResult runUnique(const HostOpCall &call) {
  Expected<const Tensor *> x = tensorOperand(call, 0);
  if (!x)
    return x.takeStatus();
  std::optional<size_t> axis;
  if (call.attributes[0]) {
    Expected<size_t> normalized = normalizeAxis(call.attributes[1], (*x)->dims.size());
    if (!normalized)
      return normalized.takeStatus();
    axis = *normalized;
  }
  const bool sorted = call.attributes[2] != 0;
  switch (elementSize((*x)->type)) {
  case 1:
    return unique<uint8_t>(**x, axis, sorted);
  case 2:
    return unique<uint16_t>(**x, axis, sorted);
  case 4:
    return unique<uint32_t>(**x, axis, sorted);
  default:
    return unique<uint64_t>(**x, axis, sorted);
  }
}

} // namespace tenon::runtime
