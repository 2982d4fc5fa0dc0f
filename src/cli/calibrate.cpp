// `tacho calibrate`: what this machine can carry, and at what error. Drives the built-in engine at
// rising numbers of streams, compares what was measured with what the engine did, and keeps the
// answer as a certificate that each later run names.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/cores.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/calibrate_level.h"
#include "cli/child_sim.h"
#include "cli/commands.h"
#include "record/certificate.h"
#include "record/manifest.h"

namespace tacho {
namespace {

/// Options of `tacho calibrate`, as typed.
struct CalibrateFlags {
  std::vector<std::uint32_t> streams;
  double seconds = 5.0, rate = 50.0;
  std::uint32_t threads = 0;
  std::string stamps;
  bool has_hog = false, is_json = false, is_quiet = false;
};

FlagTable calibrate_flags(CalibrateFlags& f) {
  FlagTable t;
  t.group("Load");
  t.integers({"--streams", "--concurrency"}, "N,N,…", f.streams,
             "Streams at a time, one level each. [default: 1, 32, 256, 1000, 2000, 4000 and so on, "
             "until one is not ok]");
  t.duration({"--seconds", "--duration"}, f.seconds,
             "About how long each level lasts. [default: 5s]");
  t.number({"--rate"}, "R", f.rate, "Tokens/s of each stream. [default: 50]");
  t.integer({"--threads"}, "N", f.threads, "Worker threads, as in bench. [default: cores - 1]");
  t.toggle(
      {"--hog"}, f.has_hog,
      "Afterwards run the highest level that was ok once more with a busy loop on the workers' "
      "cores: does it stay right, or say that it is not?");
  t.group("Output");
  t.toggle({"--json"}, f.is_json, "Print the certificate as JSON instead of a table.");
  t.toggle({"--quiet", "-q"}, f.is_quiet, "No progress on standard error.");
  return t;
}

std::atomic<bool> is_interrupted{false};

void on_interrupt(int) { is_interrupted = true; }

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

/// Lifts our limit of descriptors to what we may have; the engine's and bench's follow. The limit.
std::size_t lift_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// A folder of our own for run directories, gone when dropped.
class Workplace {
 public:
  static Result<Workplace> make() {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    std::string path = (error ? "/tmp" : parent.string()) + "/tacho-calibrate-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
      return world_error(format("cannot make a folder in '{}'; set TMPDIR", parent.string()));
    return Workplace(path);
  }
  Workplace(Workplace&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ~Workplace() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit Workplace(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// The levels that were run, and with `--hog` the last one.
struct Calibration {
  std::vector<CalibrationLevel> levels;
  std::vector<CalibrationLevel> hogged;
  std::string note;  ///< Why it went no further.
};

/// The level after this one, when none were named.
std::uint32_t next_streams(std::uint32_t last) {
  constexpr std::uint32_t first[] = {1, 32, 256, 1000};
  for (const std::uint32_t streams : first) {
    if (streams > last) return streams;
  }
  return 2 * last;
}

class Calibrator {
 public:
  Calibrator(const CalibrateFlags& flags, LevelSettings settings, std::size_t descriptors)
      : flags_(flags), settings_(std::move(settings)), descriptors_(descriptors) {}

  Result<Calibration> run() {
    const Status ran = flags_.streams.empty() ? run_rising() : run_named();
    // Interrupted, a level fails; what came before it stands.
    if (!ran && !is_interrupted) return ran.error();
    if (flags_.has_hog && !is_interrupted) {
      if (auto status = run_hogged(); !status && !is_interrupted) return status.error();
    }
    return result_;
  }

 private:
  Status run_rising() {
    for (std::uint32_t streams = next_streams(0); !is_interrupted;
         streams = next_streams(streams)) {
      if (!has_room(streams)) return Nothing{};
      auto level = try_level(streams);
      if (!level) return level.error();
      // Another program may have been in the way: it has a second chance.
      if (level->verdict != LevelVerdict::ok && !is_interrupted) level = try_level(streams);
      if (!level) return level.error();
      result_.levels.push_back(*level);
      if (level->verdict != LevelVerdict::ok) return Nothing{};
    }
    return Nothing{};
  }

  Status run_named() {
    for (const std::uint32_t streams : flags_.streams) {
      if (is_interrupted || !has_room(streams)) return Nothing{};
      auto level = try_level(streams);
      if (!level) return level.error();
      result_.levels.push_back(*level);
    }
    return Nothing{};
  }

  Status run_hogged() {
    std::uint32_t streams = result_.levels.empty() ? 0 : result_.levels.front().streams;
    for (const CalibrationLevel& level : result_.levels) {
      if (level.verdict == LevelVerdict::ok) streams = std::max(streams, level.streams);
    }
    if (streams == 0) return Nothing{};
    say("with a busy loop on the workers' cores:\n");
    const Hog hog(worker_cores(settings_.threads));
    auto level = try_level(streams);
    if (!level) return level.error();
    result_.hogged.push_back(*level);
    return Nothing{};
  }

  /// Both sides need a descriptor a stream, and a few more.
  bool has_room(std::uint32_t streams) {
    constexpr std::size_t others = 64;
    if (streams + others <= descriptors_) return true;
    result_.note = format("{} streams need more than the {} descriptors allowed here (ulimit -n)",
                          grouped(streams), grouped(static_cast<double>(descriptors_)));
    return false;
  }

  Result<CalibrationLevel> try_level(std::uint32_t streams) {
    say(format("calibrate: {} streams × {:g}/s … ", grouped(streams), settings_.rate));
    auto level = run_level(streams, settings_);
    if (!level) {
      say("\n");
      return level;
    }
    say(format("{}: {} events/s, TTFT error p99 {} ms\n", verdict_name(level->verdict),
               grouped(level->carried_per_s), format_significant(level->ttft.p99, 3)));
    return level;
  }

  void say(const std::string& text) const {
    if (!flags_.is_quiet) std::fputs(text.c_str(), stderr);
  }

  const CalibrateFlags& flags_;
  LevelSettings settings_;
  std::size_t descriptors_;
  Calibration result_;
};

Json certificate_json(const CalibrateFlags& flags, const LevelSettings& settings,
                      const Calibration& calibration) {
  Json json;
  json["schema"] = 1;
  json["tacho_version"] = TACHO_VERSION;
  json["made_at"] = iso_time(wall_clock_ns());
  json["machine"] = machine_identity();
  json["tokens_per_s"] = flags.rate;
  json["seconds"] = flags.seconds;
  json["threads"] = settings.threads;
  json["levels"] = Json::array();
  for (const CalibrationLevel& level : calibration.levels) json["levels"].push_back(to_json(level));
  return json;
}

std::string hog_text(const std::vector<CalibrationLevel>& levels) {
  if (levels.empty()) return "";
  const CalibrationLevel& level = levels.front();
  std::string text = "\n with a busy loop on each worker's core:\n\n" + calibration_table(levels);
  if (level.verdict == LevelVerdict::ok) {
    return text + format(" it stays right: errors are at most {} ms at p99, and the run is valid\n",
                         format_significant(std::max(level.ttft.p99, level.gap.p99), 3));
  }
  if (level.verdict == LevelVerdict::client_bound)
    return text + " it says so itself: such a run is marked invalid: client-bound\n";
  return text;
}

Status keep(const Json& certificate) {
  const std::string path = certificate_path();
  if (path.empty()) return world_error("no place for the certificate: set HOME or XDG_CACHE_HOME");
  if (auto status = make_folders(user_cache_folder()); !status) return status;
  return write_file(path, dump_json(certificate, 1) + "\n");
}

/// Why nothing is kept; empty when it is. An engine that could not keep up has said nothing of
/// tacho, and must not take the place of a certificate that does.
std::string why_not_kept(const Calibration& calibration) {
  if (is_interrupted) return "interrupted";
  for (const CalibrationLevel& level : calibration.levels) {
    const bool is_silent =
        level.verdict == LevelVerdict::engine_bound || level.verdict == LevelVerdict::failed;
    if (!is_silent) return "";
  }
  return "no level says anything of tacho";
}

int print(const CalibrateFlags& flags, const LevelSettings& settings,
          const Calibration& calibration) {
  Json certificate = certificate_json(flags, settings, calibration);
  const std::string why_not = why_not_kept(calibration);
  if (!why_not.empty()) {
    std::fprintf(stderr, "tacho: %s; no certificate was written\n", why_not.c_str());
  } else if (auto status = keep(certificate); !status) {
    return fail(status.error());
  }
  const int code = is_interrupted ? 130 : 0;
  if (flags.is_json) {
    if (!calibration.hogged.empty()) certificate["hog"] = to_json(calibration.hogged.front());
    std::printf("%s\n", dump_json(certificate, 1).c_str());
    return code;
  }
  std::string text = calibration_table(calibration.levels);
  if (!calibration.note.empty()) text += format("\n note: {}\n", calibration.note);
  text += hog_text(calibration.hogged);
  text += "\n" + calibration_conclusion(calibration.levels);
  if (why_not.empty()) text += format(" wrote {}\n", certificate_path());
  std::fputs(text.c_str(), stdout);
  return code;
}

Status check(const CalibrateFlags& flags) {
  if (flags.rate <= 0 || flags.rate > 10'000)
    return input_error(format("--rate is between 0 and 10,000 tokens/s, not {:g}", flags.rate));
  if (flags.seconds <= 0 || flags.seconds > 3600)
    return input_error("--seconds is between 0 and an hour");
  return Nothing{};
}

int run_calibrate(const std::vector<std::string>& arguments) {
  CalibrateFlags flags;
  auto others = calibrate_flags(flags).parse(arguments);
  if (!others) return fail(others.error());
  if (!others->empty())
    return fail(input_error(format("'{}' is no option of tacho calibrate", others->front())));
  if (auto status = check(flags); !status) return fail(status.error());
  auto workplace = Workplace::make();
  if (!workplace) return fail(workplace.error());
  LevelSettings settings;
  settings.folder = workplace->path();
  settings.rate = flags.rate;
  settings.seconds = flags.seconds;
  settings.threads =
      flags.threads > 0 ? flags.threads : std::max(2u, std::thread::hardware_concurrency()) - 1;
  settings.stamps = flags.stamps;
  const std::size_t descriptors = lift_descriptor_limit();
  const std::string gap_ms = format("{}", 1e3 / flags.rate);
  auto engine = ChildSim::start({"--timing", "fixed", "--ttft-ms", gap_ms, "--gap-ms", gap_ms},
                                worker_cores(settings.threads));
  if (!engine) return fail(engine.error());
  settings.url = engine->url();
  catch_interrupts();
  auto calibration = Calibrator(flags, settings, descriptors).run();
  if (!calibration) return fail(calibration.error());
  return print(flags, settings, *calibration);
}

}  // namespace

Command calibrate_command() {
  return {"calibrate",
          "finds how many streams this machine can measure, and at what error",
          "[OPTIONS]",
          "  tacho calibrate\n"
          "  tacho calibrate --streams 256,1000 --rate 100 --hog\n",
          [] {
            static CalibrateFlags flags;
            return calibrate_flags(flags);
          },
          run_calibrate};
}

}  // namespace tacho
