// Stands between a listening socket and who serves its connections, and lets some of them meet a
// mishap before a request is read: what a server that is short of threads, a broken proxy or a
// failing TLS terminator does. Connections without one pass through untouched.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "net/loop.h"

namespace tacho {

/// What becomes of one connection.
struct ConnectionMishap {
  enum class End : std::uint8_t {
    none,
    close,  ///< Our side ends.
    reset,  ///< The connection is broken.
  };
  Duration wait{0};             ///< For so long nothing is read from it.
  End end = End::none;          ///< How it ends before its time ...
  std::size_t after_bytes = 0;  ///< ... once so many bytes have been written, those of TLS among
                                ///< them; 0: in place of an answer to the first that come in.

  bool is_any() const { return wait > Duration(0) || end != End::none; }
};

/// Hands connections on. Must outlive them.
class Doorway final : public AcceptHandler {
 public:
  /// `draw` is asked once for each connection; `next` takes it.
  Doorway(Loop& loop, AcceptHandler& next, std::function<ConnectionMishap()> draw);
  ~Doorway() override;
  StreamHandler& on_accept(StreamPtr stream) override;

 private:
  friend class StruckStream;
  /// Takes one that has waited out of those that wait; null: it is none of them.
  StreamPtr take(const Stream& stream);

  Loop& loop_;
  AcceptHandler& next_;
  std::function<ConnectionMishap()> draw_;
  std::vector<StreamPtr> waiting_;
};

}  // namespace tacho
