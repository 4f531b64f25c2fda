//===- Names.cpp - Unique identifiers -------------------------------------===//
#include "Names.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace tenon::codegen::cuda {

/// Keywords, and names that kernels call or that are macros on the host.
static bool isReserved(llvm::StringRef name) {
  static const llvm::StringSet<> reserved = {
      "abs",      "alignas",  "and",     "asm",       "auto",      "bool",      "break",    "case",     "ceil",
      "char",     "class",    "const",   "continue",  "cos",       "default",   "delete",   "do",       "double",
      "else",     "enum",     "erf",     "exp",       "explicit",  "extern",    "false",    "float",    "floor",
      "for",      "friend",   "goto",    "half",      "if",        "inline",    "int",      "log",      "long",
      "max",      "maximum",  "min",     "minimum",   "mutable",   "namespace", "new",      "not",      "operator",
      "or",       "pow",      "private", "protected", "public",    "register",  "return",   "round",    "shared",
      "short",    "signed",   "sin",     "sizeof",    "sqrt",      "static",    "struct",   "switch",   "tan",
      "tanh",     "template", "this",    "throw",     "true",      "try",       "typedef",  "typename", "union",
      "unsigned", "using",    "virtual", "void",      "volatile",  "while",     "xor",      "linux",    "unix",
      "Index",    "Vector",   "gridDim", "blockDim",  "threadIdx", "blockIdx",  "warpSize", "NULL",     "bfloat16",
      "infinity", "shuffle",  "device",  "l",         "clock",     "trunc",     "rint",     "y0",       "y1",
      "yn",       "j0",       "j1",      "jn",        "gamma",     "asin",      "acos",     "atan",     "sinh",
      "cosh",     "asinh",    "acosh",   "atanh",     "expm1",     "log1p",     "exp2",     "log2",     "log10",
      "cbrt",     "fma",      "fmod",    "fabs"};
  return reserved.contains(name);
}

std::string toIdentifier(llvm::StringRef text) {
  std::string name;
  for (char c : text)
    name += llvm::isAlnum(c) ? c : '_';
  if (name.empty() || llvm::isDigit(name[0]) || name[0] == '_')
    name = "v" + name;
  if (llvm::StringRef(name).contains("__")) // reserved to the implementation
    for (size_t at; (at = name.find("__")) != std::string::npos;)
      name.erase(at, 1);
  return isReserved(name) ? name + "_" : name;
}

std::string Names::unique(llvm::StringRef wanted) {
  std::string base = toIdentifier(wanted), name = base;
  for (unsigned &count = used[base]; count > 0;) {
    name = base + std::to_string(count++);
    if (!used.contains(name))
      break;
  }
  ++used[name];
  return name;
}

} // namespace tenon::codegen::cuda
