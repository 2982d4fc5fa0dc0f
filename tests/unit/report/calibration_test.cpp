// How a level of `tacho calibrate` is judged, and what is printed of it.
#include "report/calibration.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "records.h"
#include "sim/truth.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

/// Two streams with a token every 20 ms, and the engine's truth of them.
struct Level {
  std::vector<Record> records;
  std::string truths;
  double engine_late_ms = 0.0;

  explicit Level(double off_ms = 0.0, double late_ms = 0.0, std::uint32_t tokens = 200)
      : engine_late_ms(late_ms) {
    for (int stream = 0; stream < 2; ++stream) add(stream, off_ms, tokens);
  }

  void add(int stream, double off_ms, std::uint32_t tokens) {
    std::vector<double> at;
    Truth truth;
    truth.id = format("r{}", stream);
    truth.received = at_ms(0.01);
    for (std::uint32_t i = 1; i <= tokens; ++i) {
      const double planned = 20.0 * i;
      const double written = planned + engine_late_ms;
      truth.planned.push_back(at_ms(planned));
      truth.written.push_back(at_ms(written));
      truth.taken.push_back(at_ms(written + 0.01));
      // Every other token is measured wrong by so much.
      at.push_back(written + 0.005 + (i % 2 == 0 ? off_ms : 0.0));
    }
    Record record = ok_record(0.0, at);
    record.response_id = truth.id;
    records.push_back(record);
    truths += to_json_line(truth) + "\n";
  }

  CalibrationLevel judge(double busy = 0.1) {
    RunData data = run_of(records);
    data.manifest.cells[0].concurrency = 2;
    data.manifest.instrument["0"] = {{"loop_busy_share", busy}};
    const RunSummary run = summarize(data);
    return judge_level(run.cells[0], 0.002, 20ms, *read_truths(truths));
  }
};

TEST_CASE("a load that came as it was written is ok, with its figures") {
  const CalibrationLevel level = Level().judge();
  CHECK(level.verdict == LevelVerdict::ok);
  CHECK(level.reason.empty());
  CHECK(level.streams == 2);
  CHECK(level.asked_per_s == doctest::Approx(100.0));
  CHECK(level.carried_per_s == doctest::Approx(100.0).epsilon(0.01));
  CHECK(level.events == 400);
  CHECK(level.requests == 2);
  CHECK(level.cpu_us == doctest::Approx(5.0));
  CHECK(level.gap.max == 0.0);
  CHECK(level.send.p50 == doctest::Approx(0.01));
  CHECK(level.width.p99 == doctest::Approx(0.01));
  CHECK(level.stamps == "socket");
  const Json json = to_json(level);
  CHECK(json["verdict"] == "ok");
  CHECK(json["ttft_error_ms"]["p99"].is_number());
}

TEST_CASE("figures that are off while the run calls itself valid are wrong") {
  const CalibrationLevel level = Level(3.0).judge();
  CHECK(level.verdict == LevelVerdict::wrong);
  CHECK(level.gap.p99 > 2.9);
  CHECK(level.reason.find("calls itself valid") != std::string::npos);
}

TEST_CASE("what the run says of itself comes first") {
  const CalibrationLevel level = Level(3.0).judge(0.97);
  CHECK(level.verdict == LevelVerdict::client_bound);
  CHECK(level.reason == "a worker's loop was 97 % busy");
}

TEST_CASE("chunks that were read late together make a run client-bound, by its own word") {
  Level level;
  Record& record = level.records[0];
  record.shared_reads = record.late_chunks = 3;
  record.is_first_late = true;
  for (const std::size_t i : {0u, 10u, 20u}) record.chunks[i].at = record.chunks[i + 1].at;
  CalibrationLevel judged = level.judge();
  CHECK(judged.verdict == LevelVerdict::client_bound);
  CHECK(judged.reason.find("50 % of first tokens were read late") != std::string::npos);

  Level later;
  Record& other = later.records[0];
  other.shared_reads = other.late_chunks = 3;
  for (const std::size_t i : {5u, 10u, 20u}) other.chunks[i].at = other.chunks[i + 1].at;
  judged = later.judge();
  CHECK(judged.reason.find("0.75 % of chunks were read late") != std::string::npos);

  // The same stamps, read in time: the server sent them together.
  other.late_chunks = 0;
  CHECK(later.judge().verdict == LevelVerdict::wrong);  // Here it did not, and the truth knows.
}

TEST_CASE("an engine that cannot keep up is told apart from a client that cannot") {
  CHECK(Level(0.0, 30.0).judge().verdict == LevelVerdict::engine_bound);
  // It was in time, but a fifth less than the load came: its requests were missing.
  Level thin;
  for (Record& record : thin.records) record.done += 1s;
  const CalibrationLevel level = thin.judge();
  CHECK(level.verdict == LevelVerdict::client_bound);
  CHECK(level.reason.starts_with("80 % of the load came"));
}

TEST_CASE("failures and requests that the engine does not know are no level at all") {
  Level failed;
  failed.records[1] = failed_record(0.0, Outcome::reset, 5.0);
  CalibrationLevel level = failed.judge();
  CHECK(level.verdict == LevelVerdict::failed);
  CHECK(level.reason == "1 × reset");
  Level unknown;
  unknown.truths.clear();
  CHECK(unknown.judge().verdict == LevelVerdict::failed);
}

TEST_CASE("the table has a row a level, the reasons, and the conclusion is the highest ok one") {
  CalibrationLevel small = Level().judge();
  CalibrationLevel large = small;
  large.streams = 1000;
  large.carried_per_s = 49'800;
  CalibrationLevel over = Level(3.0).judge(0.97);
  over.streams = 2000;
  const std::string table = calibration_table({small, large, over});
  CHECK(split(table, '\n').size() == 8);  // Two of head, three rows, one reason; two empty lines.
  CHECK(table.find("! 2,000 streams: client-bound: a worker's loop was 97 % busy") !=
        std::string::npos);
  const std::string conclusion = calibration_conclusion({small, large, over});
  CHECK(conclusion.starts_with(
      " this machine carries 1,000 streams and 49,800 events/s at an error"));
  CHECK(calibration_conclusion({over}).find("carried no load") != std::string::npos);
  CHECK(calibration_conclusion({}).find("carried no load") != std::string::npos);
}

TEST_CASE("a run's note says when its load lies beyond the certificate") {
  RunData data = run_of({ok_record(0.0, {10.0, 20.0})});
  data.manifest.cells[0].concurrency = 64;
  const RunSummary run = summarize(data);
  CHECK(beyond_certificate(run, data.manifest).empty());
  CHECK(certificate_text(data.manifest).empty());
  data.manifest.instrument["certificate"] = {
      {"status", "valid"},
      {"text", "calibrated"},
      {"carries", {{"streams", 32}, {"carried_per_s", 1e6}, {"stamps", "socket"}}}};
  CHECK(certificate_text(data.manifest) == "calibrated");
  CHECK(beyond_certificate(run, data.manifest).find("64 streams, calibrated to 32") !=
        std::string::npos);
}

}  // namespace
}  // namespace tacho
