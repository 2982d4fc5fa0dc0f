// How functions say that the world around a run was not as needed: a value, or one Error that can
// be shown to the user as it is. What a server does while it is measured is no Error but an
// Outcome.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace tacho {

/// One line for the user: what is wrong, where, and what to do. Decides the exit code.
struct Error {
  enum class Kind {
    input,  ///< What was typed or handed in (flag, file, model name): exit code 2.
    world,  ///< What surrounds the run (connection, TLS, permission, disk): exit code 4.
  };
  Kind kind = Kind::input;
  std::string message;
};

/// An Error about what was typed or handed in.
inline Error input_error(std::string message) { return {Error::Kind::input, std::move(message)}; }

/// An Error about the machine, the disk or the network.
inline Error world_error(std::string message) { return {Error::Kind::world, std::move(message)}; }

/// A value or an Error. Asking for the one that is not there is a bug.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: implicit on purpose

  /// True when there is a value.
  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    TACHO_ASSERT(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    TACHO_ASSERT(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    TACHO_ASSERT(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    TACHO_ASSERT(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value.
struct Nothing {};

/// What a function returns that can only fail or be done.
using Status = Result<Nothing>;

}  // namespace tacho
