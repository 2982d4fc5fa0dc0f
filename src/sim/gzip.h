// gzip for the fault of that name: a stream that a decoder has to undo, piece by piece. It saves
// nothing, because it looks for no repetition; a compression library is not worth it here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tacho {

/// Writes one gzip member (RFC 1952).
class GzipWriter {
 public:
  /// What stands for these bytes. All of them can be decoded from it and what went before; the
  /// last call ends the member.
  std::string add(std::string_view bytes, bool is_last);

 private:
  void put(std::uint32_t bits, int count);
  void put_code(std::uint32_t code, int length);

  std::string out_;
  std::uint32_t pending_ = 0;  ///< Bits that do not fill a byte yet, the first one lowest.
  int pending_count_ = 0;
  std::uint32_t checksum_ = ~0u;
  std::uint32_t size_ = 0;
  bool has_begun_ = false;
};

}  // namespace tacho
