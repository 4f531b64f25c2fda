//===- Supervise.cpp - Work in a child process ----------------------------===//
#include "common/Supervise.h"

#include "common/Codes.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tenon::tools {

static constexpr int stopSignals[] = {SIGINT, SIGTERM, SIGHUP};

static Status makeScratch(std::string &folder) {
  const char *base = std::getenv("TMPDIR");
  folder = std::string(base && *base ? base : "/tmp") + "/tenon-XXXXXX";
  if (mkdtemp(folder.data()))
    return Status::success();
  return Status::error("TN9015", "cannot make '" + folder + "': " + std::strerror(errno), "",
                       "set TMPDIR to a folder that is writable and has space");
}

/// Where memory ends, nothing may be allocated any more.
[[noreturn]] static void outOfMemory() {
  static constexpr char text[] = "error: TN9011: there is not enough memory within the limit\n"
                                 "remedy: raise --max-memory, or use a machine with more memory\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
  _exit(ExitLimit);
}

static void limitMemory(uint64_t bytes) {
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { outOfMemory(); });
  if (bytes == 0)
    return;
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_DATA, &limit);
}

static int signalStatus(int number, const Report &report) {
  if (number == SIGPIPE) // whoever reads what is printed has had enough, as `head` does
    return 128 + SIGPIPE;
  if (number == SIGKILL)
    return report.fail(Status::error("TN9011", "the process was killed, most likely for using too much memory", "",
                                     "raise the memory limit, or use a machine with more memory"));
  return report.fail(Status::error("TN9012", std::string("the process ended by a signal: ") + strsignal(number), "",
                                   "this is a fault of Tenon: report it with the model and the command"));
}

/// As in a background job of a shell script, or under nohup: it stays so.
static bool isIgnored(int number) {
  struct sigaction action;
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// Waits for the child while stop signals are blocked; a stop signal is passed on and remembered in `stopped`.
static int await(pid_t child, const sigset_t &signals, int &stopped) {
  int status = 0;
  while (true) {
    const int number = sigwaitinfo(&signals, nullptr);
    if (number > 0 && number != SIGCHLD) {
      stopped = number;
      kill(child, number);
    }
    if (waitpid(child, &status, WNOHANG) == child)
      return status;
  }
}

[[noreturn]] static void runChild(pid_t parent, uint64_t maxMemory, const sigset_t &before,
                                  const std::function<int(const std::string &)> &work, const std::string &scratch) {
  sigprocmask(SIG_SETMASK, &before, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(ExitInternal);
  limitMemory(maxMemory);
  const int status = work(scratch);
  llvm::outs().flush();
  llvm::errs().flush();
  std::fflush(nullptr);
  _exit(status); // destructors of a compiler's context take long and free what the system frees at once
}

int supervise(const SuperviseOptions &options, const Report &report,
              const std::function<int(const std::string &)> &work) {
  std::string scratch;
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (int number : stopSignals)
    if (!isIgnored(number))
      sigaddset(&signals, number);
  signal(SIGCHLD, SIG_DFL); // an inherited SIG_IGN would hide how the child ended
  sigprocmask(SIG_BLOCK, &signals, &before);
  if (options.scratch)
    if (Status made = makeScratch(scratch); !made.ok())
      return report.fail(made);
  llvm::outs().flush();
  const pid_t parent = getpid(), child = fork();
  if (child == 0)
    runChild(parent, options.maxMemory, before, work, scratch);
  int stopped = 0, result = ExitInternal;
  const int status = child > 0 ? await(child, signals, stopped) : 0;
  if (!scratch.empty())
    llvm::sys::fs::remove_directories(scratch, /*IgnoreErrors=*/true);
  const bool isDone = WIFEXITED(status) && WEXITSTATUS(status) == 0; // the signal came too late
  if (stopped && !isDone) {
    signal(stopped, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    raise(stopped);
  }
  if (child < 0)
    return report.fail(Status::error("TN9011", std::string("cannot start a process: ") + std::strerror(errno), "",
                                     "end other programs"));
  if (WIFEXITED(status))
    result = WEXITSTATUS(status);
  else if (WIFSIGNALED(status))
    result = signalStatus(WTERMSIG(status), report);
  return result;
}

} // namespace tenon::tools
