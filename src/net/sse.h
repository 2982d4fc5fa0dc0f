// Server-sent events (WHATWG HTML, 9.2.6) without sockets: bytes in, the data of each event out.
// Cuts at any byte, CR, LF and CRLF line ends, comments, a byte order mark and data of several
// lines are all read as the standard says.
#pragma once

#include <string>
#include <string_view>

namespace tacho {

/// Reads one event stream.
class SseParser {
 public:
  /// An event's data is at most this long; a server that sends more is broken or hostile.
  static constexpr std::size_t event_bytes_max = 16u << 20;

  /// Feeds bytes; calls `on_event(std::string_view data)` for each event they complete, in order.
  /// An event without data is none. False when a line or an event grew past its bound; the stream
  /// is then not to be fed any more.
  template <class OnEvent>
  bool feed(std::string_view bytes, OnEvent&& on_event) {
    while (!bytes.empty()) {
      if (!take_line(bytes)) return !is_too_long();
      if (end_line()) {
        on_event(std::string_view(data_));
        data_.clear();
        has_data_ = false;
      }
    }
    return !is_too_long();
  }

  /// The stream has ended. Some servers leave out the empty line after the last event; the standard
  /// would drop it, we hand it out, for it was sent.
  template <class OnEvent>
  void finish(OnEvent&& on_event) {
    if (!line_.empty()) end_line();
    if (has_data_) on_event(std::string_view(data_));
    *this = SseParser();
  }

 private:
  bool take_line(std::string_view& bytes);
  bool end_line();
  bool is_too_long() const { return line_.size() + data_.size() > event_bytes_max; }

  std::string line_;  ///< The line so far, when it did not end in the bytes fed.
  std::string_view current_;
  std::string data_;
  bool has_data_ = false;
  bool skips_line_feed_ = false;  ///< The line ended with CR: an LF right after it belongs to it.
  bool is_at_start_ = true;
};

}  // namespace tacho
