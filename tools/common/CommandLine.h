//===- CommandLine.h - Options of one subcommand --------------------------===//
//
// Options are written --name=value or --name value, -o FILE, -O2. Anything unknown is a usage error (TN9002), a bad
// value is TN9003. No global state: a subcommand declares its options over its own variables and parses.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TOOLS_COMMON_COMMANDLINE_H
#define TENON_TOOLS_COMMON_COMMANDLINE_H

#include "tenon/Plan/Status.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <functional>
#include <string>
#include <vector>

namespace tenon::tools {

class CommandLine {
public:
  /// `operand` names the positional argument ("MODEL.onnx"); at most one is taken, none where it is empty.
  CommandLine(llvm::StringRef command, llvm::StringRef operand, llvm::StringRef summary, bool operandRequired = true)
      : command(command), operandName(operand), summary(summary), operandRequired(operandRequired) {}

  /// Receives the text after '='; returns an error to refuse it.
  using Setter = std::function<Status(llvm::StringRef)>;

  /// Declares --name=PLACEHOLDER, or a flag where the placeholder is empty.
  void option(llvm::StringRef name, llvm::StringRef placeholder, llvm::StringRef help, Setter set);
  void flag(llvm::StringRef name, llvm::StringRef help, bool &value);
  void text(llvm::StringRef name, llvm::StringRef placeholder, llvm::StringRef help, std::string &value);
  /// May be repeated.
  void texts(llvm::StringRef name, llvm::StringRef placeholder, llvm::StringRef help, std::vector<std::string> &values);
  /// An integer in [min, max].
  void number(llvm::StringRef name, llvm::StringRef help, int64_t &value, int64_t min, int64_t max);
  /// A finite number that is not negative.
  void real(llvm::StringRef name, llvm::StringRef placeholder, llvm::StringRef help, double &value);
  /// One of `values`.
  void choice(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> values, llvm::StringRef help, std::string &value);
  /// -O0 to -O3.
  void optimization(unsigned &value);

  /// Parses the arguments after the subcommand's name.
  Status parse(llvm::ArrayRef<const char *> arguments);

  const std::string &operand() const { return operandValue; }
  /// Whether --help was given; nothing else is checked then.
  bool helpWanted() const { return help; }
  void printHelp(llvm::raw_ostream &out) const;

private:
  struct Option {
    std::string name, placeholder, help;
    Setter set;
    bool attached = false; ///< -O2: the value follows without '='
  };
  const Option *find(llvm::StringRef name) const;
  Status unknown(llvm::StringRef argument, llvm::StringRef name) const;
  Status parseOption(llvm::ArrayRef<const char *> &rest);
  Status takeOperand(llvm::StringRef argument);

  std::string command, operandName, summary, operandValue;
  bool operandRequired, help = false;
  std::vector<Option> options;
};

/// TN9007 where a file that `option` names would replace a device, a pipe or a folder. "-" is stdout.
Status checkOutput(llvm::StringRef path, llvm::StringRef option = "-o");

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_COMMANDLINE_H
