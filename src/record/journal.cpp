#include "record/journal.h"

#include <algorithm>

#include "base/file.h"
#include "base/simd_json.h"
#include "base/text.h"

namespace tacho {
namespace {

/// Writes one object, key by key. Absent values are left out, which keeps a line short.
class LineWriter {
 public:
  explicit LineWriter(std::string& out) : out_(out) { out_ += '{'; }
  void finish() { out_ += "}\n"; }

  void integer(std::string_view key, std::int64_t value) {
    begin(key);
    out_ += fmt::format("{}", value);
  }
  void nonzero(std::string_view key, std::int64_t value) {
    if (value != 0) integer(key, value);
  }
  void instant(std::string_view key, Instant value) {
    if (happened(value)) integer(key, to_ns(value));
  }
  void number(std::string_view key, const std::optional<double>& value) {
    if (!value) return;
    begin(key);
    out_ += fmt::format("{}", *value);
  }
  void count(std::string_view key, const std::optional<std::uint32_t>& value) {
    if (value) integer(key, *value);
  }
  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    out_ += '"';
    append_json_escaped(out_, value);
    out_ += '"';
  }
  void flag(std::string_view key, bool value) {
    if (value) begin(key), out_ += "true";
  }
  void begin(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }

 private:
  std::string& out_;
};

/// Chunks are stored as columns: times as gaps (few digits), the rest only where it says something.
void write_chunks(LineWriter& line, std::string& out, const std::vector<Chunk>& chunks) {
  if (chunks.empty()) return;
  const auto column = [&](std::string_view key, const auto& value_at) {
    line.begin(key);
    out += '[';
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (i > 0) out += ',';
      const fmt::format_int digits(value_at(i));
      out.append(digits.data(), digits.size());
    }
    out += ']';
  };
  const auto any = [&](auto predicate) {
    return std::any_of(chunks.begin(), chunks.end(), predicate);
  };
  column("chunk_gaps", [&](std::size_t i) {
    return i == 0 ? to_ns(chunks[0].at) : (chunks[i].at - chunks[i - 1].at).count();
  });
  column("chunk_bytes", [&](std::size_t i) { return chunks[i].bytes; });
  if (any([](const Chunk& c) { return c.tokens != 0; })) {
    column("chunk_tokens", [&](std::size_t i) { return chunks[i].tokens; });
  }
  if (any([](const Chunk& c) { return c.is_reasoning; })) {
    column("chunk_reasoning", [&](std::size_t i) { return chunks[i].is_reasoning ? 1 : 0; });
  }
}

using Value = simdjson::dom::element;

std::int64_t integer_at(const Value& object, const char* key, std::int64_t otherwise = 0) {
  std::int64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : otherwise;
}

Instant instant_at(const Value& object, const char* key) {
  std::int64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? instant_from_ns(value) : never;
}

