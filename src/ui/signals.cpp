#include "ui/signals.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

/// When the process with that number began, seconds since 1970, by /proc; NaN when it is not
/// there. The fields are counted behind the name, which may hold anything but ends with the last
/// bracket (proc(5)).
double start_time_s(int pid) {
  const auto stat = read_file(format("/proc/{}/stat", pid));
  const auto system = read_file("/proc/stat");
  if (!stat || !system) return std::nan("");
  const std::size_t bracket = stat->rfind(')');
  const std::size_t boot = system->find("\nbtime ");
  if (bracket == std::string::npos || boot == std::string::npos) return std::nan("");
  const auto fields = split(std::string_view(*stat).substr(bracket + 2), ' ');
  if (fields.size() < 20) return std::nan("");
  const double ticks = parse_number(fields[19]).value_or(std::nan(""));
  const std::size_t end = system->find('\n', boot + 1);
  const std::string_view since = std::string_view(*system).substr(boot + 7, end - boot - 7);
  return parse_number(since).value_or(std::nan("")) +
         ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// The start time that the snapshot has of the process, or NaN.
double known_start_s(const Snapshot& snapshot, int pid) {
  for (const Subject& subject : snapshot.subjects) {
    const bool is_it =
        subject.kind == SubjectKind::process && label(subject.labels, "pid") == format("{}", pid);
    if (is_it) return subject.value(quantity::process_start_time);
  }
  return std::nan("");
}

/// Sends it; "" or why not. The descriptor stands for the process, whatever its number means later.
std::string send_one(const Snapshot& snapshot, int signal, int pid) {
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) return format("{}: {}", pid, std::strerror(errno));
  const double known = known_start_s(snapshot, pid), now = start_time_s(pid);
  std::string why;
  if (std::isnan(known) || std::isnan(now)) {
    why = format("{} cannot be seen from here", pid);
  } else if (std::abs(known - now) > 2.0) {
    why = format("{} is another process now", pid);
  } else if (::syscall(SYS_pidfd_send_signal, descriptor, signal, nullptr, 0) != 0) {
    why = format("{}: {}", pid, std::strerror(errno));
  }
  ::close(descriptor);
  return why;
}

}  // namespace

std::string send_signals(const Snapshot& snapshot, int signal, const std::vector<int>& pids) {
  std::vector<std::string> troubles;
  for (const int pid : pids) {
    std::string why = send_one(snapshot, signal, pid);
    if (!why.empty()) troubles.push_back(std::move(why));
  }
  const std::size_t sent = pids.size() - troubles.size();
  const std::string name = signal == SIGINT ? "SIGINT" : signal == SIGKILL ? "SIGKILL" : "SIGTERM";
  std::string text = format("{} sent to {} {}", name, sent, sent == 1 ? "process" : "processes");
  return troubles.empty() ? text : text + "; not to " + join(troubles, ", ");
}

}  // namespace tacho
