#include "sim/gzip.h"

#include <utility>

namespace tacho {
namespace {

/// CRC-32 as gzip has it (RFC 1952, 8), bit by bit.
std::uint32_t checksum_of(std::uint32_t checksum, std::string_view bytes) {
  for (const char c : bytes) {
    checksum ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) checksum = checksum >> 1 ^ ((checksum & 1u) != 0 ? 0xedb88320u : 0);
  }
  return checksum;
}

void append_word(std::string& out, std::uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(word >> shift & 0xffu);
}

}  // namespace

void GzipWriter::put(std::uint32_t bits, int count) {
  pending_ |= bits << pending_count_;
  pending_count_ += count;
  for (; pending_count_ >= 8; pending_count_ -= 8, pending_ >>= 8) {
    out_ += static_cast<char>(pending_ & 0xffu);
  }
}

/// Codes go in with their highest bit first, all else with its lowest (RFC 1951, 3.1.1).
void GzipWriter::put_code(std::uint32_t code, int length) {
  for (int i = length - 1; i >= 0; --i) put(code >> i & 1u, 1);
}

std::string GzipWriter::add(std::string_view bytes, bool is_last) {
  if (!std::exchange(has_begun_, true)) {
    out_ += std::string_view("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  }
  checksum_ = checksum_of(checksum_, bytes);
  size_ += static_cast<std::uint32_t>(bytes.size());
  put(0b010, 3);  // A block with the fixed codes (RFC 1951, 3.2.6), not the last one.
  for (const char c : bytes) {
    const std::uint32_t literal = static_cast<unsigned char>(c);
    if (literal < 144) {
      put_code(0x30 + literal, 8);
    } else {
      put_code(0x190 + literal - 144, 9);
    }
  }
  put_code(0, 7);
  // An empty stored block fills up the byte, as a flush does.
  put(is_last ? 1 : 0, 3);
  if (pending_count_ > 0) put(0, 8 - pending_count_);
  append_word(out_, 0xffff0000u);
  if (is_last) {
    append_word(out_, ~checksum_);
    append_word(out_, size_);
  }
  return std::exchange(out_, "");
}

}  // namespace tacho
