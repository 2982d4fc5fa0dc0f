#include "ui/frame.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

TEST_CASE("what is drawn outside of a frame is cut off") {
  Frame frame(5, 2);
  frame.put(-2, 0, "abcd");
  frame.put(3, 1, "wxyz", {}, 10);
  frame.set(9, 9, U'!');
  CHECK(frame.row(0) == "cd");
  CHECK(frame.row(1) == "   w…");
  CHECK(frame.text() == "cd\n   w…\n");
}

TEST_CASE("a wide character takes two columns and is never halved") {
  Frame frame(6, 2);
  CHECK(frame.put(0, 0, "模型x") == 5);
  CHECK(frame.at(1, 0).glyph == 0);
  CHECK(frame.put(0, 1, "a模型推理") == 6);
  CHECK(frame.row(1) == "a模型…");
}

TEST_CASE("control characters in a command cannot reach the terminal") {
  Frame frame(8, 1);
  frame.put(0, 0, "a\x1b[31mb");
  CHECK(frame.row(0) == "a [31mb");
}

TEST_CASE("an ASCII frame has lines, blocks and braille as characters that are like them") {
  Frame frame(8, 1);
  frame.put(0, 0, "─│█⣿⠀é");
  frame.make_ascii();
  CHECK(frame.row(0) == "-|## ?");
}

TEST_CASE("text at the right ends at the right, and is cut at its end when it is too long") {
  Frame frame(8, 2);
  frame.put_right(0, 0, 6, "abc");
  frame.put_right(0, 1, 3, "abcdef");
  CHECK(frame.row(0) == "   abc");
  CHECK(frame.row(1) == "ab…");
}

}  // namespace
}  // namespace tacho
