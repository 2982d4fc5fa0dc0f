// run.json: what a run was, read again as it was written.
#include "record/manifest.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"

namespace tacho {
namespace {

struct TemporaryFolder {
  TemporaryFolder() : path(format("/tmp/tacho-manifest-{}", ::getpid())) {
    REQUIRE(make_folders(path).ok());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

Manifest full_manifest() {
  Manifest m;
  m.tacho_version = "0.1.0";
  m.command = "tacho bench --header 'A: \"b\"'";
  m.started_at = "2026-11-21T08:00:00Z";
  m.status = "interrupted";
  m.seed = 4'294'967'295u;
  m.model = "org/模型";
  m.url = "http://127.0.0.1:8000";
  m.endpoint = "chat";
  m.tokenizer = "built-in";
  Cell closed;
  closed.id = 0;
  closed.concurrency = 4;
  closed.input_tokens = 128;
  closed.output_tokens = 64;
  closed.lengths = "128→64";
  closed.requests = 20;
  closed.warmup_requests = 3;
  closed.ignore_eos = true;
  closed.started_after = std::chrono::milliseconds(1500);
  Cell open;
  open.id = 1;
  open.is_static = false;
  open.request_rate = 2.5;
  open.concurrency = 16;
  open.lengths = "alpaca";
  Cell burst;
  burst.id = 2;
  burst.is_static = false;
  burst.request_rate = INFINITY;
  burst.lengths = "alpaca";
  m.cells = {closed, open, burst};
  m.slos = {{"ttft_ms", 200.0}, {"tpot_ms", 12.5}};
  m.notes = {"a note", "另一个"};
  m.config = {{"a", 1}};
  m.environment = {{"cpu", {{"model", "x"}}}};
  m.server = {{"version", nullptr}};
  m.instrument = {{"0", {{"loop_busy_share", 0.25}}}};
  m.truth = {{"0", {{"requests", 20}}}};
  m.summary = {{"cells", Json::array({1, 2})}};
  return m;
}

TEST_CASE("a manifest comes back as it was written, every field of it") {
  const TemporaryFolder folder;
  const Manifest written = full_manifest();
  REQUIRE(write_manifest(folder.path, written).ok());
  const auto read = read_manifest(folder.path);
  REQUIRE(read.ok());
  CHECK(dump_json(to_json(*read)) == dump_json(to_json(written)));
  CHECK(read->seed == written.seed);
  CHECK(read->cells.at(2).request_rate == INFINITY);
  CHECK_FALSE(read->cells.at(2).concurrency.has_value());
  CHECK(read->cells.at(1).concurrency == 16u);
  CHECK_FALSE(read->cells.at(1).is_static);
  CHECK(read->cells.at(0).started_after == std::chrono::milliseconds(1500));
  CHECK(read->slos.at(1).limit == 12.5);
  CHECK(read->status == "interrupted");
  CHECK(read->notes.at(1) == "另一个");
}

TEST_CASE("a cell has a short name") {
  const Manifest m = full_manifest();
  CHECK(cell_label(m.cells[0]) == "c=4 128→64");
  CHECK(cell_label(m.cells[1]) == "2.5 req/s cap 16 alpaca");
  CHECK(cell_label(m.cells[2]) == "inf req/s alpaca");
}

TEST_CASE("what is no run is refused, with what it is instead") {
  const auto message = [](const std::string& path) {
    const auto read = read_manifest(path);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().kind == Error::Kind::input);
    return read.error().message;
  };
  const TemporaryFolder folder;
  CHECK(message(folder.path + "/none").find("no such run directory") != std::string::npos);
  CHECK(message(folder.path).find("holds no run.json") != std::string::npos);
  REQUIRE(write_file(manifest_path(folder.path), "{\"a\": 1}").ok());
  CHECK(message(folder.path).find("not a manifest") != std::string::npos);
  REQUIRE(write_file(manifest_path(folder.path), "[]").ok());
  CHECK(message(folder.path).find("not a manifest") != std::string::npos);
  REQUIRE(write_file(manifest_path(folder.path), "{\"schema\": 1,").ok());
  CHECK(message(folder.path).find("run.json") != std::string::npos);
  REQUIRE(
      write_file(manifest_path(folder.path), "{\"schema\": 99, \"tacho_version\": \"9.0\"}").ok());
  CHECK(message(folder.path).find("newer tacho (9.0)") != std::string::npos);
}

TEST_CASE("a manifest whose fields have the wrong types is read with defaults, not with a crash") {
  const TemporaryFolder folder;
  for (const char* text :
       {R"({"schema": 1, "cells": [1, "x", null], "slos": [2], "notes": [3]})",
        R"({"schema": 1, "cells": {"a": 1}, "seed": "x", "notes": "y", "slos": 4})",
        R"({"schema": 1, "cells": [{"id": "x", "concurrency": -1,)"
        R"( "ignore_eos": "yes"}], "seed": -1})"}) {
    CAPTURE(std::string(text));
    REQUIRE(write_file(manifest_path(folder.path), text).ok());
    const auto read = read_manifest(folder.path);
    CHECK((read.ok() || !read.error().message.empty()));
  }
}

TEST_CASE("a time is written as ISO 8601 in UTC") {
  CHECK(iso_time(0) == "1970-01-01T00:00:00Z");
  CHECK(iso_time(1'795'240'515'999'999'999) == "2026-11-21T05:55:15Z");
}

}  // namespace
}  // namespace tacho
