// A probe on a stand-in library, for tests: the script it reads from, and ways to look at what came
// out.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "monitor/probes.h"

namespace tacho {

/// A script for a stand-in library, in a folder of its own that is gone when this is dropped.
class StandInScript {
 public:
  explicit StandInScript(const std::string& text) {
    std::string name = "/tmp/tacho-stand-in-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    put(text);
    ::setenv("TACHO_STAND_IN", (folder_ + "/script").c_str(), 1);
  }
  ~StandInScript() {
    ::unsetenv("TACHO_STAND_IN");
    std::filesystem::remove_all(folder_);
  }
  StandInScript(const StandInScript&) = delete;
  StandInScript& operator=(const StandInScript&) = delete;

  /// Puts another script in its place; a new file, so that no clock has to tick for it to be seen.
  void put(const std::string& text) const {
    std::ofstream(folder_ + "/next") << text;
    std::filesystem::rename(folder_ + "/next", folder_ + "/script");
  }

 private:
  std::string folder_;
};

/// The path of a stand-in library.
inline std::string stand_in(const std::string& name) {
  return std::string(TACHO_STAND_IN_FOLDER) + "/" + name;
}

/// One reading.
inline std::vector<Subject> read_once(Probe& probe) {
  std::vector<Subject> subjects;
  probe.read(subjects);
  return subjects;
}

/// The subject of that id; a failure, and an empty one, when there is none.
inline Subject subject_of(const std::vector<Subject>& subjects, const std::string& id) {
  for (const Subject& subject : subjects) {
    if (subject.id == id) return subject;
  }
  FAIL_CHECK("no subject " << id);
  return {};
}

/// Why there is no value; "" when there is one, or when nothing is said.
inline std::string why_missing(const Subject& subject, const Quantity& quantity) {
  for (const Reading& reading : subject.readings) {
    if (reading.quantity == &quantity && !reading.missing.empty()) return reading.missing;
  }
  return "";
}

}  // namespace tacho
