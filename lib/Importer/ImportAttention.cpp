//===- ImportAttention.cpp - Attention and rotary positions ----------------===//
#include "NodeImporter.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// [B, S, heads * E] as [B, S, heads, E]; null with an error.
Value splitHeads(NodeImporter &n, Value x, int64_t heads) {
  auto dims = dimsOf(x);
  if (heads < 1 || dims[2].getConstant().value_or(0) % heads != 0) {
    n.error(Code::WrongAttribute) << heads << " heads do not divide the last dimension of " << typeOf(x);
    return {};
  }
  return n.reshape(x, {dims[0], dims[1], n.dim(heads), floorDiv(dims[2], heads)});
}

/// An operand as [B, heads, S, E].
Value headsFirst(NodeImporter &n, Value x, int64_t heads) {
  if (!x || rankOf(x) == 4)
    return x;
  if (rankOf(x) != 3) {
    n.error(Code::WrongOperands) << "operands must have rank 3 or 4, got " << rankOf(x);
    return {};
  }
  Value split = splitHeads(n, x, heads);
  return split ? n.create<TransposeOp>(split, ArrayRef<int64_t>{0, 2, 1, 3}) : Value();
}

struct Attention {
  Value q, k, v, mask;
  DimAttr past; ///< extent of the past keys; null if there are none
};

LogicalResult joinPast(NodeImporter &n, Attention &a) {
  Value pastKey = n.optionalInput(4), pastValue = n.optionalInput(5);
  if (!pastKey && !pastValue && !n.hasInput(4) && !n.hasInput(5))
    return success();
  if (!pastKey || !pastValue || rankOf(pastKey) != 4 || rankOf(pastValue) != 4)
    return n.error(Code::WrongOperands) << "past_key and past_value must both be given, of rank 4";
  a.past = dimsOf(pastKey)[2];
  a.k = n.create<ConcatOp>(ValueRange{pastKey, a.k}, 2);
  a.v = a.k ? n.create<ConcatOp>(ValueRange{pastValue, a.v}, 2) : Value();
  return success(a.v != nullptr);
}

/// Extents that must agree at run time.
void requireExtents(NodeImporter &n, const Attention &a) {
  auto q = dimsOf(a.q), k = dimsOf(a.k), v = dimsOf(a.v);
  for (auto [x, y] : {std::pair(q[0], k[0]), std::pair(k[0], v[0]), std::pair(q[3], k[3]), std::pair(k[1], v[1]),
                      std::pair(k[2], v[2])})
    n.requireEqual(x, y);
  if (!a.mask)
    return;
  Dims scores = {q[0], q[1], q[2], k[2]};
  for (auto [own, all] : llvm::zip(llvm::reverse(dimsOf(a.mask)), llvm::reverse(scores)))
    if (!own.isConstant(1))
      n.requireEqual(all, own);
}

/// Forms that only the body ONNX defines covers: sizes of heads that are not constant, a mask that is too short.
bool needsBody(const Attention &a) {
  if (!dimsOf(a.q)[3].getConstant() || !dimsOf(a.v)[3].getConstant())
    return true;
  if (!a.mask || rankOf(a.mask) < 1)
    return a.mask != nullptr;
  auto width = dimsOf(a.mask).back().getConstant(), keys = dimsOf(a.k)[2].getConstant();
  return width && keys && *width != *keys && *width != 1;
}

/// Counts of valid keys, windows and the output of scores are left to the body ONNX defines.
LogicalResult importAttention(NodeImporter &n) {
  Attention a;
  Value q = n.input(0), k = n.input(1), v = n.input(2);
  if (!q || !k || !v || (n.hasInput(3) && !n.optionalInput(3)))
    return failure();
  a.mask = n.optionalInput(3);
  int64_t heads = n.intAttr("q_num_heads", 0), keyHeads = n.intAttr("kv_num_heads", 0);
  bool isFlat = rankOf(q) == 3;
  bool hasWindow = n.intAttr("left_window_size", -1) >= 0 || n.intAttr("right_window_size", -1) >= 0;
  if (!typeOf(q).getElementType().isF32() || n.hasInput(6) || n.wantsOutput(3) || hasWindow)
    return n.inlineBody();
  a.q = headsFirst(n, q, heads);
  a.k = headsFirst(n, k, keyHeads);
  a.v = headsFirst(n, v, keyHeads);
  if (!a.q || !a.k || !a.v || failed(joinPast(n, a)))
    return failure();
  if (needsBody(a))
    return n.inlineBody();
  requireExtents(n, a);
  double scale = n.floatAttr("scale", 1 / std::sqrt(double(std::max<int64_t>(*dimsOf(a.q)[3].getConstant(), 1))));
  DimAttr causal = n.intAttr("is_causal", 0) == 0 ? DimAttr() : a.past ? a.past : n.dim(0);
  Value y = n.create<AttentionOp>(a.q, a.k, a.v, a.mask, APFloat(scale), APFloat(n.floatAttr("softcap", 0)), causal);
  if (y && isFlat) {
    auto dims = dimsOf(y);
    y = n.create<TransposeOp>(y, ArrayRef<int64_t>{0, 2, 1, 3});
    y = n.reshape(y, {dims[0], dims[2], dims[1] * dims[3]});
  }
  if (failed(n.setOutput(0, y)) || failed(n.setOutput(1, a.k)))
    return failure();
  return n.setOutput(2, a.v);
}

