// Who said when bytes arrived. The three sources differ by what disturbs them, so every receipt,
// record and summary names its own.
#pragma once

#include <cstdint>
#include <string_view>

namespace tacho {

/// The source of an arrival time, weakest first.
enum class Stamps : std::uint8_t {
  read,    ///< The clock when we read the bytes: late by as much as this thread was.
  socket,  ///< The kernel's receive stamp of the read's last byte (SO_TIMESTAMPING).
  tap,     ///< The kernel's note of each segment, matched by sequence number (net/tap.h).
};

/// Its name in files and tables.
constexpr std::string_view stamps_name(Stamps stamps) {
  return stamps == Stamps::tap ? "tap" : stamps == Stamps::socket ? "socket" : "read";
}

/// The source of that name; `socket` for anything else, which is what older journals mean by none.
constexpr Stamps stamps_from_name(std::string_view name) {
  return name == "tap" ? Stamps::tap : name == "read" ? Stamps::read : Stamps::socket;
}

}  // namespace tacho
