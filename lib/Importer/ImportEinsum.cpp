//===- ImportEinsum.cpp - Sums of products by index labels -----------------===//
//
// Operands are joined one after the other. A label that no later operand and not the result has is summed as soon as it
// can be: where it is in both operands of a pair, by a matrix product. A label given twice in one operand is a
// diagonal.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// Labels of dimensions: letters, and the dimensions of an ellipsis from the right as 1, 2, ...
using Labels = SmallVector<int>;

bool isLetter(char ch) { return isalpha(static_cast<unsigned char>(ch)); }

struct Term {
  Value value;
  Labels labels;
};

class Einsum {
public:
  explicit Einsum(NodeImporter &n) : n(n), c{n} {}
  LogicalResult run();

private:
  LogicalResult parse();
  FailureOr<Labels> parseTerm(StringRef text, int64_t rank);
  Term takeDiagonals(Term t);
  Term sumAway(Term t, function_ref<bool(int)> isKept);
  Term order(Term t, const Labels &labels);
  Term join(Term x, Term y, function_ref<bool(int)> isKept);

  NodeImporter &n;
  Compose c;
  SmallVector<Term> terms;
  Labels result;
  int64_t ellipsis = 0; ///< the most dimensions that one stands for
};

FailureOr<Labels> Einsum::parseTerm(StringRef text, int64_t rank) {
  Labels labels;
  size_t letters = llvm::count_if(text, isLetter);
  for (size_t i = 0; i < text.size(); ++i) {
    if (isLetter(text[i])) {
      labels.push_back(text[i]);
    } else if (text.substr(i).starts_with("...")) {
      int64_t count = rank - int64_t(letters);
      for (int64_t k = count; k > 0; --k)
        labels.push_back(int(k));
      ellipsis = std::max(ellipsis, count);
      i += 2;
    } else if (text[i] != ' ') {
      return n.error(Code::WrongAttribute) << "equation: unexpected '" << text.substr(i, 1) << "'";
    }
  }
  if (int64_t(labels.size()) != rank)
    return n.error(Code::ShapeMismatch) << "equation: " << labels.size() << " labels for an operand of rank " << rank;
  return labels;
}

LogicalResult Einsum::parse() {
  std::string equation = n.stringAttr("equation", "");
  auto [left, right] = StringRef(equation).split("->");
  bool isImplicit = StringRef(equation).find("->") == StringRef::npos;
  SmallVector<StringRef> texts;
  left.split(texts, ',');
  if (texts.size() != n.getNumInputs())
    return n.error(Code::WrongAttribute) << "equation: " << texts.size() << " terms for " << n.getNumInputs()
                                         << " operands";
  std::map<int, int> uses;
  for (auto [i, text] : llvm::enumerate(texts)) {
    Value x = n.input(i);
    auto labels = x ? parseTerm(text, rankOf(x)) : FailureOr<Labels>(failure());
    if (failed(labels))
      return failure();
    for (int label : *labels)
      ++uses[label];
    terms.push_back({x, std::move(*labels)});
  }
  if (!isImplicit) {
    size_t letters = llvm::count_if(right, isLetter);
    auto labels = parseTerm(right, int64_t(letters) + (right.contains("...") ? ellipsis : 0));
    if (failed(labels))
      return failure();
    result = std::move(*labels);
  } else {
    for (int64_t k = ellipsis; k > 0; --k)
      result.push_back(int(k));
    for (auto [label, count] : uses)
      if (label >= 'A' && count == 1)
        result.push_back(label);
  }
  for (int label : result)
    if (!uses.count(label) || llvm::count(result, label) != 1)
      return n.error(Code::WrongAttribute) << "equation: a label of the result is not one of the operands'";
  return success();
}

/// [.., i, .., i, ..]: the elements off the diagonal are not read.
Term Einsum::takeDiagonals(Term t) {
  for (size_t i = 0; i < t.labels.size() && t.value; ++i)
    for (size_t j = t.labels.size(); j-- > i + 1;) {
      if (t.labels[i] != t.labels[j] || !t.value)
        continue;
      int64_t rank = rankOf(t.value);
      Dims dims = dimsOf(t.value);
      n.requireEqual(dims[i], dims[j]);
      Dims wanted = dims;
      wanted[j] = n.dim(1);
      // One index along j, the one of i; other dimensions keep theirs.
      Value index = c.iota(dims[i], c.i64(), rank, int64_t(i));
      t.value = c.gatherAlong(t.value, index, int64_t(j), /*broadcasts=*/true);
      wanted.erase(wanted.begin() + int64_t(j));
      t.value = n.reshape(t.value, wanted);
      t.labels.erase(t.labels.begin() + int64_t(j));
    }
  return t;
}

