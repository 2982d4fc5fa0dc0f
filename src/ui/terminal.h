// The terminal that a screen is on: its size, its keys and mouse, its colours; and that it is left
// as it was found, however the program ends.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "ui/frame.h"
#include "ui/keys.h"

namespace tacho {

/// How the terminal is used.
struct TerminalOptions {
  bool is_light = false;  ///< Colours for dark text on a light ground.
  bool has_colours = true;
  bool is_ascii = false;
};

/// An error where there is no terminal to show a screen on.
Status require_terminal();

/// A terminal in full-screen mode, until dropped. There is at most one.
class Terminal {
 public:
  /// Takes the terminal over; the error says why it cannot be.
  static Result<std::unique_ptr<Terminal>> open(const TerminalOptions& options);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Its size now, in cells.
  int width() const;
  int height() const;
  /// Shows a frame; only what changed is written.
  void show(const Frame& frame);
  /// Writes everything anew with the next frame: something else may have written to the terminal.
  void forget();
  /// Waits for a key at most that long; nothing when there was none, or only the size changed.
  std::optional<Key> wait_key(Duration limit);
  /// True after SIGINT from outside, SIGTERM, SIGHUP or SIGQUIT: it is time to end.
  bool is_ended() const;

 private:
  struct State;
  explicit Terminal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tacho
