#include "ui/keys.h"

#include <signal.h>

#include <algorithm>

#include "base/text.h"
#include "base/utf8.h"
#include "ui/panels.h"
#include "ui/processes.h"

namespace tacho {
namespace {

constexpr char32_t control(char letter) { return static_cast<char32_t>(letter - 'A' + 1); }

/// One key while it is applied.
class Step {
 public:
  Step(const ScreenInput& input, const Picture& picture, ViewState& view)
      : input_(input), picture_(picture), view_(view) {}

  Action apply(const Key& key) {
    view_.message.clear();
    if (key.code == KeyCode::click) return click(key.x, key.y);
    if (view_.question) return answer(key);
    if (view_.is_typing_filter) return type_filter(key);
    if (view_.waits_for_sort_key) return choose_sort(key);
    if (view_.overlay == Overlay::help) {
      view_.overlay = Overlay::none;
      return key.character == control('C') ? Action{Action::Kind::interrupt, 0, {}} : Action{};
    }
    return key.code == KeyCode::character ? character(key.character) : other(key.code);
  }

 private:
  Action character(char32_t c) {
    switch (c) {
      case U'q':
        return {Action::Kind::quit, 0, {}};
      case U'?':
      case U'h':
        view_.overlay = Overlay::help;
        return {};
      case U'a':
        view_.detail = Detail::automatic;
        return {};
      case U'f':
        view_.detail = Detail::full;
        return {};
      case U'c':
        view_.detail = Detail::compact;
        return {};
      case U'w':
        view_.window = (view_.window + 1) % std::size(windows_s);
        return {};
      case U'r':
      case control('R'):
      case control('L'):
        return {Action::Kind::redraw, 0, {}};
      case U'[':
        view_.device_scroll = std::max(view_.device_scroll - 1, 0);
        return {};
      case U']':
        view_.device_scroll = std::min(view_.device_scroll + 1, device_count() - 1);
        return {};
      default:
        if (c >= U'0' && c <= U'9') return pick_device(static_cast<std::size_t>(c - U'0'));
        return process_key(c);
    }
  }

  Action process_key(char32_t c) {
    switch (c) {
      case U'j':
        return move(1);
      case U'k':
        return move(-1);
      case U' ':
        return tag();
      case U'o':
        view_.waits_for_sort_key = true;
        return {};
      case U',':
        return sort_beside(-1);
      case U'.':
        return sort_beside(1);
      case U'/':
        view_.is_reversed = !view_.is_reversed;
        return {};
      case U'\\':
        view_.is_typing_filter = true;
        return {};
      case U't':
        view_.is_tree = !view_.is_tree;
        return {};
      case control('A'):
        view_.command_scroll = 0;
        return {};
      case control('C'):
        if (chosen_pids().empty()) return {Action::Kind::interrupt, 0, {}};
        return ask(SIGINT);
      case U'I':
        return ask(SIGINT);
      case U'T':
        return ask(SIGTERM);
      case U'K':
        return ask(SIGKILL);
      default:
        return {};
    }
  }

  Action other(KeyCode code) {
    const int page = std::max(picture_.process_rows, 1);
    switch (code) {
      case KeyCode::up:
      case KeyCode::wheel_up:
        return move(-1);
      case KeyCode::down:
      case KeyCode::wheel_down:
      case KeyCode::tab:
        return move(1);
      case KeyCode::page_up:
        return move(-page);
      case KeyCode::page_down:
        return move(page);
      case KeyCode::home:
        return move(-(1 << 20));
      case KeyCode::end:
        return move(1 << 20);
      case KeyCode::left:
        view_.command_scroll = std::max(view_.command_scroll - 8, 0);
        return {};
      case KeyCode::right:
        view_.command_scroll = std::min(view_.command_scroll + 8, 4096);
        return {};
      case KeyCode::enter:
        view_.overlay =
            view_.selected && view_.overlay == Overlay::none ? Overlay::process : Overlay::none;
        return {};
      case KeyCode::escape:
        return escape();
      case KeyCode::f1:
        view_.overlay = Overlay::help;
        return {};
      case KeyCode::f4:
        view_.is_typing_filter = true;
        return {};
      case KeyCode::f5:
        return {Action::Kind::redraw, 0, {}};
      default:
        return {};
    }
  }

  /// The last that was opened closes first.
  Action escape() {
    if (view_.overlay != Overlay::none) {
      view_.overlay = Overlay::none;
      return {};
    }
    view_.selected.reset();
    view_.tagged.clear();
    view_.filter.clear();
    view_.command_scroll = 0;
    view_.device.clear();
    return {};
  }

  Action type_filter(const Key& key) {
    if (key.code == KeyCode::enter) {
      view_.is_typing_filter = false;
    } else if (key.code == KeyCode::escape || key.character == control('C')) {
      view_.is_typing_filter = false;
      view_.filter.clear();
    } else if (key.code == KeyCode::backspace) {
      while (!view_.filter.empty()) {
        const bool is_tail = (static_cast<unsigned char>(view_.filter.back()) >> 6) == 2;
        view_.filter.pop_back();
        if (!is_tail) break;
      }
    } else if (key.code == KeyCode::character && key.character >= U' ' &&
               view_.filter.size() < 64) {
      append_utf8(view_.filter, key.character);
    }
    return {};
  }

  Action choose_sort(const Key& key) {
    view_.waits_for_sort_key = false;
    if (key.code != KeyCode::character) return {};
    const auto sort = sort_of_key(key.character);
    if (!sort) return {};
    view_.sort = *sort;
    view_.is_reversed = key.character >= U'A' && key.character <= U'Z';
    return {};
  }

