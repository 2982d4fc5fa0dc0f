// Whole frames, as text. A change of the screen on purpose: TACHO_WRITE_FRAMES=1 tacho_unit writes
// them anew; look at the difference.
#include "ui/screen.h"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>

#include "base/file.h"
#include "small_world.h"
#include "ui/once.h"

namespace tacho {
namespace {

/// Compares with the file of that name below frames/, line by line.
void check_frame(const std::string& name, const std::string& drawn) {
  const std::string path = TACHO_SOURCE_FOLDER "/tests/unit/ui/frames/" + name + ".txt";
  if (::getenv("TACHO_WRITE_FRAMES") != nullptr) REQUIRE(write_file(path, drawn).ok());
  const auto expected = read_file(path);
  REQUIRE(expected.ok());
  const auto lines = split(drawn, '\n'), wanted = split(*expected, '\n');
  REQUIRE(lines.size() == wanted.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CAPTURE(i);
    CHECK(lines[i] == wanted[i]);
  }
}

std::string drawn(const ScreenInput& input, const ViewState& view, int width, int height) {
  return draw_screen(input, view, width, height).frame.text();
}

Subject& device_of(World& world, std::size_t index) { return world.snapshot.subjects[1 + index]; }

TEST_CASE("eight GPUs, an engine, the host and processes fit into 80 columns and 24 lines") {
  const World world;
  ScreenInput input = world.input();
  input.notices = {{Role::heavy, "kv_bound: the KV cache limits the batch"}};
  ViewState view;
  view.selected = RowId{4011, "1"};
  check_frame("eight_80x24", drawn(input, view, 80, 24));
}

TEST_CASE("a large window has two lines for each device, graphs and all columns") {
  const World world;
  check_frame("eight_200x50", drawn(world.input(), {}, 200, 50));
}

TEST_CASE("a machine without devices or engines has graphs of the host") {
  const World world(0, false);
  check_frame("none_80x24", drawn(world.input(), {}, 80, 24));
}

TEST_CASE("one reading as text has all panels but no graphs") {
  const World world(2);
  check_frame("once_100", once_text(world.snapshot, world.history, 100, false));
  CHECK(once_text(world.snapshot, world.history, 100, true).find("\xe2") == std::string::npos);
}

TEST_CASE("every size from 1 × 1 on can be drawn, and no row is wider than the window") {
  const World world(3);
  for (int width = 1; width < 130; width += 7) {
    for (int height = 1; height < 60; height += 5) {
      ViewState view;
      view.overlay = height % 2 == 0 ? Overlay::help : Overlay::none;
      const Picture picture = draw_screen(world.input(), view, width, height);
      CHECK(picture.frame.width() == width);
      CHECK(picture.frame.height() == height);
      for (const ClickTarget& target : picture.targets) {
        CHECK(target.area.x + target.area.width <= width);
      }
    }
  }
}

TEST_CASE("a device that is lost says why, in its row, and the others go on") {
  World world;
  device_of(world, 2).trouble = "GPU is lost: reset it or the machine";
  device_of(world, 2).readings.clear();
  const std::string text = drawn(world.input(), {}, 80, 24);
  CHECK(text.find("GPU is lost: reset it or the machine") != std::string::npos);
  CHECK(text.find("   3  52C") != std::string::npos);
}

TEST_CASE("a reading that is old is grey, with its age, and never the last value alone") {
  World world;
  device_of(world, 1).at -= std::chrono::seconds(60);
  const Picture picture = draw_screen(world.input(), {}, 200, 50);
  const std::string text = picture.frame.text();
  CHECK(text.find("read 1:00 ago") != std::string::npos);
  for (int y = 0; y < picture.frame.height(); ++y) {
    if (picture.frame.row(y).find("read 1:00 ago") == std::string::npos) continue;
    for (int x = 1; x < 199; ++x) CHECK(picture.frame.at(x, y).style.role == Role::dim);
  }
}

TEST_CASE("more devices than lines: those that do not fit are counted, and can be scrolled to") {
  const World world(16);
  ViewState view;
  const std::string first = drawn(world.input(), view, 80, 24);
  CHECK(first.find("more; [ and ] scroll") != std::string::npos);
  view.device_scroll = 12;
  CHECK(drawn(world.input(), view, 80, 24).find(" 15 124C") != std::string::npos);
}

TEST_CASE("an engine that does not answer says why") {
  World world(1);
  world.snapshot.subjects.back().trouble = "connection refused";
  CHECK(drawn(world.input(), {}, 80, 24).find("connection refused") != std::string::npos);
}

TEST_CASE("parts of a device stand below it, blank where they have no readings") {
  World world(1);
  Subject part = world_device(0, world_seconds);
  part.id = "nvidia:0/1";
  part.labels[2].second = "NVIDIA H100 80GB HBM3 MIG 1g.10gb";
  part.labels.emplace_back("mig", "2");
  part.readings.clear();
  part.add(quantity::device_memory_used, 4.0 * (1 << 30));
  part.add(quantity::device_memory_total, 10.0 * (1 << 30));
  world.snapshot.subjects.insert(world.snapshot.subjects.begin() + 2, part);
  const std::string text = drawn(world.input(), {}, 120, 40);
  CHECK(text.find("0:2 MIG 2: 1g.10gb") != std::string::npos);
  CHECK(text.find("4.0/10.0GiB") != std::string::npos);
  CHECK(text.find("1 × H100") != std::string::npos);
  // In a wide line its name stands in its own column, not under Remarks as well.
  ViewState one_line;
  one_line.detail = Detail::compact;
  const std::string wide = drawn(world.input(), one_line, 200, 40);
  const std::size_t name = wide.find("MIG 2: 1g.10gb");
  REQUIRE(name != std::string::npos);
  CHECK(wide.find("MIG 2: 1g.10gb", name + 1) == std::string::npos);
}

TEST_CASE("the question before a signal says whose process it is, and which") {
  World world;
  ViewState view;
  view.question = Question{SIGTERM, {4011}};
  const std::string text = drawn(world.input(), view, 80, 24);
  CHECK(text.find("Send SIGTERM to process 4011?") != std::string::npos);
  CHECK(text.find("alice  python3 -m vllm") != std::string::npos);
}

}  // namespace
}  // namespace tacho
