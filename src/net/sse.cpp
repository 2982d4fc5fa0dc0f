#include "net/sse.h"

#include <algorithm>

namespace tacho {

/// Moves one line's end out of `bytes`. False when the line goes on in the next bytes.
bool SseParser::take_line(std::string_view& bytes) {
  if (skips_line_feed_) {
    skips_line_feed_ = false;
    if (bytes.front() == '\n') bytes.remove_prefix(1);
    if (bytes.empty()) return false;
  }
  // Two searches for one byte each are several times faster than one for either.
  const auto line_feed = bytes.find('\n');
  const auto end = std::min(line_feed, bytes.substr(0, line_feed).find('\r'));
  const auto piece = bytes.substr(0, end);
  if (end == std::string_view::npos) {
    line_ += piece;
    bytes = {};
    return false;
  }
  skips_line_feed_ = bytes[end] == '\r';
  bytes.remove_prefix(end + 1);
  if (line_.empty()) {
    current_ = piece;
  } else {
    line_ += piece;
    current_ = line_;
  }
  return true;
}

/// Reads the current line. True when it ends an event that has data.
bool SseParser::end_line() {
  std::string_view line = current_.empty() ? std::string_view(line_) : current_;
  if (is_at_start_) {
    is_at_start_ = false;
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  }
  const bool is_event_end = line.empty() && has_data_;
  if (line.starts_with("data") && (line.size() == 4 || line[4] == ':')) {
    line.remove_prefix(line.size() == 4 ? 4 : 5);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += line;
    has_data_ = true;
  }
  line_.clear();
  current_ = {};
  return is_event_end;
}

}  // namespace tacho
