#include "cli/child_sim.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/cores.h"
#include "base/text.h"

namespace tacho {
namespace {

[[noreturn]] void become_sim(std::vector<char*>& argv, int output,
                             const std::vector<int>& our_cores) {
  // A group of its own: Ctrl-C is for us, who still want the answers in flight. And no life after
  // ours.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::vector<int> cores = usable_cores();
  std::erase_if(cores, [&](int core) {
    return std::find(our_cores.begin(), our_cores.end(), core) != our_cores.end();
  });
  keep_on_cores(cores);
  ::dup2(output, STDOUT_FILENO);
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

/// The child's first line, or what it said until its end.
std::string read_line(int descriptor) {
  std::string line;
  char c = 0;
  for (;;) {
    const ssize_t n = ::read(descriptor, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || c == '\n') return line;
    line += c;
  }
}

}  // namespace

Result<ChildSim> ChildSim::start(const std::vector<std::string>& arguments,
                                 const std::vector<int>& our_cores) {
  std::vector<std::string> words{"tacho", "sim", "--port", "0"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) {
    return world_error(format("cannot start the built-in engine: {}", std::strerror(errno)));
  }
  const pid_t process = ::fork();
  if (process == 0) become_sim(argv, pipe_ends[1], our_cores);
  ::close(pipe_ends[1]);
  if (process < 0) {
    ::close(pipe_ends[0]);
    return world_error(format("cannot start the built-in engine: {}", std::strerror(errno)));
  }
  const std::string line = read_line(pipe_ends[0]);
  ::close(pipe_ends[0]);
  const auto at = line.find("http://");
  if (at != std::string::npos) return ChildSim(process, line.substr(at));
  int status = 0;
  ::waitpid(process, &status, 0);
  // The child has already printed why.
  const bool is_input = WIFEXITED(status) && WEXITSTATUS(status) == 2;
  const std::string message = "the built-in engine did not start";
  return is_input ? input_error(message) : world_error(message);
}

ChildSim::ChildSim(ChildSim&& other) noexcept
    : process_(std::exchange(other.process_, -1)), url_(std::move(other.url_)) {}

ChildSim& ChildSim::operator=(ChildSim&& other) noexcept {
  std::swap(process_, other.process_);
  std::swap(url_, other.url_);
  return *this;
}

ChildSim::~ChildSim() {
  if (process_ <= 0) return;
  ::kill(process_, SIGTERM);
  ::waitpid(process_, nullptr, 0);
}

}  // namespace tacho
