#include "monitor/program_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

extern char** environ;

namespace tacho {
namespace {

/// Between two looks at whether to stop.
constexpr int look_ms = 100;
constexpr std::size_t most_bytes = 4 << 20;

/// Starts the program with its output in the pipe, and nothing else of ours; 0 or an errno.
int spawn(const std::vector<std::string>& words, const int pipe_ends[2], pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int code = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

}  // namespace

Result<std::string> ProgramOutput::run(const std::vector<std::string>& words, Duration limit) {
  int ends[2];
  if (is_interrupted_) return world_error(words[0] + " was not run");
  if (::pipe2(ends, O_CLOEXEC) != 0) return world_error(std::strerror(errno));
  pid_t pid = 0;
  const int code = spawn(words, ends, pid);
  ::close(ends[1]);
  if (code != 0) {
    ::close(ends[0]);
    return world_error(format("cannot run {}: {}", words[0], std::strerror(code)));
  }
  std::string text;
  const Instant deadline = monotonic_now() + limit;
  bool is_whole = false;
  while (!is_whole && !is_interrupted_ && monotonic_now() < deadline && text.size() < most_bytes) {
    pollfd ready{ends[0], POLLIN, 0};
    if (::poll(&ready, 1, look_ms) <= 0) continue;
    char buffer[16384];
    const ssize_t got = ::read(ends[0], buffer, sizeof buffer);
    is_whole = got == 0;
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  if (!is_whole) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!is_whole)
    return world_error(format("{} gave no whole answer in {} s", words[0], to_s(limit)));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return world_error(format("{} failed", join(words, " ")));
  }
  return text;
}

}  // namespace tacho
