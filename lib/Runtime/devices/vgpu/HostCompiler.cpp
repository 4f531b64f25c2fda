//===- HostCompiler.cpp - Kernels compiled for the host -------------------===//
#include "tenon/Runtime/DeviceHeaders.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace tenon {

static bool readFile(const std::string &path, std::string &text) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return false;
  text.assign(std::istreambuf_iterator<char>(file), {});
  return true;
}

static bool writeFile(const std::string &path, const std::string &text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  return static_cast<bool>(file.flush());
}

std::string writeDeviceHeaders(const std::string &directory) {
  for (const DeviceHeader &header : deviceHeaders()) {
    std::filesystem::path path = std::filesystem::path(directory) / header.name;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::string present;
    if (readFile(path, present) && present == header.text)
      continue;
    // Renamed into place, for another process may be reading.
    std::string temporary = path.string() + "." + std::to_string(getpid());
    if (!writeFile(temporary, header.text) || rename(temporary.c_str(), path.c_str()) != 0)
      return "cannot write " + path.string() + ": " + strerror(errno);
  }
  return {};
}

namespace vgpu {

static bool isOnPath(const std::string &name) {
  const char *variable = getenv("PATH");
  std::string path = variable ? variable : "/usr/bin:/bin";
  for (size_t start = 0; start <= path.size();) {
    size_t end = std::min(path.find(':', start), path.size());
    if (access((path.substr(start, end - start) + "/" + name).c_str(), X_OK) == 0)
      return true;
    start = end + 1;
  }
  return false;
}

std::string findHostCompiler() {
  if (const char *named = getenv("TENON_HOST_CXX"); named && *named)
    return named;
  for (const char *name : {"clang++-22", "clang++", "g++"})
    if (isOnPath(name))
      return name;
  return {};
}

std::vector<std::string> hostCompileCommand(const std::string &compiler, const std::string &source,
                                            const std::string &object, const std::string &includeDirectory,
                                            const std::vector<std::string> &extra) {
  std::vector<std::string> command = {
      compiler, "-x", "c++", "-std=c++17", "-O2", "-march=x86-64-v3", "-fPIC", "-shared",
      // CUDA's usual reinterpret_cast between vector types is undefined in C++, and g++ makes use of that.
      "-fno-strict-aliasing", "-fno-math-errno", "-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables",
      "-fvisibility=hidden", "-Wl,--as-needed", "-Wno-unknown-pragmas", "-I" + includeDirectory, source, "-o", object};
  command.insert(command.end(), extra.begin(), extra.end());
  command.push_back("-lm");
  return command;
}

/// Runs a command with its messages in the file `log`; false unless it exits with 0.
static bool run(const std::vector<std::string> &command, const std::string &log) {
  std::vector<char *> argv;
  for (const std::string &word : command)
    argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child;
  int failure = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure) {
    writeFile(log, std::string(argv[0]) + ": " + strerror(failure) + "\n");
    return false;
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static std::string compileIn(const std::string &folder, const std::string &source, std::vector<char> &object,
                             const std::vector<std::string> &extra) {
  std::string compiler = findHostCompiler();
  if (compiler.empty())
    return "no C++ compiler for kernels of the virtual GPU: set TENON_HOST_CXX, or install clang++ or g++";
  if (std::string error = writeDeviceHeaders(folder); !error.empty())
    return error;
  std::string input = folder + "/kernel.cu", output = folder + "/kernel.so", log = folder + "/log", text;
  if (!writeFile(input, source))
    return "cannot write " + input;
  if (!run(hostCompileCommand(compiler, input, output, folder, extra), log)) {
    readFile(log, text);
    return "the host compiler failed on a kernel:\n" + text;
  }
  if (!readFile(output, text))
    return "cannot read " + output;
  object.assign(text.begin(), text.end());
  return {};
}

std::string compileForHost(const std::string &source, std::vector<char> &object,
                           const std::vector<std::string> &extra) try {
  const char *root = getenv("TMPDIR");
  std::string folder = std::string(root && *root ? root : "/tmp") + "/tenon-vgpu-XXXXXX";
  if (!mkdtemp(folder.data()))
    return "cannot create " + folder + ": " + strerror(errno);
  std::string error = compileIn(folder, source, object, extra);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return error;
} catch (const std::exception &failure) {
  return std::string("cannot compile a kernel for the host: ") + failure.what();
}

} // namespace vgpu
} // namespace tenon
