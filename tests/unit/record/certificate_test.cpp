// The certificate: for which machine it holds, what is said of it, and which loads lie beyond it.
#include "record/certificate.h"

#include <doctest/doctest.h>

#include "base/text.h"

namespace tacho {
namespace {

Json machine() { return {{"host", "bee"}, {"cpu", "X 9"}, {"cores", 2}, {"kernel", "6.1.0"}}; }

Json level(int streams, const char* verdict) {
  return {{"streams", streams},
          {"carried_per_s", 49.5 * streams},
          {"stamps", "socket"},
          {"ttft_error_ms", {{"p50", 0.01}, {"p99", 0.0312}, {"max", 0.2}}},
          {"verdict", verdict}};
}

Json certificate() {
  return {
      {"schema", 1},
      {"tacho_version", "0.1.0"},
      {"made_at", "2026-11-21T09:00:00Z"},
      {"machine", machine()},
      {"tokens_per_s", 50.0},
      {"levels", Json::array({level(1, "ok"), level(1000, "ok"), level(2000, "client-bound")})}};
}

TEST_CASE("numbers are grouped by commas") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999.4) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(123456) == "123,456");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(-123456) == "-123,456");
}

TEST_CASE("the highest level that was carried without error is what a certificate is worth") {
  const Json of_run = certificate_of_run(certificate(), machine(), "0.1.0");
  CHECK(of_run["status"] == "valid");
  CHECK(of_run["text"] == "calibrated 2026-11-21: 1,000 streams × 50/s, TTFT error p99 0.031 ms");
  CHECK(of_run["carries"]["streams"] == 1000);
  CHECK(of_run["levels"].size() == 3);
  CHECK(of_run.dump().find("bee") == std::string::npos);  // No host name in a run directory.

  Json none = certificate();
  none["levels"] = Json::array({level(1, "client-bound")});
  const Json empty = certificate_of_run(none, machine(), "0.1.0");
  CHECK(empty["status"] == "valid");
  CHECK(empty["carries"].is_null());
  CHECK(best_level(Json()).is_null());
  CHECK(best_level(Json::array({1, "x"})).is_null());
}

TEST_CASE("a certificate of another machine, kernel or tacho is outdated, and none is none") {
  const auto status = [](const char* key, Json value, std::string_view version = "0.1.0") {
    Json here = machine();
    here[key] = std::move(value);
    return certificate_of_run(certificate(), here, version);
  };
  CHECK(status("host", "bee")["status"] == "valid");
  CHECK(status("host", "wasp")["status"] == "outdated");
  CHECK(status("cpu", "X 10")["status"] == "outdated");
  CHECK(status("cores", 4)["status"] == "outdated");
  const Json kernel = status("kernel", "6.2.0");
  CHECK(kernel["status"] == "outdated");
  CHECK(kernel["text"] == "calibrated 2026-11-21 on kernel 6.1.0: outdated, run tacho calibrate");
  CHECK_FALSE(kernel.contains("levels"));
  CHECK(status("host", "bee", "0.2.0")["text"] ==
        "calibrated 2026-11-21 with tacho 0.1.0: outdated, run tacho calibrate");

  for (const Json& nothing : {Json(), Json("x"), Json{{"schema", 2}}, Json::array()}) {
    const Json of_run = certificate_of_run(nothing, machine(), "0.1.0");
    CHECK(of_run["status"] == "none");
    CHECK(of_run["text"] == "not calibrated: run tacho calibrate");
  }
  // Damaged inside: never a crash, and not of this machine.
  CHECK(certificate_of_run({{"schema", 1}, {"machine", 3}, {"levels", 5}}, machine(),
                           "")["status"] == "outdated");
}

TEST_CASE("a load is beyond the certificate by its streams, its events or its stamps") {
  const Json of_run = certificate_of_run(certificate(), machine(), "0.1.0");
  CHECK(beyond_certificate(of_run, 1000, 49'500, "socket").empty());
  CHECK(beyond_certificate(of_run, 1050, 50'000, "socket").empty());  // Within a tenth.
  CHECK(beyond_certificate(of_run, 4000, 1000, "socket") ==
        "this load is beyond what this machine was calibrated for: 4,000 streams, calibrated to "
        "1,000");
  const std::string both = beyond_certificate(of_run, 4000, 90'000, "tap");
  CHECK(both.find("90,000 events/s, calibrated to 49,500") != std::string::npos);
  CHECK(both.find("tap stamps, calibrated with socket") != std::string::npos);
  // What says nothing is held against nobody.
  CHECK(beyond_certificate(certificate_of_run(Json(), machine(), ""), 1e6, 1e9, "").empty());
  CHECK(beyond_certificate(Json(), 1e6, 1e9, "").empty());
}

TEST_CASE("a machine has an identity") {
  const Json here = machine_identity();
  CHECK_FALSE(here["host"].get<std::string>().empty());
  CHECK_FALSE(here["kernel"].get<std::string>().empty());
  CHECK(here["cores"].get<int>() >= 1);
  CHECK(here == machine_identity());
}

}  // namespace
}  // namespace tacho