/// The angles of every row, [B, S, R / 2].
Value gatherAngles(NodeImporter &n, size_t cache) {
  Value table = n.input(cache), positions = n.optionalInput(3);
  if (!table || (n.hasInput(3) && !positions))
    return {};
  if (positions)
    table = n.create<GatherOp>(table, positions, 0);
  if (table && rankOf(table) != 3) {
    n.error(Code::WrongOperands) << "the angles must be [batch, sequence, rotary / 2], got " << typeOf(table);
    return {};
  }
  return table;
}

/// The first rows * columns elements of the last dimension, as a matrix of that many rows, transposed.
Value swapPairs(NodeImporter &n, Value x, int64_t rows, int64_t columns) {
  if (!x)
    return {};
  auto dims = dimsOf(x);
  int64_t rotated = rows * columns, size = *dims.back().getConstant(), rank = rankOf(x);
  auto slice = [&](int64_t start, int64_t count) -> Value {
    Dims starts(dims.size(), n.dim(0)), extents = dims;
    starts.back() = n.dim(start);
    extents.back() = n.dim(count);
    auto type = getTensorType(extents, typeOf(x).getElementType());
    return n.createTyped<SliceOp>(type, x, ShapeAttr::get(n.context, starts), Ints(dims.size(), 1));
  };
  Value rest = rotated < size ? slice(rotated, size - rotated) : Value();
  Value turned = rotated < size ? slice(0, rotated) : x;
  Dims matrix(dims.begin(), dims.end() - 1), flat = matrix;
  matrix.append({n.dim(rows), n.dim(columns)});
  flat.push_back(n.dim(rotated));
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, rank + 1));
  std::swap(perm[size_t(rank) - 1], perm[size_t(rank)]);
  turned = n.reshape(turned, matrix);
  turned = n.reshape(turned ? n.create<TransposeOp>(turned, perm) : Value(), flat);
  return turned && rest ? n.create<ConcatOp>(ValueRange{turned, rest}, rank - 1) : turned;
}

LogicalResult importRotaryEmbedding(NodeImporter &n) {
  Value x = n.input(0), cos = gatherAngles(n, 1), sin = cos ? gatherAngles(n, 2) : Value();
  if (!x || !cos || !sin)
    return failure();
  bool isFlat = rankOf(x) == 3;
  if (!isFlat && rankOf(x) != 4)
    return n.error(Code::WrongOperands) << "the operand must have rank 3 or 4, got " << rankOf(x);
  auto type = typeOf(x);
  if (isFlat && !(x = splitHeads(n, x, n.intAttr("num_heads", 0))))
    return failure();
  auto size = dimsOf(x)[3], half = dimsOf(cos)[2];
  int64_t rotary = n.intAttr("rotary_embedding_dim", 0);
  DimAttr rotated = rotary == 0 ? size : n.dim(rotary);
  if ((half * 2 - rotated).getConstant().value_or(0) != 0)
    return n.error(Code::ShapeMismatch) << "the angles must be half of the rotated elements, got " << typeOf(cos)
                                        << " for " << typeOf(x);
  if (!half.getConstant() && !rotated.getConstant())
    return n.error(Code::UnsupportedForm) << "the rotated elements must be constant, got " << typeOf(x);
  // What one of the two leaves open, the other tells.
  const int64_t pairs = half.getConstant() ? *half.getConstant() : *rotated.getConstant() / 2;
  n.requireEqual(half, n.dim(pairs), "angles for half of the rotated elements");
  if (rotary == 0) {
    n.requireEqual(size, n.dim(2 * pairs), "angles for half of the rotated elements");
    Dims stated = dimsOf(x);
    stated[3] = n.dim(2 * pairs);
    x = n.reshape(x, stated);
  } else if (!size.getConstant()) {
    return n.error(Code::UnsupportedForm) << "the elements of a head must be constant, got " << typeOf(x);
  }
  auto dims = dimsOf(cos);
  dims[2] = n.dim(pairs);
  for (unsigned i : {0u, 1u})
    n.requireEqual(dims[i], dimsOf(x)[i == 0 ? 0 : isFlat ? 1 : 2]);
  dims.insert(dims.begin() + (isFlat ? 2 : 1), n.dim(1));
  cos = n.reshape(cos, dims);
  sin = n.reshape(sin, dims);
  bool isInterleaved = n.intAttr("interleaved", 0) != 0;
  if (isInterleaved)
    x = swapPairs(n, x, pairs, 2);
  Value y = x && cos && sin ? n.create<RotaryEmbeddingOp>(x, cos, sin) : Value();
  if (isInterleaved)
    y = swapPairs(n, y, 2, pairs);
  return n.setOutput(n.reshape(y, getDims(type)));
}

} // namespace

void addAttentionRules(Registry &r) {
  r.add("Attention", 23, importAttention);
  r.add("RotaryEmbedding", 23, importRotaryEmbedding);
}

} // namespace tenon::importer
