#include "ui/frame.h"

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "base/utf8.h"

namespace tacho {
namespace {

constexpr char32_t ellipsis = U'…';

/// How an ASCII terminal shows a glyph of ours: lines as - | +, blocks as #, a braille cell by how
/// many of its dots are set.
char32_t ascii_like(char32_t glyph) {
  if (glyph < 0x80) return glyph;
  if (glyph >= 0x2800 && glyph <= 0x28FF) {
    constexpr char32_t by_dots[] = U" ..::||##";
    return by_dots[std::popcount(static_cast<std::uint32_t>(glyph - 0x2800))];
  }
  if (glyph >= 0x2581 && glyph <= 0x2588) {  // Eighths of a block, from below.
    constexpr char32_t by_height[] = U"__..--##";
    return by_height[glyph - 0x2581];
  }
  if (glyph >= 0x2589 && glyph <= 0x258F) return glyph <= 0x258B ? U'#' : U' ';
  switch (glyph) {
    case U'─':
    case U'━':
    case U'–':
      return U'-';
    case U'│':
      return U'|';
    case U'…':
    case U'·':
      return U'.';
    case U'▲':
    case U'↑':
      return U'^';
    case U'▼':
    case U'↓':
      return U'v';
    case U'×':
      return U'x';
    case U'●':
      return U'*';
    default:
      return glyph >= 0x2500 && glyph < 0x2580 ? U'+' : U'?';
  }
}

}  // namespace

Frame::Frame(int width, int height)
    : width_(std::max(width, 0)),
      height_(std::max(height, 0)),
      cells_(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_)) {}

Tile* Frame::cell(int x, int y) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return nullptr;
  return &cells_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                 static_cast<std::size_t>(x)];
}

const Tile& Frame::at(int x, int y) const {
  static const Tile outside;
  const Tile* found = const_cast<Frame*>(this)->cell(x, y);
  return found != nullptr ? *found : outside;
}

void Frame::set(int x, int y, char32_t glyph, Style style) {
  if (Tile* found = cell(x, y)) *found = {glyph, style};
}

int Frame::put(int x, int y, std::string_view text, Style style, int most) {
  const int end = most < width_ - x ? x + most : width_;
  if (x >= end) return x;
  const bool is_cut = static_cast<int>(display_width(text)) > end - x;
  const int last = is_cut ? end - 1 : end;
  for (std::size_t i = 0; i < text.size();) {
    char32_t glyph = next_code_point(text, i);
    if (glyph < 0x20 || (glyph >= 0x7F && glyph < 0xA0)) glyph = U' ';
    const int columns = column_width(glyph);
    if (columns == 0) continue;
    if (x + columns > last) break;
    set(x, y, glyph, style);
    if (columns == 2) set(x + 1, y, 0, style);
    x += columns;
  }
  if (is_cut) set(x++, y, ellipsis, style);
  return x;
}

void Frame::put_right(int x, int y, int width, std::string_view text, Style style) {
  const int spare = width - static_cast<int>(display_width(text));
  put(x + std::max(spare, 0), y, text, style, width - std::max(spare, 0));
}

void Frame::fill(const Area& area, char32_t glyph, Style style) {
  for (int y = area.y; y < area.y + area.height; ++y) {
    for (int x = area.x; x < area.x + area.width; ++x) set(x, y, glyph, style);
  }
}

void Frame::restyle(const Area& area, Style style) {
  for (int y = area.y; y < area.y + area.height; ++y) {
    for (int x = area.x; x < area.x + area.width; ++x) {
      if (Tile* found = cell(x, y)) found->style = style;
    }
  }
}

void Frame::paste(const Frame& other, int y) {
  for (int row = 0; row < other.height_; ++row) {
    for (int x = 0; x < other.width_; ++x) {
      if (Tile* found = cell(x, y + row)) *found = other.at(x, row);
    }
  }
}

void Frame::make_ascii() {
  for (Tile& one : cells_) {
    if (one.glyph == 0) {
      one.glyph = U'?';
    } else {
      one.glyph = ascii_like(one.glyph);
    }
  }
}

std::string Frame::row(int y) const {
  std::string out;
  for (int x = 0; x < width_; ++x) {
    if (at(x, y).glyph != 0) append_utf8(out, at(x, y).glyph);
  }
  out.resize(out.find_last_not_of(' ') + 1);
  return out;
}

std::string Frame::text() const {
  std::string out;
  for (int y = 0; y < height_; ++y) out += row(y) + "\n";
  return out;
}

}  // namespace tacho
