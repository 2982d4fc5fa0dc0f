// What a key or a click does to the view: a pure step, so that tests can type.
#pragma once

#include "ui/view.h"

namespace tacho {

/// Keys that are no character.
enum class KeyCode {
  character,
  enter,
  escape,
  backspace,
  tab,
  up,
  down,
  left,
  right,
  home,
  end,
  page_up,
  page_down,
  f1,
  f4,
  f5,
  click,
  wheel_up,
  wheel_down,
};

/// A key, or something that the mouse did.
struct Key {
  KeyCode code = KeyCode::character;
  char32_t character = 0;  ///< Control keys as typed: ^C is 3.
  int x = 0, y = 0;        ///< Of the mouse.
};

/// What remains to be done after a key.
struct Action {
  enum class Kind { none, quit, interrupt, redraw, send_signal } kind = Kind::none;
  int signal = 0;
  std::vector<int> pids;
};

/// Applies a key to the view. `picture` is the one that the user saw.
Action apply_key(const Key& key, const ScreenInput& input, const Picture& picture, ViewState& view);

}  // namespace tacho