std::string text_at(const Value& object, const char* key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::optional<double> number_at(const Value& object, const char* key) {
  double value = 0;
  if (object[key].get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> count_at(const Value& object, const char* key) {
  const auto value = number_at(object, key);
  if (!value || *value < 0.0 || *value > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

bool flag_at(const Value& object, const char* key) {
  bool value = false;
  return object[key].get(value) == simdjson::SUCCESS && value;
}

std::vector<std::int64_t> integers_at(const Value& object, const char* key) {
  std::vector<std::int64_t> values;
  simdjson::dom::array array;
  if (object[key].get(array) != simdjson::SUCCESS) return values;
  for (const auto item : array) {
    std::int64_t value = 0;
    if (item.get(value) == simdjson::SUCCESS) values.push_back(value);
  }
  return values;
}

void read_chunks(const Value& line, Record& record) {
  const auto gaps = integers_at(line, "chunk_gaps");
  const auto bytes = integers_at(line, "chunk_bytes");
  const auto tokens = integers_at(line, "chunk_tokens");
  const auto reasoning = integers_at(line, "chunk_reasoning");
  std::int64_t at = 0;
  record.chunks.resize(gaps.size());
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    at += gaps[i];
    Chunk& chunk = record.chunks[i];
    chunk.at = instant_from_ns(at);
    if (i < bytes.size()) chunk.bytes = static_cast<std::uint32_t>(bytes[i]);
    if (i < tokens.size()) chunk.tokens = static_cast<std::uint32_t>(tokens[i]);
    chunk.is_reasoning = i < reasoning.size() && reasoning[i] != 0;
  }
}

/// 146 years of the monotonic clock: any two such times have a sum and a difference.
bool is_time(std::int64_t ns) {
  constexpr std::int64_t bound = std::int64_t{1} << 62;
  return ns > -bound && ns < bound;
}

/// Every record says at least these, and only times that can be; a line that does not was never
/// written by us.
bool is_record(const Value& line) {
  std::int64_t number = 0;
  for (const char* key : {"id", "cell", "due"}) {
    if (line[key].get(number) != simdjson::SUCCESS) return false;
  }
  for (const char* key :
       {"due", "dialled", "connected", "send_started", "sent", "headers", "done", "client_lag"}) {
    if (!is_time(integer_at(line, key))) return false;
  }
  std::int64_t at = 0;
  for (const std::int64_t gap : integers_at(line, "chunk_gaps")) {
    if (!is_time(gap) || !is_time(at += gap)) return false;
  }
  return true;
}

Record read_line(const Value& line) {
  Record record;
  record.id = static_cast<std::uint64_t>(integer_at(line, "id"));
  record.cell = static_cast<std::uint32_t>(integer_at(line, "cell"));
  record.stage = flag_at(line, "warmup") ? Stage::warmup : Stage::measure;
  record.worker = static_cast<std::uint32_t>(integer_at(line, "worker"));
  record.prompt = static_cast<std::uint32_t>(integer_at(line, "prompt"));
  record.session = static_cast<std::uint32_t>(integer_at(line, "session"));
  record.turn = static_cast<std::uint32_t>(integer_at(line, "turn"));
  record.attempt = static_cast<std::uint32_t>(integer_at(line, "attempt"));
  record.retry_of = static_cast<std::uint64_t>(integer_at(line, "retry_of"));
  record.target = static_cast<std::uint32_t>(integer_at(line, "target"));
  record.due = instant_at(line, "due");
  record.try_due = instant_at(line, "try_due");
  record.dialled = instant_at(line, "dialled");
  record.connected = instant_at(line, "connected");
  record.send_started = instant_at(line, "send_started");
  record.sent = instant_at(line, "sent");
  record.headers = instant_at(line, "headers");
  record.done = instant_at(line, "done");
  read_chunks(line, record);
  record.outcome = outcome_from_name(text_at(line, "outcome")).value_or(Outcome::malformed);
  record.http_status = static_cast<std::uint16_t>(integer_at(line, "http_status"));
  record.detail = text_at(line, "detail");
  record.finish_reason = text_at(line, "finish_reason");
  record.response_id = text_at(line, "response_id");
  record.input_tokens_planned = static_cast<std::uint32_t>(integer_at(line, "input_planned"));
  record.output_tokens_planned = static_cast<std::uint32_t>(integer_at(line, "output_planned"));
  record.usage = {count_at(line, "usage_input"), count_at(line, "usage_output"),
                  count_at(line, "usage_reasoning"), count_at(line, "usage_cached")};
  record.server = {number_at(line, "server_queue_ms"), number_at(line, "server_prefill_ms"),
                   number_at(line, "server_decode_ms"), number_at(line, "server_total_ms")};
  record.text = text_at(line, "text");
  record.output_characters = static_cast<std::uint32_t>(integer_at(line, "characters"));
  record.streamed = !flag_at(line, "not_streamed");
  record.stamps = stamps_from_name(text_at(line, "stamps"));
  record.reads = static_cast<std::uint32_t>(integer_at(line, "reads"));
  record.shared_reads = static_cast<std::uint32_t>(integer_at(line, "shared_reads"));
  record.late_chunks = static_cast<std::uint32_t>(integer_at(line, "late_chunks"));
  record.is_first_late = flag_at(line, "late_first");
  record.reconnects = static_cast<std::uint32_t>(integer_at(line, "reconnects"));
  record.client_lag = Duration(integer_at(line, "client_lag"));
  return record;
}

}  // namespace

void append_journal_line(std::string& out, const Record& record) {
  LineWriter line(out);
  line.integer("id", static_cast<std::int64_t>(record.id));
  line.integer("cell", record.cell);
  line.flag("warmup", record.stage == Stage::warmup);
  line.nonzero("worker", record.worker);
  line.nonzero("prompt", record.prompt);
  line.nonzero("target", record.target);
  line.nonzero("session", record.session);
  line.nonzero("turn", record.turn);
  line.nonzero("attempt", record.attempt);
  if (record.attempt > 0) line.integer("retry_of", static_cast<std::int64_t>(record.retry_of));
  line.text("outcome", outcome_name(record.outcome));
  line.nonzero("http_status", record.http_status);
  line.text("detail", record.detail);
  line.text("finish_reason", record.finish_reason);
  line.text("response_id", record.response_id);
  line.instant("due", record.due);
  line.instant("try_due", record.try_due);
  line.instant("dialled", record.dialled);
  line.instant("connected", record.connected);
  line.instant("send_started", record.send_started);
  line.instant("sent", record.sent);
  line.instant("headers", record.headers);
  line.instant("done", record.done);
  line.nonzero("input_planned", record.input_tokens_planned);
  line.nonzero("output_planned", record.output_tokens_planned);
  line.count("usage_input", record.usage.input_tokens);
  line.count("usage_output", record.usage.output_tokens);
  line.count("usage_reasoning", record.usage.reasoning_tokens);
  line.count("usage_cached", record.usage.cached_tokens);
  line.number("server_queue_ms", record.server.queue_ms);
  line.number("server_prefill_ms", record.server.prefill_ms);
  line.number("server_decode_ms", record.server.decode_per_token_ms);
  line.number("server_total_ms", record.server.total_ms);
  line.nonzero("characters", record.output_characters);
  line.flag("not_streamed", !record.streamed);
  if (record.stamps != Stamps::socket) line.text("stamps", stamps_name(record.stamps));
  line.nonzero("reads", record.reads);
  line.nonzero("shared_reads", record.shared_reads);
  line.nonzero("late_chunks", record.late_chunks);
  line.flag("late_first", record.is_first_late);
  line.nonzero("reconnects", record.reconnects);
  line.nonzero("client_lag", record.client_lag.count());
  write_chunks(line, out, record.chunks);
  line.text("text", record.text);
  line.finish();
}

Result<std::size_t> read_journal(const std::string& path,
                                 const std::function<void(Record&& record)>& take) {
  std::size_t torn_lines = 0;
  simdjson::dom::parser parser;
  const Status read = for_each_line(path, [&](std::string_view text, bool is_whole) {
    Value line;
    if (!is_whole || parser.parse(text.data(), text.size()).get(line) || !is_record(line)) {
      ++torn_lines;
      return;
    }
    take(read_line(line));
  });
  if (!read) return read.error();
  return torn_lines;
}

Result<Journal> read_journal(const std::string& path) {
  Journal journal;
  const auto torn_lines =
      read_journal(path, [&](Record&& record) { journal.records.push_back(std::move(record)); });
  if (!torn_lines) return torn_lines.error();
  journal.torn_lines = *torn_lines;
  std::stable_sort(journal.records.begin(), journal.records.end(),
                   [](const Record& a, const Record& b) { return a.id < b.id; });
  return journal;
}

}  // namespace tacho
