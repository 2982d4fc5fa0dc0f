#include "monitor/processes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

std::string read_text(const std::string& path) {
  auto text = read_file(path);
  return text ? std::move(*text) : std::string();
}

double number(std::string_view text) { return parse_number(trim(text)).value_or(std::nan("")); }

/// The fields of a stat file from the third on; the second is a name that may hold anything.
std::vector<std::string_view> stat_fields(std::string_view text) {
  const std::size_t end = text.rfind(')');
  if (end == std::string_view::npos) return {};
  return split(trim(text.substr(end + 1)), ' ');
}

// Positions there, by proc(5): utime is field 14, stime 15, starttime 22, rss 24.
constexpr std::size_t utime = 11, stime = 12, start = 19, resident = 21;

double used_ticks(const std::vector<std::string_view>& fields) {
  return fields.size() > stime ? number(fields[utime]) + number(fields[stime]) : std::nan("");
}

double ticks_per_second() { return static_cast<double>(::sysconf(_SC_CLK_TCK)); }

/// True for an option whose value is nobody's business.
bool names_secret(std::string_view word) {
  const std::string name = lower(word);
  // As whole words: --max-tokens and --tokenizer are no secrets.
  for (const std::string_view part :
       {"api-key", "api_key", "apikey", "password", "passwd", "secret", "auth-token", "auth_token",
        "hf-token", "hf_token", "access-token", "access_token"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return name == "--token" || name.starts_with("--token=");
}

/// The root of all pid namespaces has this number in every kernel (PROC_PID_INIT_INO).
constexpr std::string_view host_pid_namespace = "pid:[4026531836]";

/// Threads are many; all of them are read in every fifth round.
constexpr std::uint64_t thread_rounds = 5;

}  // namespace

std::string shown_command(std::string_view nul_separated) {
  std::string text;
  bool hides_next = false;
  for (const std::string_view word : split(nul_separated, '\0')) {
    if (word.empty()) continue;
    if (!text.empty()) text += ' ';
    const std::size_t equals = word.find('=');
    if (hides_next) {
      text += "***";
      hides_next = false;
    } else if (names_secret(word) && equals != std::string_view::npos) {
      text += std::string(word.substr(0, equals + 1)) + "***";
    } else {
      hides_next = word.starts_with("-") && names_secret(word);
      text += word;
    }
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return std::string(cut_utf8(text, 200));
}

ProcessTable::ProcessTable(std::string root) : root_(std::move(root)) {
  const std::string stat = read_text(root_ + "/proc/stat");
  if (const std::size_t at = stat.find("btime "); at != std::string::npos) {
    boot_time_s_ = number(stat.substr(at + 6, stat.find('\n', at) - at - 6));
  }
  std::error_code error;
  const auto link = std::filesystem::read_symlink(root_ + "/proc/self/ns/pid", error);
  is_own_namespace_ = !error && link.string() != host_pid_namespace;
  const std::string passwd = read_text(root_ + "/etc/passwd");
  for (const std::string_view line : split(passwd, '\n')) {
    const auto parts = split(line, ':');
    const auto uid = parts.size() > 2 ? parse_integer(parts[2]) : std::nullopt;
    if (uid) users_.emplace(*uid, parts[0]);
  }
}

void ProcessTable::begin_round() {
  std::erase_if(known_, [&](const auto& item) { return item.second.round != round_; });
  ++round_;
}

const ProcessFacts& ProcessTable::look_up(std::int64_t pid, Instant now) {
  Known& known = known_[pid];
  if (known.round != round_) {
    known.round = round_;
    read(pid, now, known);
  }
  return known.facts;
}

std::string ProcessTable::user_name(std::int64_t uid) {
  const auto found = users_.find(uid);
  return found != users_.end() ? found->second : format("{}", uid);
}

void ProcessTable::read(std::int64_t pid, Instant now, Known& known) {
  const std::string folder = format("{}/proc/{}", root_, pid);
  ProcessFacts& facts = known.facts;
  const std::string stat = read_text(folder + "/stat");
  const auto fields = stat_fields(stat);
  if (fields.size() <= resident) {
    known = Known{{}, known.round, 0, 0.0, {}, {}};
    facts.missing = is_own_namespace_
                        ? format(
                              "the driver names process {}, which is none of this container's: "
                              "drivers name processes as the host does (docker run --pid=host)",
                              pid)
                        : format("process {} has ended", pid);
    return;
  }
  const double started = number(fields[start]);
  if (known.start_ticks != started) known = Known{{}, known.round, 0, started, {}, {}};
  facts.missing.clear();
  struct stat status {};
  if (::stat(folder.c_str(), &status) == 0) facts.user = user_name(status.st_uid);
  if (facts.command.empty()) {
    facts.command = shown_command(read_text(folder + "/cmdline"));
    if (facts.command.empty()) facts.command = trim(read_text(folder + "/comm"));
  }
  facts.start_time_s = boot_time_s_ + started / ticks_per_second();
  facts.memory_bytes = number(fields[resident]) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  const double ticks = used_ticks(fields);
  facts.cores = std::nan("");
  if (happened(known.all.at) && now > known.all.at) {
    facts.cores = (ticks - known.all.ticks) / ticks_per_second() / to_s(now - known.all.at);
  }
  known.all = {ticks, now};
  // The first two rounds make a difference; it stands until there is a newer one.
  if (known.rounds == 0) facts.busiest_thread_cores = std::nan("");
  if (known.rounds < 2 || known.rounds % thread_rounds == 0) read_threads(folder, now, known);
  ++known.rounds;
}

void ProcessTable::read_threads(const std::string& folder, Instant now, Known& known) {
  std::map<std::string, Ticks> threads;
  double most = std::nan("");
  std::error_code error;
  // Not a range: a thread that ends meanwhile must not throw.
  std::filesystem::directory_iterator entry(folder + "/task", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string stat = read_text(entry->path().string() + "/stat");
    const double ticks = used_ticks(stat_fields(stat));
    if (!std::isfinite(ticks)) continue;
    const std::string thread = entry->path().filename();
    threads[thread] = {ticks, now};
    const auto before = known.threads.find(thread);
    if (before == known.threads.end() || now <= before->second.at) continue;
    const double cores =
        (ticks - before->second.ticks) / ticks_per_second() / to_s(now - before->second.at);
    if (!(most >= cores)) most = cores;
  }
  known.threads = std::move(threads);
  known.facts.busiest_thread_cores = most;
}

void ProcessTable::describe(std::int64_t pid, Instant now, Subject& subject) {
  const ProcessFacts& facts = look_up(pid, now);
  subject.labels.emplace_back("pid", format("{}", pid));
  subject.labels.emplace_back("user", facts.user);
  subject.labels.emplace_back("command", facts.command);
  const auto add = [&](const Quantity& quantity, double value) {
    if (!facts.missing.empty()) {
      subject.miss(quantity, facts.missing);
    } else if (std::isfinite(value)) {
      subject.add(quantity, value);
    } else {
      subject.miss(quantity, "it is a difference of two readings");
    }
  };
  add(quantity::process_cpu, facts.cores);
  add(quantity::process_busiest_thread, facts.busiest_thread_cores);
  add(quantity::process_memory, facts.memory_bytes);
  add(quantity::process_start_time, facts.start_time_s);
}

}  // namespace tacho
