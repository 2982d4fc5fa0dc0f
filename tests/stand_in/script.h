// The script that a stand-in library reads its answers from: TACHO_STAND_IN names the file. It is
// read anew whenever it changes, so that a test can let things happen. A line each:
//
//   devices 8                      how many there are
//   driver 570.124.06              any word that is no device: a text of the whole system
//   all power_mw 400000            a value of every device, in the units of the vendor's own call
//   3 power_mw 1000,2000           of device 3; each call gives the next one, the last for good
//   3 energy_mj 5000+300000/s      grows with time
//   3 power_mw 400000~100000/30s   swings once in 30 s
//   3:1 memory_used_mib 100        of part 1 of device 3 (MIG)
//   3 name NVIDIA H100             a text
//   process 3 4711 compute 512 40 20   device, pid, type, memory in MiB, percent busy, of memory
//   event 3 79 2                   device, code, after how many waits
//   fail nvmlDeviceGetFanSpeed 4   this call answers 4; "3:nvmlDeviceGetFanSpeed" of device 3 only,
//   fail 3:* 15 10                 "*" every call; after 10 that were answered well
//
// What the script does not name is not supported.
#pragma once

#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tacho_stand_in {

/// A value over time or over calls.
struct Series {
  std::vector<double> steps;
  double per_second = 0.0, swing = 0.0, period_s = 0.0;
  std::string text;

  double at(double seconds, std::size_t call) const {
    const double base = steps.empty() ? 0.0 : steps[std::min(call, steps.size() - 1)];
    const double wave = period_s > 0.0 ? swing * std::sin(6.283185307 * seconds / period_s) : 0.0;
    return base + per_second * seconds + wave;
  }
};

/// A process on a device.
struct ProcessLine {
  std::string device, type;
  unsigned pid = 0;
  double memory_mib = 0.0, busy = 0.0, memory_busy = 0.0;
};

/// An event to come.
struct EventLine {
  std::string line;
  int device = 0;
  unsigned long long code = 0;
  unsigned after = 0;
};

/// A call that fails.
struct FailLine {
  std::string who, function;
  int code = 0;
  unsigned after = 0;
};

class Script {
 public:
  /// Reads the script if it is new. To be called first in each call of the library.
  void refresh() {
    const char* path = std::getenv("TACHO_STAND_IN");
    struct stat now {};
    if (path == nullptr || ::stat(path, &now) != 0) return;
    const bool is_same = path == path_ && now.st_mtim.tv_sec == seen_.st_mtim.tv_sec &&
                         now.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec &&
                         now.st_size == seen_.st_size && now.st_ino == seen_.st_ino;
    if (is_same) return;
    if (path != path_) forget();
    path_ = path;
    seen_ = now;
    load();
  }

  /// Forgets what was counted, as a library does that is loaded anew.
  void forget() {
    calls_.clear();
    failed_calls_.clear();
    delivered_.clear();
    waits_ = 0;
    began_ = seconds();
  }

  int devices() const { return devices_; }
  /// True when the device, or part "3:1", has that key.
  bool has(const std::string& who, const std::string& key) const {
    return find(who, key) != nullptr;
  }
  /// The value, each call the next; false when the script does not name it.
  bool value(const std::string& who, const std::string& key, double& out) {
    const Series* series = find(who, key);
    if (series == nullptr) return false;
    out = series->at(seconds() - began_, calls_[who + " " + key]++);
    return true;
  }
  std::string text(const std::string& who, const std::string& key) const {
    const Series* series = find(who, key);
    return series != nullptr ? series->text : "";
  }
  const std::vector<ProcessLine>& processes() const { return processes_; }
  /// The parts of a device: "3:0", "3:2".
  std::vector<std::string> parts(int device) const {
    std::vector<std::string> out;
    const std::string head = std::to_string(device) + ":";
    for (const auto& [who, values] : values_) {
      if (who.rfind(head, 0) == 0) out.push_back(who);
    }
    return out;
  }
  /// The code with which the call fails, or 0.
  int failure(const std::string& function, const std::string& who) {
    for (const FailLine& fail : fails_) {
      const bool is_who = fail.who.empty() || fail.who == who;
      if (!is_who || (fail.function != "*" && fail.function != function)) continue;
      if (failed_calls_[fail.who + ":" + fail.function]++ >= fail.after) return fail.code;
    }
    return 0;
  }
  /// The next event that is due at this wait; false when there is none.
  bool next_event(EventLine& out) {
    ++waits_;
    for (const EventLine& event : events_) {
      if (waits_ <= event.after || !delivered_.insert(event.line).second) continue;
      out = event;
      return true;
    }
    return false;
  }

