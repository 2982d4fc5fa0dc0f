#include "cli/calibrate_level.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/cores.h"
#include "base/text.h"
#include "net/fetch.h"
#include "record/journal.h"
#include "report/run_data.h"

namespace tacho {
namespace {

constexpr double requests_wanted = 200.0;
constexpr double tokens_min = 10.0;
constexpr double answer_s_max = 2.0;

/// How another `tacho` ended, and what it said on standard error.
struct Ended {
  int code = 0;
  std::string words;
};

[[noreturn]] void become(std::vector<char*>& argv, int errors) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

/// Runs tacho with these words to its end. An interrupt reaches it as it reaches us.
Result<Ended> run_tacho(std::vector<std::string> words) {
  words.insert(words.begin(), "tacho");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return world_error(format("cannot start a level: {}", std::strerror(errno)));
  const pid_t process = ::fork();
  if (process == 0) become(argv, ends[1]);
  const int failure = errno;
  ::close(ends[1]);
  Ended ended;
  char piece[4096];
  for (ssize_t n = 1; process > 0 && n != 0;) {
    n = ::read(ends[0], piece, sizeof piece);
    if (n < 0 && errno != EINTR) break;
    if (n < 0) ::kill(process, SIGINT);  // We were told to stop, perhaps we alone.
    if (n > 0) ended.words.append(piece, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  if (process < 0) return world_error(format("cannot start a level: {}", std::strerror(failure)));
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) ::kill(process, SIGINT);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

std::vector<std::string> bench_words(std::uint32_t streams, LevelShape shape,
                                     const LevelSettings& settings, const std::string& directory) {
  std::vector<std::string> words{"bench",
                                 "--url",
                                 settings.url,
                                 "--out",
                                 directory,
                                 "--concurrency",
                                 std::to_string(streams),
                                 "--num-prompts",
                                 std::to_string(streams * shape.rounds),
                                 "--warmup",
                                 std::to_string(streams),
                                 "--input-tokens",
                                 "16",
                                 "--output-tokens",
                                 std::to_string(shape.tokens),
                                 "--threads",
                                 std::to_string(settings.threads),
                                 "--no-ready-check",
                                 "--quiet"};
  if (!settings.stamps.empty()) words.insert(words.end(), {"--stamps", settings.stamps});
  return words;
}

Result<std::unordered_map<std::string, TrueTimes>> take_truths(const std::string& url) {
  FetchRequest request;
  request.url = url + "/sim/truth";
  request.timeout = std::chrono::minutes(2);
  auto reply = fetch(request);
  if (!reply) return reply.error();
  auto truths = read_truths(reply->body);
  request.url = url + "/sim/reset";
  request.method = "POST";
  if (auto reset = fetch(request); !reset) return reset.error();
  return truths;
}

[[noreturn]] void spin(const std::vector<int>& cores) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGINT, SIG_IGN);  // Ends with its owner.
  keep_on_cores(cores);
  for (volatile unsigned turns = 0;;) turns = turns + 1;
}

}  // namespace

LevelShape shape_of_level(std::uint32_t streams, double rate, double seconds) {
  const double tokens = std::clamp(streams * rate * seconds / requests_wanted, tokens_min,
                                   std::max(tokens_min, std::min(answer_s_max, seconds) * rate));
  LevelShape shape;
  shape.tokens = static_cast<std::uint32_t>(std::lround(tokens));
  shape.rounds =
      static_cast<std::uint32_t>(std::max(1.0, std::ceil(rate * seconds / shape.tokens)));
  return shape;
}

Result<CalibrationLevel> run_level(std::uint32_t streams, const LevelSettings& settings) {
  const std::string directory = format("{}/{}", settings.folder, streams);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);  // Of an earlier try.
  const LevelShape shape = shape_of_level(streams, settings.rate, settings.seconds);
  auto ended = run_tacho(bench_words(streams, shape, settings, directory));
  if (!ended) return ended.error();
  // 1: every request failed, which is a verdict too.
  if (ended->code != 0 && ended->code != 1) {
    const auto words = trim(ended->words);
    return world_error(format("a level of {} streams ended with {}{}{}", streams, ended->code,
                              words.empty() ? "" : ": ", words));
  }
  auto truths = take_truths(settings.url);
  if (!truths) return truths.error();
  auto data = read_run(directory, {});
  if (!data) return data.error();
  const RunSummary run = summarize(*data);
  const Json own = data->manifest.instrument.value("0", Json::object());
  CalibrationLevel level = judge_level(run.cells.front(), json_number(own, "cpu_s"),
                                       from_s(1.0 / settings.rate), *truths);
  std::filesystem::remove_all(directory, ignored);
  return level;
}

Hog::Hog(const std::vector<int>& cores) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, cores.size()); ++i) {
    const pid_t process = ::fork();
    if (process == 0) spin(cores.empty() ? cores : std::vector<int>{cores[i]});
    if (process > 0) processes_.push_back(process);
  }
}

Hog::~Hog() {
  for (const pid_t process : processes_) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
}

}  // namespace tacho
