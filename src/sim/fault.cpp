#include "sim/fault.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "sim/words.h"

namespace tacho {
namespace {

using Kind = Fault::Kind;

/// A name, and its argument's default and largest value (0: it takes none).
struct FaultRow {
  std::string_view name;
  Kind kind;
  std::int64_t otherwise = 0;
  std::int64_t most = 0;
};

constexpr std::int64_t ms_max = 3'600'000;
constexpr std::int64_t count_max = 1'000'000;

constexpr std::array<FaultRow, 44> fault_rows{{
    {"rst_mid", Kind::reset_mid, 0, count_max},
    {"fin_mid", Kind::close_mid, 0, count_max},
    {"half_close", Kind::half_close, 0, count_max},
    {"no_done", Kind::no_done},
    {"error_in_stream", Kind::error_in_stream, 0, count_max},
    {"malformed", Kind::malformed, 0, count_max},
    {"no_answer", Kind::no_answer},
    {"slow_headers", Kind::slow_headers, 1000, ms_max},
    {"slow_first_byte", Kind::slow_first_byte, 1000, ms_max},
    {"stall_mid", Kind::stall_mid, 1000, ms_max},
    {"keepalive_race", Kind::keepalive_race},
    {"abort_reason", Kind::abort_reason},
    {"content_filter", Kind::content_filter},
    {"usage_wrong", Kind::usage_wrong, 7, count_max},
    {"usage_missing", Kind::usage_missing},
    {"wrong_model", Kind::wrong_model},
    {"corrupt", Kind::corrupt},
    {"empty_text", Kind::empty_text},
    {"multi_token", Kind::multi_token, 4, count_max},
    {"coalesce", Kind::coalesce, 4, count_max},
    {"split", Kind::split, 16, count_max},
    {"chunks", Kind::chunks, 16, count_max},
    {"reasoning", Kind::reasoning},
    {"tool_calls", Kind::tool_calls},
    {"finish_separate", Kind::finish_separate},
    {"chunk_extensions", Kind::chunk_extensions},
    {"trailers", Kind::trailers},
    {"sse_crlf", Kind::sse_crlf},
    {"sse_cr", Kind::sse_cr},
    {"sse_multiline", Kind::sse_multiline},
    {"sse_comments", Kind::sse_comments},
    {"sse_nospace", Kind::sse_nospace},
    {"sse_bom", Kind::sse_bom},
    {"truncated_utf8", Kind::truncated_utf8, 0, count_max},
    {"nul", Kind::nul, 0, count_max},
    {"huge_event", Kind::huge_event, 1024, 262144},
    {"until_close", Kind::until_close},
    {"gzip", Kind::gzip},
    {"fingerprint", Kind::fingerprint},
    {"deadline", Kind::deadline, 1000, ms_max},
    {"accept_delay", Kind::accept_delay, 1000, ms_max},
    {"accept_close", Kind::accept_close, 0, count_max},
    {"accept_reset", Kind::accept_reset, 0, count_max},
    {"refuse", Kind::refuse},
}};

constexpr std::array<std::pair<std::string_view, Fault::HeaderStyle>, 4> header_styles{{
    {"date", Fault::HeaderStyle::date},
    {"bare", Fault::HeaderStyle::bare},
    {"flat", Fault::HeaderStyle::flat},
    {"html", Fault::HeaderStyle::html},
}};

std::optional<Fault> parse_status(std::string_view name, std::string_view argument) {
  if (!name.starts_with("http_")) return std::nullopt;
  const auto status = parse_integer(name.substr(5));
  if (!status || *status < 400 || *status > 599) return std::nullopt;
  Fault fault{Kind::http_status, static_cast<int>(*status), 1};
  if (argument.empty()) return fault;
  for (const auto& [word, style] : header_styles) {
    if (word != argument) continue;
    fault.style = style;
    return fault;
  }
  const auto seconds = parse_integer(argument);
  if (!seconds || *seconds < 0 || *seconds > ms_max) return std::nullopt;
  fault.argument = *seconds;
  return fault;
}

Result<Fault> with_argument(const FaultRow& row, std::string_view text, std::string_view argument) {
  Fault fault{row.kind, 0, row.otherwise};
  if (argument.empty()) return fault;
  const auto number = parse_integer(argument);
  if (row.most == 0) return input_error(format("fault '{}': {} takes no argument", text, row.name));
  if (!number || *number < 1 || *number > row.most) {
    return input_error(
        format("fault '{}': its argument is a whole number from 1 to {}", text, row.most));
  }
  fault.argument = *number;
  return fault;
}

bool read_window(std::string_view text, FaultRule& rule) {
  const auto dash = text.find('-');
  const auto from = parse_number(text.substr(0, dash));
  const auto until =
      dash == std::string_view::npos ? std::nullopt : parse_number(text.substr(dash + 1));
  constexpr double most = 1e9;
  if (!from || !until || *from < 0.0 || *until <= *from || *until > most) return false;
  rule.from = from_s(*from);
  rule.until = from_s(*until);
  return true;
}

/// Reads what stands behind a rule's name: how often, and in which window.
Status read_when(std::string_view when, std::string_view text, FaultRule& rule) {
  if (const auto at = when.rfind('@'); at != std::string_view::npos && at > 0) {
    if (!read_window(when.substr(at + 1), rule)) {
      return input_error(
          format("'{}': a window is two numbers of seconds, such as rst_mid=0.5@10-20", text));
    }
    when = when.substr(0, at);
  }
  if (when.starts_with('/') || when.starts_with('@')) {
    const auto number = parse_integer(when.substr(1));
    if (!number || *number < 1)
      return input_error(format("'{}': after / or @ comes the number of a request", text));
    (when[0] == '/' ? rule.every : rule.only) = static_cast<std::uint64_t>(*number);
    return Nothing{};
  }
  const auto probability = parse_number(when);
  if (!probability || *probability < 0.0 || *probability > 1.0) {
    return input_error(format("'{}': a probability is a number from 0 to 1", text));
  }
  rule.probability = *probability;
  return Nothing{};
}

/// The text of an event over two lines of data; JSON may have a line end after its first comma.
std::string in_two_lines(std::string_view line) {
  const auto comma = line.find(',');
  if (!line.starts_with("data: {") || comma == std::string_view::npos) return std::string(line);
  return format("{}\ndata: {}", line.substr(0, comma + 1), line.substr(comma + 1));
}

std::string_view line_end(Kind kind) {
  return kind == Kind::sse_crlf ? "\r\n" : kind == Kind::sse_cr ? "\r" : "\n";
}

}  // namespace

Fault::Scope scope_of(Fault::Kind kind) {
  switch (kind) {
    case Kind::accept_delay:
    case Kind::accept_close:
    case Kind::accept_reset:
      return Fault::Scope::connection;
    case Kind::refuse:
      return Fault::Scope::listener;
    default:
      return Fault::Scope::request;
  }
}

std::vector<FaultRule> rules_for(const std::vector<FaultRule>& rules, Fault::Scope scope) {
  std::vector<FaultRule> found;
  for (const FaultRule& rule : rules) {
    if (scope_of(rule.fault.kind) == scope) found.push_back(rule);
  }
  return found;
}

std::vector<std::string> fault_names() {
  std::vector<std::string> names{"http_400 ... http_599"};
  for (const FaultRow& row : fault_rows) names.emplace_back(row.name);
  return names;
}

Result<Fault> parse_fault(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view argument =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (const auto status = parse_status(name, argument)) return *status;
  for (const FaultRow& row : fault_rows) {
    if (row.name == name) return with_argument(row, text, argument);
  }
  return input_error(format("unknown fault '{}'; there are {}", text, join(fault_names(), ", ")));
}

std::string name_of(const Fault& fault) {
  if (fault.kind == Kind::http_status) return format("http_{}", fault.status);
  for (const FaultRow& row : fault_rows) {
    if (row.kind == fault.kind) return std::string(row.name);
  }
  return "none";
}

Result<FaultRule> parse_fault_rule(std::string_view text) {
  const auto equals = text.rfind('=');
  const std::size_t name_end = equals != std::string_view::npos ? equals : text.rfind('@');
  if (name_end == std::string_view::npos) {
    return input_error(
        format("'{}': a fault is given as name=probability, such as rst_mid=0.01", text));
  }
  auto fault = parse_fault(text.substr(0, name_end));
  if (!fault) return fault.error();
  FaultRule rule{*fault};
  rule.text = text;
  const std::string when = (name_end == equals ? "" : "1") +
                           std::string(text.substr(name_end == equals ? equals + 1 : name_end));
  if (auto status = read_when(when, text, rule); !status) return status.error();
  const bool is_whole = rule.probability == 1.0 && rule.until != Duration::max();
  if (scope_of(rule.fault.kind) == Fault::Scope::listener && !is_whole) {
    return input_error(format("'{}': {} strikes all who come in a window of seconds: {}@10-20",
                              text, name_of(rule.fault), name_of(rule.fault)));
  }
  return rule;
}

Fault draw_fault(const std::vector<FaultRule>& rules, std::uint64_t seed, std::uint64_t request,
                 Duration at) {
  double drawn = uniform_of(mix_bits(seed ^ 0xfa017u, request));
  const std::uint64_t number = request + 1;
  for (const FaultRule& rule : rules) {
    const bool is_open = at >= rule.from && at < rule.until;
    const bool is_meant = rule.only == number || (rule.every != 0 && number % rule.every == 0);
    if (is_open && (is_meant || drawn < rule.probability)) return rule.fault;
    // A rule whose window is shut keeps its share: those after it strike the same requests.
    drawn -= rule.probability;
    if (drawn < 0.0) drawn = 2.0;
  }
  return {};
}

std::string restyled(std::string_view events, const Fault& fault, bool is_first) {
  std::string out = fault.kind == Kind::sse_bom && is_first ? "\xef\xbb\xbf" : "";
  for (std::size_t at = 0; at < events.size();) {
    const std::size_t end = std::min(events.find('\n', at), events.size() - 1);
    std::string_view line = events.substr(at, end - at);
    at = end + 1;
    if (fault.kind == Kind::sse_comments && line.starts_with("data: ")) {
      out += ": a comment\nevent: message\nid: 7\nretry: 3000\n";
    }
    if (fault.kind == Kind::sse_nospace && line.starts_with("data: ")) {
      out += "data:";
      line.remove_prefix(6);
    }
    if (fault.kind == Kind::sse_multiline) {
      out += in_two_lines(line);
    } else {
      out += line;
    }
    out += line_end(fault.kind);
  }
  return out;
}

}  // namespace tacho
