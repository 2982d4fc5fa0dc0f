// What a screen shows, as cells: a glyph and what it means. Panels draw into a frame, tests read it
// as text, and only terminal.cpp knows how it gets onto a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

/// What a piece of text means; the terminal picks the colour.
enum class Role : std::uint8_t {
  plain,
  dim,       ///< Beside the point: headings, missing and old values, others' processes.
  border,    ///< Lines and the empty part of bars.
  title,     ///< Names of panels.
  accent,    ///< Keys, and graphs that are no load.
  good,      ///< A light load.
  moderate,  ///< A middling load, or worth a look.
  heavy,     ///< A heavy load, or wrong.
};

/// How a cell is drawn.
struct Style {
  Role role = Role::plain;
  bool is_bold = false;
  bool is_reverse = false;
  friend bool operator==(const Style&, const Style&) = default;
};

/// One character of the screen. The right half of a wide one has the glyph 0.
struct Tile {
  char32_t glyph = U' ';
  Style style;
  friend bool operator==(const Tile&, const Tile&) = default;
};

/// A rectangle of cells.
struct Area {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  bool holds(int px, int py) const {
    return px >= x && px < x + width && py >= y && py < y + height;
  }
};

/// Cells in rows. Whatever is drawn outside is cut off.
class Frame {
 public:
  Frame(int width, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  Area area() const { return {0, 0, width_, height_}; }
  const Tile& at(int x, int y) const;

  /// Draws one glyph that is one column wide.
  void set(int x, int y, char32_t glyph, Style style = {});
  /// Draws a text of one line within [x, x + most); "…" ends one that is cut. Returns the column
  /// after it. Control characters become spaces.
  int put(int x, int y, std::string_view text, Style style = {}, int most = 1 << 20);
  /// The same, right-aligned in the `width` columns from x.
  void put_right(int x, int y, int width, std::string_view text, Style style = {});
  /// Fills with one glyph.
  void fill(const Area& area, char32_t glyph, Style style = {});
  /// Changes the style of what is there, not the glyphs.
  void restyle(const Area& area, Style style);
  /// Copies rows of another frame of the same width to row `y`.
  void paste(const Frame& other, int y);
  /// Replaces every glyph that is not ASCII by one that is like it.
  void make_ascii();

  /// All rows as text, without spaces at their ends.
  std::string text() const;
  /// One row as text, without spaces at its end.
  std::string row(int y) const;

 private:
  Tile* cell(int x, int y);
  int width_ = 0;
  int height_ = 0;
  std::vector<Tile> cells_;
};

}  // namespace tacho
