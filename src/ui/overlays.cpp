// Boxes over the screen: what the keys do, and the question before a signal.
#include <signal.h>

#include <algorithm>

#include "base/text.h"
#include "ui/panels.h"

namespace tacho {
namespace {

struct KeyHelp {
  std::string_view keys;
  std::string_view what;
};

constexpr KeyHelp key_helps[] = {
    {"", "Screen"},
    {"q", "quit"},
    {"? h F1", "this help; any key closes it"},
    {"a f c", "devices: as fits, two lines each, one line each"},
    {"w", "window of the engines' rates and times: 10 s, 30 s, 1 min, 5 min"},
    {"0 … 9, click", "graphs of that device; again: the mean of all"},
    {"[ ]", "scroll the devices where not all fit"},
    {"r ^R F5", "draw anew"},
    {"", "Processes"},
    {"↑ ↓ j k, click", "select; PgUp, PgDn, Home, End, wheel: further"},
    {"← →", "scroll the command; ^A to its begin"},
    {"Space", "tag, for a signal to several"},
    {"Enter", "the process over time"},
    {"o + n u p g s b c m t", "order: device, user, pid, GPU memory, SM, memory busy,"},
    {"", "  CPU, memory, time; with capitals: reversed"},
    {", .", "order by the column before, after"},
    {"/", "reverse the order"},
    {"\\ F4", "filter by user, command or pid; Enter keeps it"},
    {"t", "tree"},
    {"I ^C, T, K", "send INT, TERM, KILL, after a question"},
    {"Esc", "clear selection, tags and filter"},
};

/// An empty box in the middle of the screen; its inside.
Area draw_box(const Canvas& canvas, int width, int height, std::string_view title) {
  Frame& frame = canvas.frame;
  width = std::min(width, frame.width());
  height = std::min(height, frame.height());
  const Area box{(frame.width() - width) / 2, (frame.height() - height) / 2, width, height};
  frame.fill(box, U' ');
  const Style line{Role::accent};
  const int right = box.x + width - 1, bottom = box.y + height - 1;
  for (int x = box.x; x <= right; ++x) {
    frame.set(x, box.y, U'─', line);
    frame.set(x, bottom, U'─', line);
  }
  for (int y = box.y; y <= bottom; ++y) {
    frame.set(box.x, y, U'│', line);
    frame.set(right, y, U'│', line);
  }
  frame.set(box.x, box.y, U'╭', line);
  frame.set(right, box.y, U'╮', line);
  frame.set(box.x, bottom, U'╰', line);
  frame.set(right, bottom, U'╯', line);
  frame.put(box.x + 2, box.y, format(" {} ", title), {Role::title, true}, width - 4);
  return {box.x + 2, box.y + 1, width - 4, height - 2};
}

std::string_view signal_name(int signal) {
  return signal == SIGINT ? "INT" : signal == SIGKILL ? "KILL" : "TERM";
}

int draw_button(const Canvas& canvas, int x, int y, std::string_view text, bool is_chosen,
                TargetKind kind) {
  const int end = canvas.frame.put(
      x, y, text, is_chosen ? Style{Role::accent, true, true} : Style{Role::accent});
  canvas.targets.push_back({{x, y, end - x, 1}, kind});
  return end + 2;
}

/// Whose process it is and its command, so that nobody has to remember a number; "" when it went.
std::string process_words(const Snapshot& snapshot, const std::string& pid) {
  for (const Subject& subject : snapshot.subjects) {
    if (subject.kind != SubjectKind::process || label(subject.labels, "pid") != pid) continue;
    return format("{}  {}", label(subject.labels, "user"), label(subject.labels, "command"));
  }
  return "";
}

}  // namespace

void draw_help(const Canvas& canvas) {
  const Area inside =
      draw_box(canvas, 80, static_cast<int>(std::size(key_helps)) + 2, "tacho monitor");
  int y = inside.y;
  for (const auto& [keys, what] : key_helps) {
    if (y >= inside.y + inside.height) break;
    const bool is_title = keys.empty() && !what.starts_with(' ');
    if (is_title) {
      canvas.frame.put(inside.x, y, what, {Role::title, true}, inside.width);
    } else {
      canvas.frame.put(inside.x, y, keys, {Role::accent}, 22);
      canvas.frame.put(inside.x + 23, y, what, {}, inside.width - 23);
    }
    ++y;
  }
}

void draw_question(const Canvas& canvas) {
  const Question& question = *canvas.view.question;
  std::vector<std::string> pids;
  for (const int pid : question.pids) pids.push_back(format("{}", pid));
  const bool is_one = pids.size() == 1;
  const Area inside = draw_box(canvas, 60, 7, "Send a signal?");
  Frame& frame = canvas.frame;
  frame.put(inside.x, inside.y + 1,
            format("Send SIG{} to {}?", signal_name(question.signal),
                   is_one ? "process " + pids.front() : format("{} processes", pids.size())),
            {Role::plain, true}, inside.width);
  frame.put(inside.x, inside.y + 2,
            is_one ? process_words(canvas.input.snapshot, pids.front()) : join(pids, " "),
            {Role::dim}, inside.width);
  int x = inside.x;
  x = draw_button(canvas, x, inside.y + 4, "[ y  Yes ]", question.is_yes_chosen, TargetKind::yes);
  draw_button(canvas, x, inside.y + 4, "[ n  No ]", !question.is_yes_chosen, TargetKind::no);
}

}  // namespace tacho
