#include "report/metrics.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace tacho {
namespace {

std::optional<double> ms_between(Instant from, Instant to) {
  if (!happened(from) || !happened(to)) return std::nullopt;
  return to_ms(to - from);
}

/// The end that counts for the user: the last token; without a stream, the whole answer.
Instant answer_end(const Record& record) {
  return record.streamed ? last_token(record) : record.done;
}

/// Time per output token after the first chunk; none for an answer of one chunk.
std::optional<double> tpot_ms(const Record& record, std::uint32_t output_tokens) {
  if (record.chunks.size() < 2) return std::nullopt;
  const std::uint32_t in_first = tokens_per_chunk(record, output_tokens).front();
  if (output_tokens <= in_first) return std::nullopt;
  return to_ms(last_token(record) - first_token(record)) / (output_tokens - in_first);
}

}  // namespace

const std::array<MetricInfo, metric_count>& metric_infos() {
  static const std::array<MetricInfo, metric_count> all{{
      {Metric::ttft, "ttft_ms", "TTFT", "首 token 时延",
       "Time to first token: arrival of the first chunk with text, reasoning or a tool call, minus "
       "sent.",
       true},
      {Metric::ttft_from_due, "ttft_from_due_ms", "TTFT from due", "首 token 时延（自应发时刻）",
       "The same, minus due: what a user of an open loop would have felt.", true},
      {Metric::ttfo, "ttfo_ms", "TTFO", "首个非推理 token 时延",
       "Time to first output token: as TTFT, reasoning text left out.", true},
      {Metric::tpot, "tpot_ms", "TPOT", "每输出 token 时延",
       "(last token - first token) / (output tokens - tokens in the first chunk); none for "
       "one-chunk answers.",
       true},
      {Metric::itl, "itl_ms", "ITL", "token 间时延",
       "Gap between content chunks, spread over the tokens of the later chunk.", true},
      {Metric::chunk_gap, "chunk_gap_ms", "Chunk gap", "数据块间隔",
       "Raw gap between content chunks.", true},
      {Metric::e2e, "e2e_ms", "E2E", "端到端时延",
       "Last token minus sent; without a stream, the end of the answer minus sent.", true},
      {Metric::e2e_from_due, "e2e_from_due_ms", "E2E from due", "端到端时延（自应发时刻）",
       "The same, minus due.", true},
      {Metric::input_tokens, "input_tokens", "Input tokens", "输入 token 数",
       "From the server's usage, else the tokenizer's count of the prompt.", false},
      {Metric::output_tokens, "output_tokens", "Output tokens", "输出 token 数",
       "From the server's usage, else the tokenizer's count of the text, else the number of "
       "chunks.",
       false},
      {Metric::client_lag, "client_lag_ms", "Client lag", "客户端读取滞后",
       "Our reading minus the bytes' arrival, the worst of each request: what a tool without "
       "kernel stamps "
       "would have added.",
       true},
      {Metric::send_lag, "send_lag_ms", "Send lag", "发送滞后",
       "Sent minus due, less the set-up of a new connection: how late the load generator itself "
       "was.",
       true},
  }};
  return all;
}

const MetricInfo& info(Metric metric) { return metric_infos()[static_cast<std::size_t>(metric)]; }

const std::vector<FigureInfo>& figure_infos() {
  static const std::vector<FigureInfo> all{
      {"duration_s", "From the first due time of the cell to the end of its last answer."},
      {"request_throughput_per_s", "Requests that ended ok, divided by duration_s."},
      {"requests_per_minute", "The same per minute."},
      {"input_token_throughput_per_s", "Input tokens of ok requests, divided by duration_s."},
      {"output_token_throughput_per_s", "Output tokens of ok requests, divided by duration_s."},
      {"total_token_throughput_per_s", "Both together."},
      {"characters_per_s", "Characters of ok answers, divided by duration_s."},
      {"error_rate", "Requests that did not end ok, of all due."},
      {"timeout_rate", "Requests that ran into a time limit, of all due."},
      {"windows",
       "The same throughputs of the steady state (the headline of tables), the whole run and the "
       "drain."},
      {"late", "Requests sent over 1 ms after they were due."},
      {"dropped", "Requests due that were never sent: no connection, or given up while waiting."},
      {"arrivals", "Open loops: of the requests due in their window, how many were sent in it."},
      {"queue", "Open loops of one rate: whether requests pile up (Mann-Kendall)."},
      {"concurrency_mean", "Requests in flight, averaged over duration_s."},
      {"concurrency_little",
       "Sum of (done - sent) over duration_s: must equal the mean (Little's law)."},
      {"goodput", "Requests that met every SLO: how many, their share of all due, and per second."},
      {"slos", "Each bound of --slo: holds, fails, or cannot tell yet."},
      {"with_failures", "Percentiles of a time over all due, failed requests as infinitely late."},
      {"user_speed_tokens_per_s",
       "1 / TPOT of each request: tokens a second as one user sees them."},
      {"consistency",
       "Of a time: coefficient of variation, p99 / p50, and requests of 1,000 over three times the "
       "median."},
      {"scaling",
       "Throughput of a closed loop over that of as many of the smallest one's streams, and the "
       "knee."},
      {"loop_busy_share", "Share of the time that the busiest worker's loop did not wait."},
      {"coalesced_read_share", "Reads that brought more than one content chunk, of all reads."},
      {"late_first_share",
       "First tokens read late together with a later chunk, whose stamp they bear, of all."},
      {"late_chunk_share", "The same of all chunks."},
      {"multi_token_chunk_share",
       "Content chunks that held more than one token, of all after the first."},
      {"reconnects", "Kept-alive connections found closed; the request went out on a new one."},
  };
  return all;
}