Term Einsum::sumAway(Term t, function_ref<bool(int)> isKept) {
  Ints axes;
  Labels rest;
  for (auto [i, label] : llvm::enumerate(t.labels))
    if (isKept(label))
      rest.push_back(label);
    else
      axes.push_back(int64_t(i));
  if (axes.empty())
    return t;
  return {c.reduce<ReduceSumOp>(t.value, axes, false), rest};
}

/// The dimensions permuted to `labels`; those that the term lacks become 1.
Term Einsum::order(Term t, const Labels &labels) {
  Ints perm;
  Dims dims;
  for (int label : labels) {
    const auto *at = llvm::find(t.labels, label);
    bool has = at != t.labels.end();
    if (has)
      perm.push_back(at - t.labels.begin());
    dims.push_back(has && t.value ? dimsOf(t.value)[size_t(at - t.labels.begin())] : n.dim(1));
  }
  return {n.reshape(c.transpose(t.value, perm), dims), labels};
}

/// The product of two terms, summed over the labels that both have and that are not kept.
Term Einsum::join(Term x, Term y, function_ref<bool(int)> isKept) {
  x = sumAway(x, [&](int label) { return isKept(label) || llvm::is_contained(y.labels, label); });
  y = sumAway(y, [&](int label) { return isKept(label) || llvm::is_contained(x.labels, label); });
  if (!x.value || !y.value)
    return {};
  Labels batch, rows, columns, summed;
  for (int label : x.labels)
    (!llvm::is_contained(y.labels, label) ? rows : isKept(label) ? batch : summed).push_back(label);
  for (int label : y.labels)
    if (!llvm::is_contained(x.labels, label))
      columns.push_back(label);
  auto joined = [](const Labels &a, const Labels &b, const Labels &d) {
    Labels all = a;
    all.append(b);
    all.append(d);
    return all;
  };
  x = order(x, joined(batch, rows, summed));
  y = order(y, joined(batch, summed, columns));
  if (!x.value || !y.value)
    return {};
  Dims xDims = dimsOf(x.value), yDims = dimsOf(y.value), shape;
  for (size_t i = 0; i < batch.size(); ++i)
    shape.push_back(xDims[i].isConstant(1) ? yDims[i] : xDims[i]);
  for (size_t i = 0; i < summed.size(); ++i)
    n.requireEqual(xDims[batch.size() + rows.size() + i], yDims[batch.size() + i]);
  auto fold = [&](const Term &t, size_t first, size_t second) {
    Dims dims = dimsOf(t.value), folded(dims.begin(), dims.begin() + int64_t(batch.size()));
    ArrayRef<DimAttr> rest = ArrayRef(dims).drop_front(batch.size());
    folded.push_back(product(n.context, rest.take_front(first)));
    folded.push_back(product(n.context, rest.slice(first, second)));
    return n.reshape(t.value, folded);
  };
  Value a = fold(x, rows.size(), summed.size()), b = fold(y, summed.size(), columns.size());
  // Without a sum it is an outer product.
  Value matrix = !a || !b ? Value() : summed.empty() ? c.mul(a, b) : n.create<MatMulOp>(a, b, false);
  shape.append(xDims.begin() + int64_t(batch.size()), xDims.begin() + int64_t(batch.size() + rows.size()));
  shape.append(yDims.end() - int64_t(columns.size()), yDims.end());
  return {n.reshape(matrix, shape), joined(batch, rows, columns)};
}

LogicalResult Einsum::run() {
  if (failed(parse()))
    return failure();
  Term all = takeDiagonals(terms[0]);
  for (size_t i = 1; i < terms.size() && all.value; ++i)
    all = join(all, takeDiagonals(terms[i]), [&](int label) {
      return llvm::is_contained(result, label) || llvm::any_of(ArrayRef(terms).drop_front(i + 1), [&](const Term &t) {
               return llvm::is_contained(t.labels, label);
             });
    });
  if (!all.value)
    return failure();
  return n.setOutput(order(sumAway(all, [&](int label) { return llvm::is_contained(result, label); }), result).value);
}

LogicalResult importEinsum(NodeImporter &n) { return Einsum(n).run(); }

} // namespace

void addEinsumRules(Registry &r) { r.add("Einsum", 12, importEinsum); }

} // namespace tenon::importer