 private:
  static double seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }

  const Series* find(const std::string& who, const std::string& key) const {
    for (const std::string& place : {who, std::string(is_part(who) ? "" : "all")}) {
      const auto values = values_.find(place);
      if (values == values_.end()) continue;
      const auto found = values->second.find(key);
      if (found != values->second.end()) return &found->second;
    }
    return nullptr;
  }
  static bool is_part(const std::string& who) { return who.find(':') != std::string::npos; }

  static Series read_series(const std::string& text) {
    Series series;
    series.text = text;
    std::stringstream items(text);
    for (std::string item; std::getline(items, item, ',');) {
      char* rest = nullptr;
      // Hexadecimal too: bits are written so.
      const double value = item.rfind("0x", 0) == 0
                               ? static_cast<double>(std::strtoull(item.c_str(), &rest, 16))
                               : std::strtod(item.c_str(), &rest);
      series.steps.push_back(value);
      if (*rest == '+') series.per_second = std::strtod(rest + 1, nullptr);
      if (*rest == '~') std::sscanf(rest, "~%lf/%lf", &series.swing, &series.period_s);
    }
    return series;
  }

  void load() {
    devices_ = 0;
    values_.clear();
    processes_.clear();
    events_.clear();
    fails_.clear();
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) read_line(line);
  }

  void read_line(const std::string& line) {
    std::stringstream words(line);
    std::string first;
    if (!(words >> first) || first[0] == '#') return;
    if (first == "devices") {
      words >> devices_;
    } else if (first == "process") {
      ProcessLine process;
      words >> process.device >> process.pid >> process.type >> process.memory_mib >>
          process.busy >> process.memory_busy;
      processes_.push_back(process);
    } else if (first == "event") {
      EventLine event;
      words >> event.device >> event.code >> event.after;
      event.line = line;
      events_.push_back(event);
    } else if (first == "fail") {
      FailLine fail;
      words >> fail.function >> fail.code >> fail.after;
      const std::size_t colon = fail.function.find(':');
      if (colon != std::string::npos) {
        fail.who = fail.function.substr(0, colon);
        fail.function = fail.function.substr(colon + 1);
      }
      fails_.push_back(fail);
    } else {
      const bool is_device = first == "all" || std::isdigit(static_cast<unsigned char>(first[0]));
      std::string key = first, value;
      if (is_device) words >> key;
      std::getline(words >> std::ws, value);
      values_[is_device ? first : "system"][key] = read_series(value);
    }
  }

  std::string path_;
  struct stat seen_ {};
  double began_ = seconds();
  int devices_ = 0;
  std::map<std::string, std::map<std::string, Series>> values_;
  std::vector<ProcessLine> processes_;
  std::vector<EventLine> events_;
  std::vector<FailLine> fails_;
  std::map<std::string, std::size_t> calls_, failed_calls_;
  std::set<std::string> delivered_;
  unsigned waits_ = 0;
};

/// Copies a text as C libraries do.
inline void put_text(char* out, std::size_t size, const std::string& text) {
  if (out != nullptr && size > 0) std::snprintf(out, size, "%s", text.c_str());
}

}  // namespace tacho_stand_in