std::string_view token_source_name(TokenSource source) {
  constexpr std::array<std::string_view, 5> names{"none", "usage", "tokenizer", "chunks", "mixed"};
  return names[static_cast<std::size_t>(source)];
}

TokenCount input_tokens(const Record& record) {
  if (record.usage.input_tokens) return {*record.usage.input_tokens, TokenSource::usage};
  if (record.input_tokens_planned > 0) return {record.input_tokens_planned, TokenSource::tokenizer};
  return {};
}

TokenCount output_tokens(const Record& record, std::uint32_t counted) {
  if (record.usage.output_tokens) return {*record.usage.output_tokens, TokenSource::usage};
  if (counted > 0) return {counted, TokenSource::tokenizer};
  if (!record.chunks.empty()) {
    return {static_cast<std::uint32_t>(record.chunks.size()) + record.chunks_folded,
            TokenSource::chunks};
  }
  return {};
}

/// More than any server puts into one chunk; one that claims more is not believed.
constexpr std::uint32_t chunk_tokens_max = 4096;

std::vector<std::uint32_t> tokens_per_chunk(const Record& record, std::uint32_t output_tokens) {
  const auto& chunks = record.chunks;
  std::vector<std::uint32_t> tokens(chunks.size(), 1);
  const bool are_known =
      std::any_of(chunks.begin(), chunks.end(), [](const Chunk& c) { return c.tokens > 0; });
  if (are_known) {
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      tokens[i] = std::clamp(chunks[i].tokens, 1u, std::max(chunks[i].bytes, chunk_tokens_max));
    }
    return tokens;
  }
  // Servers hold partial characters back, so that a few per cent fewer chunks than tokens is still
  // one a chunk.
  if (static_cast<double>(output_tokens) <= 1.15 * static_cast<double>(chunks.size()))
    return tokens;
  double bytes = 0.0;
  for (const Chunk& chunk : chunks) bytes += chunk.bytes;
  if (bytes == 0.0) return tokens;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const double part = output_tokens * chunks[i].bytes / bytes;
    // Each token is a byte at least: a server that claims billions of them does not fill our
    // memory.
    tokens[i] = static_cast<std::uint32_t>(
        std::clamp(std::round(part), 1.0, std::max<double>(1.0, chunks[i].bytes)));
  }
  return tokens;
}

std::optional<double> value_of(Metric metric, const Record& record, std::uint32_t out_tokens) {
  switch (metric) {
    case Metric::ttft:
      return ms_between(record.sent, first_token(record));
    case Metric::ttft_from_due:
      return ms_between(record.due, first_token(record));
    case Metric::ttfo:
      return ms_between(record.sent, first_output_token(record));
    case Metric::tpot:
      return tpot_ms(record, out_tokens);
    case Metric::e2e:
      return ms_between(record.sent, answer_end(record));
    case Metric::e2e_from_due:
      return ms_between(record.due, answer_end(record));
    case Metric::input_tokens:
      return input_tokens(record).tokens;
    case Metric::output_tokens:
      return out_tokens;
    case Metric::client_lag:
      return to_ms(record.client_lag);
    case Metric::send_lag:
      return happened(record.sent) ? std::optional(to_ms(own_send_lag(record))) : std::nullopt;
    case Metric::itl:
    case Metric::chunk_gap:
      break;
  }
  TACHO_ASSERT(false);
  return std::nullopt;
}

}  // namespace tacho
