//===- Registry.h - The table (domain, op, since_version) -> rule ----------===//
#ifndef TENON_IMPORTER_REGISTRY_H
#define TENON_IMPORTER_REGISTRY_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/LogicalResult.h"
#include <string>
#include <tuple>
#include <vector>

namespace tenon::importer {

class NodeImporter;
/// Imports one node; on failure an error was emitted.
using Rule = llvm::LogicalResult (*)(NodeImporter &);

class Registry {
public:
  /// `rule` holds from version `since` of the domain until the next registered version. A null rule ends support: the
  /// body ONNX defines is inlined from there on.
  void add(llvm::StringRef op, int64_t since, Rule rule, llvm::StringRef domain = "");
  /// The rule of the newest version not above `opset`; null if there is none.
  Rule find(llvm::StringRef domain, llvm::StringRef op, int64_t opset) const;
  /// Domain, operator and version of every rule, those of other domains than ai.onnx only; sorted.
  std::vector<std::tuple<std::string, std::string, int64_t>> listOtherDomains() const;
  /// The table of all rules, built once.
  static const Registry &get();

private:
  llvm::StringMap<llvm::SmallVector<std::pair<int64_t, Rule>, 2>> rules;
};

// One function per category, each in the file of its name.
void addElementwiseRules(Registry &registry);
void addReductionRules(Registry &registry);
void addAttentionRules(Registry &registry);
void addCompositionRules(Registry &registry);
void addConstantRules(Registry &registry);
void addContribRules(Registry &registry);
void addContractionRules(Registry &registry);
void addDropoutRules(Registry &registry);
void addEinsumRules(Registry &registry);
void addFourierRules(Registry &registry);
void addIndexingRules(Registry &registry);
void addMovementRules(Registry &registry);
void addNormalizationRules(Registry &registry);
void addQuantizationRules(Registry &registry);
void addRecurrentRules(Registry &registry);
void addRegionRules(Registry &registry);
void addResizeRules(Registry &registry);
void addSamplingRules(Registry &registry);
void addSelectionRules(Registry &registry);
void addShapeRules(Registry &registry);
void addSliceRules(Registry &registry);
void addUnpoolRules(Registry &registry);
void addUnrolledRules(Registry &registry);
void addVectorizerRules(Registry &registry);
void addWindowRules(Registry &registry);

/// Whether a standard operator is computed on known elements where all of its operands have them.
bool isShapeArithmetic(llvm::StringRef op);
/// Tries to compute the node on known elements alone. True if its results were bound; an error emitted is failure.
llvm::FailureOr<bool> evaluateSymbolically(NodeImporter &node);

} // namespace tenon::importer

#endif // TENON_IMPORTER_REGISTRY_H