  Action sort_beside(int step) {
    constexpr int count = static_cast<int>(SortKey::time) + 1;
    view_.sort = static_cast<SortKey>((static_cast<int>(view_.sort) + step + count) % count);
    view_.message = format("ordered by {}", sort_name(view_.sort));
    return {};
  }

  Action move(int by) {
    const auto rows = process_rows(input_, view_);
    if (rows.empty()) return {};
    const int last = static_cast<int>(rows.size()) - 1;
    int at = by > 0 ? -1 : last + 1;
    for (int i = 0; i <= last; ++i) {
      if (view_.selected == rows[static_cast<std::size_t>(i)].id) at = i;
    }
    // The first key selects the first row.
    at = at < 0 || at > last ? (by == 1 << 20 ? last : 0) : std::clamp(at + by, 0, last);
    view_.selected = rows[static_cast<std::size_t>(at)].id;
    return {};
  }

  Action tag() {
    if (!view_.selected) return {};
    if (view_.tagged.erase(*view_.selected) == 0) view_.tagged.insert(*view_.selected);
    return move(1);
  }

  int device_count() const {
    return std::max(static_cast<int>(subjects_of(input_.snapshot, SubjectKind::device).size()), 1);
  }

  /// The device with that number, or the mean of all where it is shown already.
  Action pick_device(std::size_t number) {
    for (const Subject* device : subjects_of(input_.snapshot, SubjectKind::device)) {
      const bool is_it = label(device->labels, "device") == format("{}", number) &&
                         label(device->labels, "mig").empty();
      if (is_it) return toggle_device(device->id);
    }
    return {};
  }
  Action toggle_device(const std::string& id) {
    view_.device = view_.device == id ? "" : id;
    return {};
  }

  /// The processes that a signal is for: the tagged, or the selected one; only those that are
  /// still there.
  std::vector<int> chosen_pids() const {
    std::vector<int> pids;
    ViewState all = view_;
    all.filter.clear();
    for (const ProcessRow& row : process_rows(input_, all)) {
      const bool is_chosen =
          view_.tagged.empty() ? view_.selected == row.id : view_.tagged.contains(row.id);
      const bool is_new = std::find(pids.begin(), pids.end(), row.id.pid) == pids.end();
      if (is_chosen && is_new && row.id.pid > 0) pids.push_back(row.id.pid);
    }
    return pids;
  }

  Action ask(int signal) {
    if (view_.is_readonly) {
      view_.message = "no signals: this screen is read only";
    } else if (input_.is_remote) {
      view_.message = "no signals: these processes are on another machine";
    } else if (chosen_pids().empty()) {
      view_.message = "select a process first: arrow keys, Space tags several";
    } else {
      view_.question = Question{signal, chosen_pids(), false};
    }
    return {};
  }

  Action answer(const Key& key) {
    const bool moves =
        key.code == KeyCode::left || key.code == KeyCode::right || key.code == KeyCode::tab;
    if (moves) {
      view_.question->is_yes_chosen = !view_.question->is_yes_chosen;
      return {};
    }
    const bool is_yes = key.character == U'y' || key.character == U'Y' ||
                        (key.code == KeyCode::enter && view_.question->is_yes_chosen);
    const bool is_no = key.character == U'n' || key.character == U'N' || key.character == U'q' ||
                       key.character == control('C') || key.code == KeyCode::escape ||
                       key.code == KeyCode::enter;
    if (is_yes) return confirm();
    if (is_no) view_.question.reset();
    return {};
  }

  Action confirm() {
    Action action{Action::Kind::send_signal, view_.question->signal, view_.question->pids};
    view_.question.reset();
    view_.tagged.clear();
    return action;
  }

  Action click(int x, int y) {
    // What was drawn last lies on top.
    const auto hit =
        std::find_if(picture_.targets.rbegin(), picture_.targets.rend(),
                     [&](const ClickTarget& target) { return target.area.holds(x, y); });
    if (view_.question) {
      const bool is_button = hit != picture_.targets.rend() &&
                             (hit->kind == TargetKind::yes || hit->kind == TargetKind::no);
      if (!is_button) return {};
      if (hit->kind == TargetKind::yes) return confirm();
      view_.question.reset();
      return {};
    }
    if (view_.overlay == Overlay::help) {
      view_.overlay = Overlay::none;
      return {};
    }
    return hit != picture_.targets.rend() ? click_on(*hit) : Action{};
  }

  Action click_on(const ClickTarget& target) {
    switch (target.kind) {
      case TargetKind::process:
        view_.selected = target.row;
        return {};
      case TargetKind::sort:
        view_.is_reversed = view_.sort == target.sort && !view_.is_reversed;
        view_.sort = target.sort;
        return {};
      case TargetKind::device:
        return toggle_device(target.device);
      case TargetKind::help:
        view_.overlay = Overlay::help;
        return {};
      case TargetKind::quit:
        return {Action::Kind::quit, 0, {}};
      case TargetKind::filter:
        view_.is_typing_filter = true;
        return {};
      default:
        return {};
    }
  }

  const ScreenInput& input_;
  const Picture& picture_;
  ViewState& view_;
};

}  // namespace

Action apply_key(const Key& key, const ScreenInput& input, const Picture& picture,
                 ViewState& view) {
  return Step(input, picture, view).apply(key);
}

}  // namespace tacho
