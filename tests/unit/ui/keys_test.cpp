// Typing and clicking, without a terminal.
#include "ui/keys.h"

#include <doctest/doctest.h>
#include <signal.h>

#include "small_world.h"
#include "ui/processes.h"
#include "ui/screen.h"

namespace tacho {
namespace {

/// Someone at an 80 × 24 screen of four GPUs.
struct Typist {
  World world{4};
  ScreenInput input = world.input();
  ViewState view;

  Picture picture() const { return draw_screen(input, view, 80, 24); }
  Action press(Key key) { return apply_key(key, input, picture(), view); }
  Action press(KeyCode code) { return press(Key{code}); }
  Action type(std::u32string_view text) {
    Action action;
    for (const char32_t c : text) action = press(Key{KeyCode::character, c});
    return action;
  }
  Action click(std::string_view text, int lines_below = 0) {
    const Picture seen = picture();
    for (int y = 0; y < seen.frame.height(); ++y) {
      const std::string row = seen.frame.row(y);
      const std::size_t at = row.find(text);
      if (at == std::string::npos) continue;
      const int x = static_cast<int>(display_width(std::string_view(row).substr(0, at)));
      return press(Key{KeyCode::click, 0, x, y + lines_below});
    }
    FAIL("not on the screen: " << text);
    return {};
  }
  std::vector<int> pids() const {
    std::vector<int> out;
    for (const ProcessRow& row : process_rows(input, view)) out.push_back(row.id.pid);
    return out;
  }
};

using Pids = std::vector<int>;
using Kind = Action::Kind;

TEST_CASE("q quits, and ^C too as long as no process is selected") {
  Typist typist;
  CHECK(typist.type(U"q").kind == Kind::quit);
  CHECK(typist.type(U"\x03").kind == Kind::interrupt);
  typist.press(KeyCode::down);
  CHECK(typist.type(U"\x03").kind == Kind::none);
  REQUIRE(typist.view.question.has_value());
  CHECK(typist.view.question->signal == SIGINT);
}

TEST_CASE("the order is chosen with o and a letter, reversed with a capital or a slash") {
  Typist typist;
  CHECK(typist.pids() == Pids{4000, 4011, 4022, 4033});
  typist.type(U"og");
  CHECK(typist.pids() == Pids{4033, 4022, 4011, 4000});
  typist.type(U"oG");
  CHECK(typist.pids() == Pids{4000, 4011, 4022, 4033});
  typist.type(U"/");
  CHECK(typist.pids() == Pids{4033, 4022, 4011, 4000});
  typist.type(U"ou");
  CHECK(typist.pids() == Pids{4000, 4011, 4033, 4022});
  typist.type(U"on.");
  CHECK(typist.view.sort == SortKey::user);
}

TEST_CASE("a filter leaves those whose user, command or pid has the text") {
  Typist typist;
  typist.type(U"\\GUESX");
  typist.press(KeyCode::backspace);
  CHECK(typist.pids() == Pids{4022});
  typist.type(U"q");  // A letter of the filter, not the end.
  CHECK(typist.pids().empty());
  typist.press(KeyCode::backspace);
  typist.press(KeyCode::enter);
  CHECK(typist.type(U"q").kind == Kind::quit);
  typist.press(KeyCode::escape);
  CHECK(typist.pids().size() == 4);
}

TEST_CASE("a signal is sent after y alone, to the tagged, each process once") {
  Typist typist;
  typist.press(KeyCode::down);
  typist.type(U"  T");
  REQUIRE(typist.view.question.has_value());
  CHECK(typist.picture().frame.text().find("Send SIGTERM to 2 processes?") != std::string::npos);
  CHECK(typist.press(KeyCode::enter).kind == Kind::none);  // No is what is chosen at first.
  CHECK_FALSE(typist.view.question.has_value());
  typist.type(U"K");
  const Action action = typist.type(U"y");
  CHECK(action.kind == Kind::send_signal);
  CHECK(action.signal == SIGKILL);
  CHECK(action.pids == Pids{4000, 4011});
  CHECK(typist.view.tagged.empty());
}

TEST_CASE("other keys do not answer the question") {
  Typist typist;
  typist.press(KeyCode::down);
  typist.type(U"T");
  for (const char32_t c : std::u32string_view(U"xKT oh ")) {
    CHECK(typist.press(Key{KeyCode::character, c}).kind == Kind::none);
    CHECK(typist.view.question.has_value());
  }
  CHECK(typist.press(KeyCode::escape).kind == Kind::none);
  CHECK_FALSE(typist.view.question.has_value());
}

TEST_CASE("read only, and on another machine, no question is asked") {
  Typist typist;
  typist.view.is_readonly = true;
  typist.press(KeyCode::down);
  typist.type(U"K");
  CHECK_FALSE(typist.view.question.has_value());
  CHECK(typist.view.message.find("read only") != std::string::npos);
  typist.view.is_readonly = false;
  typist.input.is_remote = true;
  typist.type(U"K");
  CHECK_FALSE(typist.view.question.has_value());
}

TEST_CASE("a process that has ended cannot be sent a signal") {
  Typist typist;
  typist.press(KeyCode::down);
  std::erase_if(typist.world.snapshot.subjects, [](const Subject& subject) {
    return subject.kind == SubjectKind::process && label(subject.labels, "pid") == "4000";
  });
  typist.type(U"T");
  CHECK_FALSE(typist.view.question.has_value());
}

TEST_CASE("clicks select rows, order by headings, pick devices and answer") {
  Typist typist;
  typist.click("4022");
  CHECK(typist.view.selected == RowId{4022, "2"});
  typist.click("%CPU");
  CHECK(typist.view.sort == SortKey::cpu);
  typist.click("%CPU");
  CHECK(typist.view.is_reversed);
  typist.click("   1  40C");
  CHECK(typist.view.device == "nvidia:1");
  typist.type(U"T");
  typist.click("q quit");  // Behind the question.
  CHECK(typist.view.question.has_value());
  CHECK(typist.click("[ y").kind == Kind::send_signal);
  CHECK(typist.click("quit").kind == Kind::quit);
}

TEST_CASE("help lists the keys, and any key closes it") {
  Typist typist;
  typist.type(U"?");
  CHECK(typist.picture().frame.text().find("send INT, TERM, KILL") != std::string::npos);
  typist.type(U"q");
  CHECK(typist.view.overlay == Overlay::none);
}

TEST_CASE("Enter shows one process over time, Escape goes back") {
  Typist typist;
  typist.press(KeyCode::down);
  typist.press(KeyCode::enter);
  CHECK(typist.picture().frame.text().find("Process 4000") != std::string::npos);
  typist.press(KeyCode::escape);
  CHECK(typist.picture().frame.text().find("Devices") != std::string::npos);
  CHECK(typist.view.selected.has_value());
}

TEST_CASE("a tree has children below their nearest ancestor that is shown") {
  Typist typist;
  typist.type(U"t");
  typist.input.parents = {{4000, 1}, {4011, 3999}, {3999, 4033}, {4033, 4000}, {4022, 4000}};
  const auto rows = process_rows(typist.input, typist.view);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].id.pid == 4000);
  CHECK(rows[1].id.pid == 4022);
  CHECK(rows[1].branch == "├─ ");
  CHECK(rows[2].id.pid == 4033);
  CHECK(rows[3].id.pid == 4011);
  CHECK(rows[3].branch == "   └─ ");
  typist.input.parents = {{4000, 4011}, {4011, 4000}};  // Read while pids were used again.
  CHECK(process_rows(typist.input, typist.view).size() == 4);
}

}  // namespace
}  // namespace tacho
