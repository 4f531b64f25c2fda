//===- PythonChild.cpp - A Python that has ONNX Runtime -------------------===//
#include "PythonChild.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include <cstdlib>
#include <optional>

using llvm::StringRef;

namespace tenon::tools {

static std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

PythonChild findPython() {
  if (std::string named = variable("TENON_PYTHON"); !named.empty())
    return {llvm::sys::fs::can_execute(named) ? named : ""};
  std::string deps = variable("TENON_DEPS");
  if (deps.empty())
    deps = variable("HOME") + "/.cache/tenon";
  if (std::string inVenv = deps + "/venv/bin/python"; llvm::sys::fs::can_execute(inVenv))
    return {inVenv};
  const auto found = llvm::sys::findProgramByName("python3");
  return {found ? *found : ""};
}

/// Runs a program with stdout and stderr in files; -1 where it could not be started.
static int execute(const PythonChild &python, llvm::ArrayRef<StringRef> arguments, StringRef out, StringRef err) {
  llvm::SmallVector<StringRef> all{python.path};
  all.append(arguments.begin(), arguments.end());
  const std::optional<StringRef> redirects[] = {StringRef(""), out, err};
  return llvm::sys::ExecuteAndWait(python.path, all, std::nullopt, redirects);
}

static std::string contents(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().trim().str() : "";
}

std::string moduleVersion(const PythonChild &python, StringRef module) {
  llvm::SmallString<128> file;
  if (llvm::sys::fs::createTemporaryFile("tenon", "txt", file))
    return "";
  const std::string program = ("import importlib.metadata as m; print(m.version('" + module + "'))").str();
  const int status = execute(python, {"-c", program}, file, "");
  std::string version = status == 0 ? contents(file) : "";
  llvm::sys::fs::remove(file);
  return version;
}

int runPython(const PythonChild &python, StringRef script, llvm::ArrayRef<std::string> arguments, StringRef folder,
              std::string &message) {
  const std::string errors = (folder + "/stderr.txt").str();
  llvm::SmallVector<StringRef> all{script};
  all.append(arguments.begin(), arguments.end());
  const int status = execute(python, all, "", errors);
  message = StringRef(contents(errors)).rsplit('\n').second.str();
  if (message.empty())
    message = contents(errors);
  return status;
}

} // namespace tenon::tools
