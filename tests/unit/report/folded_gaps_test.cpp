// A run whose chunks are not all kept says the same as one whose are.
#include "report/folded_gaps.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "base/file.h"
#include "base/random.h"
#include "records.h"
#include "report/outputs.h"

namespace tacho {
namespace {

/// A run directory of 300 answers of 40 chunks, gone at the end of the test.
struct Directory {
  std::string path = (std::filesystem::temp_directory_path() / "tacho_folded_gaps_test").string();
  Directory() {
    REQUIRE(make_folders(path).ok());
    Random random(Seed{1}, "gaps");
    std::vector<Record> records;
    for (int i = 0; i < 300; ++i) {
      std::vector<double> times{50.0 + 20.0 * random.exponential()};
      while (times.size() < 40) times.push_back(times.back() + 5.0 + 3.0 * random.exponential());
      records.push_back(ok_record(10.0 * i, times));
      records.back().chunks[0].is_reasoning = true;
      if (i % 10 == 0) records.back().outcome = Outcome::truncated;
      // As many tokens as two a chunk, so that gaps are shared out.
      records.back().usage.output_tokens = 80;
    }
    RunData data = run_of(std::move(records));
    std::string journal;
    for (const Record& record : data.records) append_journal_line(journal, record);
    REQUIRE(write_file(journal_path(path), journal).ok());
    REQUIRE(write_manifest(path, data.manifest).ok());
  }
  ~Directory() { std::filesystem::remove_all(path); }
};

TEST_CASE("folded chunks leave every figure as it was, percentiles of gaps within 0.1 %") {
  const Directory directory;
  const auto all = read_run(directory.path, {}), few = read_run(directory.path, {}, 1000);
  REQUIRE(all.ok());
  REQUIRE(few.ok());
  const RunSummary whole_run = summarize(*all), folded_run = summarize(*few);
  const CellSummary &whole = whole_run.cells.at(0), &folded = folded_run.cells.at(0);
  std::size_t kept = 0;
  for (const Record& record : few->records) {
    CHECK(record.chunks.size() + record.chunks_folded == 40);
    kept += record.chunks.size();
  }
  CHECK(kept < 2000);
  for (const Metric metric : {Metric::ttft, Metric::ttfo, Metric::tpot, Metric::e2e}) {
    CHECK(folded.of(metric).ascending == whole.of(metric).ascending);
  }
  for (const Metric metric : {Metric::itl, Metric::chunk_gap}) {
    const Distribution &a = whole.of(metric), &b = folded.of(metric);
    CHECK(a.is_exact());
    CHECK_FALSE(b.is_exact());
    CHECK(a.n == b.n);
    CHECK(b.mean == doctest::Approx(a.mean));
    CHECK(b.std_dev == doctest::Approx(a.std_dev));
    CHECK(b.min == a.min);
    CHECK(b.max == a.max);
    for (const double percent : {1.0, 50.0, 90.0, 99.0}) {
      CHECK(b.percentile(percent) == doctest::Approx(a.percentile(percent)).epsilon(0.002));
    }
    CHECK(b.percentile(100) == a.max);
    const Interval *wide = folded.confidence_of(metric).of(50),
                   *own = whole.confidence_of(metric).of(50);
    CHECK(own->is_known);
    if (wide->is_known) CHECK((wide->low <= b.percentile(50) && b.percentile(50) <= wide->high));
    CHECK(to_json(b)["percentiles"] == "histogram");
    CHECK(to_json(a)["percentiles"] == "exact");
  }
  CHECK(folded.instrument.multi_token_chunk_share == whole.instrument.multi_token_chunk_share);
  CHECK(requests_csv(folded_run) == requests_csv(whole_run));
}

}  // namespace
}  // namespace tacho
