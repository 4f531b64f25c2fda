//===- CommandLine.cpp - Options of one subcommand ------------------------===//
#include "common/CommandLine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include <cmath>

using llvm::StringRef;

namespace tenon::tools {

static std::string spell(StringRef name) { return (name.size() == 1 ? "-" : "--") + name.str(); }

static Status badValue(StringRef name, StringRef value, const std::string &expected) {
  return Status::error("TN9003", spell(name) + ": expected " + expected + ", found '" + value.str() + "'", "",
                       "give the option " + expected);
}

void CommandLine::option(StringRef name, StringRef placeholder, StringRef help, Setter set) {
  options.push_back({name.str(), placeholder.str(), help.str(), std::move(set), false});
}

void CommandLine::flag(StringRef name, StringRef help, bool &value) {
  option(name, "", help, [&value](StringRef) {
    value = true;
    return Status::success();
  });
}

void CommandLine::text(StringRef name, StringRef placeholder, StringRef help, std::string &value) {
  option(name, placeholder, help, [name, &value](StringRef text) {
    value = text.str();
    return text.empty() ? badValue(name, text, "a value") : Status::success();
  });
}

void CommandLine::texts(StringRef name, StringRef placeholder, StringRef help, std::vector<std::string> &values) {
  option(name, placeholder, help, [&values](StringRef text) {
    values.push_back(text.str());
    return Status::success();
  });
}

void CommandLine::number(StringRef name, StringRef help, int64_t &value, int64_t min, int64_t max) {
  option(name, "N", help, [=, &value](StringRef text) {
    if (text.getAsInteger(10, value) || value < min || value > max)
      return badValue(name, text, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return Status::success();
  });
}

void CommandLine::real(StringRef name, StringRef placeholder, StringRef help, double &value) {
  option(name, placeholder, help, [=, &value](StringRef text) {
    if (text.getAsDouble(value) || !std::isfinite(value) || value < 0)
      return badValue(name, text, "a number that is not negative");
    return Status::success();
  });
}

void CommandLine::choice(StringRef name, llvm::ArrayRef<StringRef> values, StringRef help, std::string &value) {
  std::vector<std::string> allowed;
  for (StringRef each : values)
    allowed.push_back(each.str());
  option(name, llvm::join(allowed, "|"), help, [=, &value](StringRef text) {
    if (!llvm::is_contained(allowed, text))
      return badValue(name, text, "one of " + llvm::join(allowed, ", "));
    value = text.str();
    return Status::success();
  });
}

void CommandLine::optimization(unsigned &value) {
  option("O", "0..3", "how much to optimise; 0 fuses nothing", [&value](StringRef text) {
    if (text.getAsInteger(10, value) || value > 3)
      return badValue("O", text, "a level from 0 to 3");
    return Status::success();
  });
  options.back().attached = true;
}

const CommandLine::Option *CommandLine::find(StringRef name) const {
  const auto found = llvm::find_if(options, [&](const Option &each) { return each.name == name; });
  return found == options.end() ? nullptr : &*found;
}

Status CommandLine::unknown(StringRef argument, StringRef name) const {
  std::string remedy = "see `tenon " + command + " --help`";
  unsigned best = name.size() / 2 + 1;
  for (const Option &each : options) {
    const unsigned distance = name.edit_distance(each.name);
    if (distance < best) {
      best = distance;
      remedy = "did you mean " + spell(each.name) + "? " + "See `tenon " + command + " --help`";
    }
  }
  return Status::error("TN9002", "unknown option '" + argument.str() + "'", "", remedy);
}

Status CommandLine::parseOption(llvm::ArrayRef<const char *> &rest) {
  const StringRef argument = rest.front();
  rest = rest.drop_front();
  auto [name, value] = argument.ltrim('-').split('=');
  bool hasValue = argument.contains('=');
  const bool dashes = argument.starts_with("--") == (name.size() > 1);
  const Option *option = dashes ? find(name) : nullptr;
  if (!option && !argument.starts_with("--") && argument.size() > 1) {
    option = find(argument.substr(1, 1)); // -O2
    if (option && !option->attached)
      option = nullptr;
    if (option) {
      value = argument.drop_front(2);
      hasValue = true;
    }
  }
  if (!option)
    return unknown(argument, name);
  if (option->placeholder.empty() && hasValue)
    return Status::error("TN9002", spell(option->name) + " takes no value, found '" + value.str() + "'");
  if (!option->placeholder.empty() && !hasValue) {
    if (rest.empty() || option->attached)
      return Status::error("TN9002", spell(option->name) + " needs a value: " + option->placeholder);
    value = rest.front();
    rest = rest.drop_front();
  }
  return option->set(value);
}

Status CommandLine::takeOperand(StringRef argument) {
  if (operandName.empty() || !operandValue.empty())
    return Status::error("TN9002", "unexpected argument '" + argument.str() + "'");
  operandValue = argument.str();
  return Status::success();
}

Status CommandLine::parse(llvm::ArrayRef<const char *> arguments) {
  help = llvm::any_of(arguments, [](StringRef each) { return each == "--help" || each == "-h"; });
  if (help)
    return Status::success();
  bool optionsEnded = false;
  while (!arguments.empty()) {
    const StringRef argument = arguments.front();
    if (!optionsEnded && argument.size() > 1 && argument.starts_with("-")) {
      if (argument != "--") {
        TENON_RETURN_IF_ERROR(parseOption(arguments));
        continue;
      }
      optionsEnded = true;
    } else {
      TENON_RETURN_IF_ERROR(takeOperand(argument));
    }
    arguments = arguments.drop_front();
  }
  if (operandRequired && !operandName.empty() && operandValue.empty())
    return Status::error("TN9002", "`tenon " + command + "` needs " + operandName);
  return Status::success();
}

void CommandLine::printHelp(llvm::raw_ostream &out) const {
  out << "usage: tenon " << command;
  if (!operandName.empty())
    out << ' ' << (operandRequired ? operandName : "[" + operandName + "]");
  out << (options.empty() ? "\n\n" : " [OPTION...]\n\n") << summary << "\n\n";
  for (const Option &each : options) {
    std::string left = spell(each.name);
    if (!each.placeholder.empty())
      left += (each.attached ? "" : each.name.size() == 1 ? " " : "=") + each.placeholder;
    out << "  " << llvm::left_justify(left, 34) << (left.size() >= 34 ? "\n" + std::string(36, ' ') : "") << each.help
        << '\n';
  }
}

Status checkOutput(StringRef path, StringRef option) {
  llvm::sys::fs::file_status status;
  if (path == "-" || llvm::sys::fs::status(path, status) || llvm::sys::fs::is_regular_file(status))
    return Status::success();
  return Status::error("TN9007", "'" + path.str() + "' exists and is not a regular file", "",
                       "choose another " + option.str());
}

} // namespace tenon::tools
