// The whole screen as a pure function: readings, what was chosen, and a size become a picture.
#pragma once

#include "ui/view.h"

namespace tacho {

/// Draws the screen. Below 40 × 10 it only says that it needs more room.
Picture draw_screen(const ScreenInput& input, const ViewState& view, int width, int height);

}  // namespace tacho
