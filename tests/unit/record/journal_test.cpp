// The journal keeps everything: what is written is what is read, and a torn line costs only itself.
#include "record/journal.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <limits>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"

namespace tacho {
namespace {

/// A file that is gone after the test.
struct TemporaryFile {
  explicit TemporaryFile(std::string_view content)
      : path(format("/tmp/tacho-journal-{}", ::getpid())) {
    REQUIRE(write_file(path, content).ok());
  }
  ~TemporaryFile() { ::unlink(path.c_str()); }
  std::string path;
};

Journal read_back(std::string_view content) {
  const TemporaryFile file(content);
  auto journal = read_journal(file.path);
  REQUIRE(journal.ok());
  return std::move(*journal);
}

std::string line_of(const Record& record) {
  std::string line;
  append_journal_line(line, record);
  return line;
}

Instant at(std::int64_t ns) { return instant_from_ns(ns); }

/// A record in which every field says something.
Record full_record() {
  Record r;
  r.id = 123'456'789'012;
  r.cell = 3;
  r.stage = Stage::warmup;
  r.worker = 5;
  r.prompt = 4'294'967'295u;
  r.target = 3;
  r.due = at(1'000'000'000'000'001);
  r.dialled = at(1'000'000'000'000'002);
  r.connected = at(1'000'000'000'000'003);
  r.send_started = at(1'000'000'000'000'004);
  r.sent = at(1'000'000'000'000'005);
  r.headers = at(1'000'000'000'000'006);
  r.done = at(1'000'000'000'009'999);
  r.chunks = {{at(1'000'000'000'000'007), 2, 6, true},
              {at(1'000'000'000'000'007), 0, 1, false},
              {at(1'000'000'000'009'998), 9, 4'000'000'000u, false}};
  r.outcome = Outcome::http_status;
  r.http_status = 503;
  r.detail = "quote \" backslash \\ tab \t line\nnull \x01 你好 😀";
  r.finish_reason = "stop";
  r.response_id = "chatcmpl-1/2";
  r.input_tokens_planned = 11;
  r.output_tokens_planned = 12;
  r.usage = {13, 14, 15, 0};
  r.server = {0.0, 1.5, 1e-9, 123456.789};
  r.text = "an answer\r\nof two lines";
  r.output_characters = 21;
  r.streamed = false;
  r.stamps = Stamps::read;
  r.reads = 16;
  r.shared_reads = 17;
  r.late_chunks = 5;
  r.is_first_late = true;
  r.reconnects = 18;
  r.attempt = 2;
  r.retry_of = 19;
  r.try_due = instant_from_ns(20);
  r.session = 20;
  r.turn = 21;
  r.client_lag = Duration(19);
  return r;
}

/// What every record has at least.
Record due_record() {
  Record record;
  record.due = at(1);
  return record;
}

/// The same by every field; the journal's own text is not trusted to compare.
bool same(const Record& a, const Record& b) {
  const auto chunk_equal = [](const Chunk& x, const Chunk& y) {
    return x.at == y.at && x.tokens == y.tokens && x.bytes == y.bytes &&
           x.is_reasoning == y.is_reasoning;
  };
  return a.id == b.id && a.cell == b.cell && a.stage == b.stage && a.worker == b.worker &&
         a.prompt == b.prompt && a.target == b.target && a.session == b.session &&
         a.turn == b.turn && a.due == b.due && a.dialled == b.dialled &&
         a.connected == b.connected && a.send_started == b.send_started && a.sent == b.sent &&
         a.headers == b.headers && a.done == b.done &&
         std::equal(a.chunks.begin(), a.chunks.end(), b.chunks.begin(), b.chunks.end(),
                    chunk_equal) &&
         a.outcome == b.outcome && a.http_status == b.http_status && a.detail == b.detail &&
         a.finish_reason == b.finish_reason && a.response_id == b.response_id &&
         a.input_tokens_planned == b.input_tokens_planned &&
         a.output_tokens_planned == b.output_tokens_planned &&
         a.usage.input_tokens == b.usage.input_tokens &&
         a.usage.output_tokens == b.usage.output_tokens &&
         a.usage.reasoning_tokens == b.usage.reasoning_tokens &&
         a.usage.cached_tokens == b.usage.cached_tokens && a.server.queue_ms == b.server.queue_ms &&
         a.server.prefill_ms == b.server.prefill_ms &&
         a.server.decode_per_token_ms == b.server.decode_per_token_ms &&
         a.server.total_ms == b.server.total_ms && a.text == b.text &&
         a.output_characters == b.output_characters && a.streamed == b.streamed &&
         a.stamps == b.stamps && a.reads == b.reads && a.shared_reads == b.shared_reads &&
         a.late_chunks == b.late_chunks && a.is_first_late == b.is_first_late &&
         a.reconnects == b.reconnects && a.attempt == b.attempt && a.retry_of == b.retry_of &&
         a.try_due == b.try_due && a.client_lag == b.client_lag;
}

TEST_CASE("a record with everything in it comes back as it was") {
  const Record record = full_record();
  const std::string line = line_of(record);
  CHECK(line.ends_with("}\n"));
  CHECK(line.find('\n') == line.size() - 1);
  const Journal journal = read_back(line);
  REQUIRE(journal.records.size() == 1);
  CHECK(journal.torn_lines == 0);
  CHECK(same(journal.records[0], record));
  CHECK(line_of(journal.records[0]) == line);
}

TEST_CASE(
    "a record of nothing but its due time comes back as it was: never stays never, nothing "
    "nothing") {
  const Journal journal = read_back(line_of(due_record()));
  REQUIRE(journal.records.size() == 1);
  CHECK(same(journal.records[0], due_record()));
  CHECK_FALSE(happened(journal.records[0].sent));
  CHECK_FALSE(journal.records[0].usage.output_tokens.has_value());
}

TEST_CASE("every outcome has a name of its own that comes back") {
  for (int i = 0; i <= static_cast<int>(Outcome::cancelled); ++i) {
    Record record = due_record();
    record.outcome = static_cast<Outcome>(i);
    CHECK(read_back(line_of(record)).records.at(0).outcome == record.outcome);
    CHECK(outcome_from_name(outcome_name(record.outcome)) == record.outcome);
  }
  CHECK_FALSE(outcome_from_name("fine").has_value());
}

TEST_CASE("random records come back as they were") {
  Random random(Seed{1}, "records");
  for (int i = 0; i < 300; ++i) {
    CAPTURE(i);
    Record r = full_record();
    r.id = random.below(1ull << 62);
    r.due = at(static_cast<std::int64_t>(random.below(1ull << 62)));
    if (random.below(2) == 0) r.done = never;
    if (random.below(2) == 0) r.usage = {};
    r.chunks.resize(random.below(20));
    std::int64_t now = 5;
    for (Chunk& chunk : r.chunks) {
      now += static_cast<std::int64_t>(random.below(1'000'000'000'000));
      chunk = {at(now), static_cast<std::uint32_t>(random.below(3)),
               static_cast<std::uint32_t>(random.bits()), random.below(2) == 0};
    }
    r.server.queue_ms = random.normal() * 1e6;
    r.detail.clear();
    for (int k = 0; k < 20; ++k) r.detail += static_cast<char>(random.below(127) + 1);
    CHECK(same(read_back(line_of(r)).records.at(0), r));
  }
}

TEST_CASE("records come back in the order of their ids, whatever order they ended in") {
  std::string content;
  for (const std::uint64_t id : {5u, 1u, 9u, 0u}) {
    Record record = due_record();
    record.id = id;
    append_journal_line(content, record);
  }
  const Journal journal = read_back(content);
  REQUIRE(journal.records.size() == 4);
  CHECK(journal.records[0].id == 0);
  CHECK(journal.records[3].id == 9);
}

TEST_CASE("a journal cut off at any byte loses one line, counted, and no other") {
  Record first = full_record(), second = full_record();
  first.id = 1;
  second.id = 2;
  const std::string one = line_of(first), two = one + line_of(second);
  for (std::size_t length = one.size(); length < two.size(); ++length) {
    CAPTURE(length);
    const Journal journal = read_back(std::string_view(two).substr(0, length));
    REQUIRE(journal.records.size() == 1);
    CHECK(journal.records[0].id == 1);
    CHECK(journal.torn_lines == (length == one.size() ? 0 : 1));
  }
}

TEST_CASE("a torn line in the middle, where two runs of a full disk met, is left out and counted") {
  const std::string line = line_of(full_record());
  const Journal journal = read_back(line + line.substr(0, 40) + "\n" + line + "\n" + "rubbish\n");
  CHECK(journal.records.size() == 2);
  CHECK(journal.torn_lines == 3);
}

TEST_CASE("times that cannot be make a line torn, counts that cannot be are left out") {
  Journal journal = read_back(
      "{\"id\":1,\"cell\":0,\"due\":-9223372036854775808}\n"
      "{\"id\":2,\"cell\":0,\"due\":1,\"done\":9223372036854775807}\n"
      "{\"id\":3,\"cell\":0,\"due\":1,\"chunk_gaps\":[4600000000000000000,4600000000000000000]}\n");
  CHECK(journal.records.empty());
  CHECK(journal.torn_lines == 3);
  journal = read_back(
      "{\"id\":1,\"cell\":0,\"due\":1,\"usage_input\":1e300,\"usage_output\":-1,"
      "\"usage_cached\":5}\n");
  REQUIRE(journal.records.size() == 1);
  CHECK_FALSE(journal.records[0].usage.input_tokens.has_value());
  CHECK_FALSE(journal.records[0].usage.output_tokens.has_value());
  CHECK(journal.records[0].usage.cached_tokens == 5);
}

TEST_CASE("keys that we do not know are passed over, and an outcome of later days is no success") {
  const Journal journal = read_back(
      "{\"id\":4,\"cell\":0,\"new_key\":{\"a\":[1]},\"outcome\":\"exploded\",\"due\":7}\n");
  REQUIRE(journal.records.size() == 1);
  CHECK(journal.records[0].id == 4);
  CHECK(journal.records[0].due == at(7));
  CHECK(journal.records[0].outcome == Outcome::malformed);
}

TEST_CASE("a missing journal is an error that names it; an empty one is empty") {
  const auto missing = read_journal("/no/such/journal.jsonl");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message.find("/no/such/journal.jsonl") != std::string::npos);
  CHECK(read_back("").records.empty());
}

}  // namespace
}  // namespace tacho
