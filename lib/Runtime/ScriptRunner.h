//===- ScriptRunner.h - Runs the script of a plan --------------------------===//
#ifndef TENON_LIB_RUNTIME_SCRIPTRUNNER_H
#define TENON_LIB_RUNTIME_SCRIPTRUNNER_H

#include "FunctionRunner.h"
#include "tenon/Runtime/Value.h"

#include <memory>
#include <unordered_map>

namespace tenon::runtime {

/// A verified script. Thread-safe: each run has values of its own, which go when they were read for the last time.
class ScriptRunner {
public:
  /// `functions` of the same plan, in its order; they must outlive the runner.
  ScriptRunner(const plan::Script &script, std::span<const std::unique_ptr<FunctionRunner>> functions);

  std::vector<TensorInfo> inputs, outputs;

  /// Inputs in model order. TN7018 for one of the wrong kind, TN7005 to TN7007 and TN7014 for a wrong tensor.
  Expected<std::vector<Value>> run(std::span<const Value> inputs, Profile *profile) const;

private:
  using Values = std::vector<Value>;
  struct Run {
    Values values; ///< by number
    Profile *profile;
  };

  void findLastReads(const plan::Block &block);
  Status checkInputs(std::span<const Value> inputs) const;
  Status runBlock(const plan::Block &block, Run &run) const;
  Status runStep(const plan::ScriptStep &step, Run &run) const;
  Status call(const plan::Call &call, Run &run) const;
  Status callHost(const plan::Host &host, Run &run) const;
  Status branch(const plan::Branch &branch, Run &run) const;
  Status repeat(const plan::Repeat &repeat, Run &run) const;

  const plan::Script &script;
  std::span<const std::unique_ptr<FunctionRunner>> functions;
  std::unordered_map<const plan::ScriptStep *, std::vector<uint32_t>> lastReads; ///< values of the step's own block
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_SCRIPTRUNNER_H
