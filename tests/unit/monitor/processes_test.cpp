#include "monitor/processes.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace tacho {
namespace {

using namespace std::string_literals;

TEST_CASE("a command line is shown without its secrets, in one piece") {
  CHECK(shown_command("vllm\0serve\0--port\0008000\0"s) == "vllm serve --port 8000");
  CHECK(shown_command("vllm\0--api-key\0sk-1\0--port\0001\0"s) == "vllm --api-key *** --port 1");
  CHECK(shown_command("env\0HF_TOKEN=abc\0x\0--password=1\0"s) ==
        "env HF_TOKEN=*** x --password=***");
  CHECK(shown_command("x\0--max-tokens\0005\0--tokenizer\0a\0"s) ==
        "x --max-tokens 5 --tokenizer a");
  CHECK(shown_command("a\nb\0"s) == "a b");
  CHECK(shown_command(std::string(500, 'x')).size() == 200);
}

/// A /proc of our own.
struct FakeProc {
  FakeProc() {
    std::string name = "/tmp/tacho-proc-XXXXXX";
    path = ::mkdtemp(name.data());
    put("/proc/stat", "cpu 1 2 3\nbtime 1700000000\n");
    put("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
  }
  ~FakeProc() { std::filesystem::remove_all(path); }
  void put(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path + file).parent_path());
    std::ofstream(path + file) << text;
  }
  /// A stat file: ticks of user and system time, and when it started.
  static std::string stat(int user, int system, int started) {
    return "7 (a (b) c) S 1 1 1 0 -1 0 0 0 0 0 " + std::to_string(user) + " " +
           std::to_string(system) + " 0 0 20 0 3 0 " + std::to_string(started) +
           " 1000000 256 0 0\n";
  }
  std::string path;
};

TEST_CASE("a process' cores and its busiest thread are differences of two readings") {
  const FakeProc proc;
  const double hz = static_cast<double>(::sysconf(_SC_CLK_TCK));
  proc.put("/proc/7/stat", FakeProc::stat(100, 50, 500));
  proc.put("/proc/7/cmdline", "engine\0--x\0"s);
  proc.put("/proc/7/task/7/stat", FakeProc::stat(10, 0, 500));
  proc.put("/proc/7/task/8/stat", FakeProc::stat(20, 0, 500));
  ProcessTable table(proc.path);
  table.begin_round();
  const ProcessFacts first = table.look_up(7, instant_from_ns(0));
  CHECK(first.missing == "");
  CHECK(std::isnan(first.cores));
  CHECK(first.command == "engine --x");
  CHECK(first.start_time_s == doctest::Approx(1700000000 + 500 / hz));
  CHECK(first.memory_bytes == 256.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  proc.put("/proc/7/stat", FakeProc::stat(200, 150, 500));
  proc.put("/proc/7/task/8/stat", FakeProc::stat(110, 0, 500));
  table.begin_round();
  const ProcessFacts second = table.look_up(7, instant_from_ns(1'000'000'000));
  CHECK(second.cores == doctest::Approx(200 / hz));
  CHECK(second.busiest_thread_cores == doctest::Approx(90 / hz));
}

TEST_CASE("a pid that is used again is another process, and one that is gone has a reason") {
  const FakeProc proc;
  proc.put("/proc/7/stat", FakeProc::stat(100, 50, 500));
  proc.put("/proc/7/comm", "old\n");
  ProcessTable table(proc.path);
  table.begin_round();
  CHECK(table.look_up(7, instant_from_ns(0)).command == "old");
  proc.put("/proc/7/stat", FakeProc::stat(1, 1, 900));
  proc.put("/proc/7/comm", "new\n");
  table.begin_round();
  const ProcessFacts& again = table.look_up(7, instant_from_ns(1'000'000'000));
  CHECK(again.command == "new");
  CHECK(std::isnan(again.cores));
  std::filesystem::remove_all(proc.path + "/proc/7");
  table.begin_round();
  CHECK(table.look_up(7, instant_from_ns(2'000'000'000)).missing == "process 7 has ended");
}

TEST_CASE("in a container, a pid that is not here is said to be the host's") {
  const FakeProc proc;
  std::filesystem::create_directories(proc.path + "/proc/self/ns");
  std::filesystem::create_symlink("pid:[4026539999]", proc.path + "/proc/self/ns/pid");
  ProcessTable table(proc.path);
  table.begin_round();
  CHECK(table.look_up(9, instant_from_ns(0)).missing.find("--pid=host") != std::string::npos);
}

}  // namespace
}  // namespace tacho
