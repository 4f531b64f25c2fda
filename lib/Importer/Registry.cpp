//===- Registry.cpp - The table (domain, op, since_version) -> rule --------===//
#include "Registry.h"

#include "llvm/ADT/STLExtras.h"

namespace tenon::importer {

static std::string keyOf(llvm::StringRef domain, llvm::StringRef op) {
  return (domain == "ai.onnx" ? "" : domain.str()) + "\n" + op.str();
}

void Registry::add(llvm::StringRef op, int64_t since, Rule rule, llvm::StringRef domain) {
  auto &versions = rules[keyOf(domain, op)];
  versions.insert(llvm::upper_bound(versions, since, [](int64_t s, const auto &v) { return s < v.first; }),
                  {since, rule});
}

Rule Registry::find(llvm::StringRef domain, llvm::StringRef op, int64_t opset) const {
  auto it = rules.find(keyOf(domain, op));
  Rule rule = nullptr;
  if (it != rules.end())
    for (auto [since, candidate] : it->second)
      if (since <= opset)
        rule = candidate;
  return rule;
}

std::vector<std::tuple<std::string, std::string, int64_t>> Registry::listOtherDomains() const {
  std::vector<std::tuple<std::string, std::string, int64_t>> list;
  for (const auto &entry : rules)
    if (auto [domain, op] = entry.first().split('\n'); !domain.empty())
      list.emplace_back(domain, op, entry.second.front().first);
  llvm::sort(list);
  return list;
}

const Registry &Registry::get() {
  static const Registry registry = [] {
    Registry r;
    addElementwiseRules(r);
    addReductionRules(r);
    addAttentionRules(r);
    addCompositionRules(r);
    addConstantRules(r);
    addContribRules(r);
    addContractionRules(r);
    addDropoutRules(r);
    addEinsumRules(r);
    addFourierRules(r);
    addIndexingRules(r);
    addMovementRules(r);
    addNormalizationRules(r);
    addQuantizationRules(r);
    addRecurrentRules(r);
    addRegionRules(r);
    addResizeRules(r);
    addSamplingRules(r);
    addSelectionRules(r);
    addShapeRules(r);
    addSliceRules(r);
    addUnpoolRules(r);
    addUnrolledRules(r);
    addVectorizerRules(r);
    addWindowRules(r);
    return r;
  }();
  return registry;
}

} // namespace tenon::importer
