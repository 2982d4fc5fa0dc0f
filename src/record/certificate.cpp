#include "record/certificate.h"

#include <sys/utsname.h>

#include <cmath>

#include "base/cores.h"
#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

/// The first "model name" of /proc/cpuinfo; other architectures call it otherwise, and "" serves as
/// well there: the host's name is compared too.
std::string cpu_model() {
  const auto cpuinfo = read_file("/proc/cpuinfo");
  if (!cpuinfo) return "";
  for (const auto line : split(*cpuinfo, '\n')) {
    if (!line.starts_with("model name")) continue;
    return std::string(trim(line.substr(std::min(line.size(), line.find(':') + 1))));
  }
  return "";
}

Json outdated(const std::string& day, std::string_view why) {
  return {{"status", "outdated"},
          {"text", format("calibrated {} {}: outdated, run tacho calibrate", day, why)}};
}

/// A time in ms, short; what is below a microsecond is not known that well.
std::string short_ms(double ms) {
  return ms < 1.0 ? format("{:.3f}", std::max(ms, 0.001)) : format_significant(ms, 3);
}

}  // namespace

std::string certificate_path() {
  const std::string folder = user_cache_folder();
  return folder.empty() ? "" : folder + "/certificate.json";
}

Json machine_identity() {
  utsname names{};
  ::uname(&names);
  return {{"host", names.nodename},
          {"cpu", cpu_model()},
          {"cores", usable_cores().size()},
          {"kernel", names.release}};
}

Json best_level(const Json& levels) {
  Json best = nullptr;
  if (!levels.is_array()) return best;
  for (const Json& level : levels) {
    if (!level.is_object() || json_string(level, "verdict") != "ok") continue;
    if (best.is_null() || json_number(level, "streams") > json_number(best, "streams"))
      best = level;
  }
  return best;
}

Json certificate_of_run(const Json& certificate, const Json& machine, std::string_view version) {
  if (!certificate.is_object() || json_number(certificate, "schema") != 1) {
    return {{"status", "none"}, {"text", "not calibrated: run tacho calibrate"}};
  }
  const std::string made_at = json_string(certificate, "made_at");
  const std::string day = made_at.substr(0, 10);
  const Json made_on = certificate.value("machine", Json::object());
  for (const auto& [key, what] : {std::pair{"host", "machine"}, {"cpu", "CPU"}}) {
    if (!made_on.is_object() || made_on.value(key, Json()) != machine.value(key, Json()))
      return outdated(day, format("on another {}", what));
  }
  if (json_number(made_on, "cores") != json_number(machine, "cores"))
    return outdated(day, format("with {:g} cores", json_number(made_on, "cores")));
  if (made_on.value("kernel", Json()) != machine.value("kernel", Json()))
    return outdated(day, format("on kernel {}", json_string(made_on, "kernel")));
  if (json_string(certificate, "tacho_version") != version)
    return outdated(day, format("with tacho {}", json_string(certificate, "tacho_version")));

  const double rate = json_number(certificate, "tokens_per_s");
  const Json levels = certificate.value("levels", Json::array());
  const Json best = best_level(levels);
  std::string text = format("calibrated {}: ", day);
  if (best.is_null()) {
    text += "no load that was tried was carried without error";
  } else {
    const Json ttft = best.value("ttft_error_ms", Json::object());
    text += format("{} streams × {:g}/s, TTFT error p99 {} ms",
                   grouped(json_number(best, "streams")), rate, short_ms(json_number(ttft, "p99")));
  }
  return {{"status", "valid"},    {"text", text},    {"made_at", made_at},
          {"tokens_per_s", rate}, {"carries", best}, {"levels", levels}};
}

Json certificate_of_this_run() {
  Json certificate = nullptr;
  const std::string path = certificate_path();
  if (!path.empty() && exists(path) && !is_folder(path)) {
    // A damaged one is as good as none: the next calibration writes it anew.
    if (auto json = read_json_file(path)) certificate = *json;
  }
  return certificate_of_run(certificate, machine_identity(), TACHO_VERSION);
}

std::string beyond_certificate(const Json& of_run, double streams, double events_per_s,
                               const std::string& stamps) {
  if (json_string(of_run, "status") != "valid") return "";
  const Json best = of_run.value("carries", Json());
  if (!best.is_object()) return "";
  std::vector<std::string> beyond;
  // A tenth more is the same load: streams come and go.
  const auto compare = [&](double own, const char* key, std::string_view what) {
    if (own <= 1.1 * json_number(best, key)) return;
    beyond.push_back(
        format("{} {}, calibrated to {}", grouped(own), what, grouped(json_number(best, key))));
  };
  compare(streams, "streams", "streams");
  compare(events_per_s, "carried_per_s", "events/s");
  if (!stamps.empty() && stamps != json_string(best, "stamps"))
    beyond.push_back(format("{} stamps, calibrated with {}", stamps, json_string(best, "stamps")));
  if (beyond.empty()) return "";
  return format("this load is beyond what this machine was calibrated for: {}", join(beyond, "; "));
}

}  // namespace tacho
