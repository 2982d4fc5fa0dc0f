// The only file that knows ncurses. It sets the terminal up, reads keys and mouse, and copies
// frames onto it; what they show is decided elsewhere.
#include "ui/terminal.h"

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/text.h"

namespace tacho {
namespace {

volatile sig_atomic_t was_ended = 0;
// What a crash needs to give the terminal back; read by a signal handler.
termios found_settings;
volatile sig_atomic_t has_settings = 0;

void on_end(int) { was_ended = 1; }

/// Leaves the screen with what a signal handler may call, then lets the signal do its work.
void on_crash(int signal) {
  // Mouse off, colours off, cursor on, keypad off, the main screen again (xterm, ECMA-48).
  static constexpr char leave[] =
      "\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[0m\x1b[?25h\x1b[?1l\x1b>\x1b[?1049l";
  if (::write(STDOUT_FILENO, leave, sizeof leave - 1) < 0) ::_exit(128 + signal);
  if (has_settings != 0) ::tcsetattr(STDIN_FILENO, TCSANOW, &found_settings);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

constexpr std::array end_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr std::array crash_signals{SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

/// Handlers of signals, put back when dropped.
class Handlers {
 public:
  Handlers() {
    std::size_t at = 0;
    for (const int signal : end_signals) set(signal, on_end, before_[at++]);
    for (const int signal : crash_signals) set(signal, on_crash, before_[at++]);
  }
  ~Handlers() {
    std::size_t at = 0;
    for (const int signal : end_signals) ::sigaction(signal, &before_[at++], nullptr);
    for (const int signal : crash_signals) ::sigaction(signal, &before_[at++], nullptr);
  }
  Handlers(const Handlers&) = delete;
  Handlers& operator=(const Handlers&) = delete;

 private:
  static void set(int signal, void (*handler)(int), struct sigaction& before) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(signal, &action, &before);
  }
  std::array<struct sigaction, end_signals.size() + crash_signals.size()> before_{};
};

/// Chooses a UTF-8 locale for characters. Containers often have none set, with a terminal that
/// knows UTF-8 all the same; only a charset that was chosen on purpose is respected.
bool choose_utf8() {
  const auto is_utf8 = [] { return std::string_view(::nl_langinfo(CODESET)) == "UTF-8"; };
  const bool is_set = ::setlocale(LC_CTYPE, "") != nullptr;
  if (is_set && is_utf8()) return true;
  const std::string_view name = is_set ? ::setlocale(LC_CTYPE, nullptr) : "C";
  if (is_set && name != "C" && name != "POSIX") return false;
  return ::setlocale(LC_CTYPE, "C.UTF-8") != nullptr && is_utf8();
}

/// Colours of the 256 of xterm, by role: on a dark and on a light ground; and of the first eight.
struct RoleColours {
  short dark, light, few;
};
constexpr RoleColours role_colours[] = {
    {-1, -1, -1},              // plain
    {245, 243, -1},            // dim
    {239, 250, -1},            // border
    {117, 25, COLOR_CYAN},     // title
    {80, 26, COLOR_CYAN},      // accent
    {77, 28, COLOR_GREEN},     // good
    {221, 130, COLOR_YELLOW},  // moderate
    {203, 160, COLOR_RED},     // heavy
};

/// What was reported of a key that is no character.
std::optional<KeyCode> code_of(wint_t key) {
  switch (key) {
    case KEY_UP:
      return KeyCode::up;
    case KEY_DOWN:
      return KeyCode::down;
    case KEY_LEFT:
      return KeyCode::left;
    case KEY_RIGHT:
      return KeyCode::right;
    case KEY_HOME:
      return KeyCode::home;
    case KEY_END:
      return KeyCode::end;
    case KEY_PPAGE:
      return KeyCode::page_up;
    case KEY_NPAGE:
      return KeyCode::page_down;
    case KEY_ENTER:
      return KeyCode::enter;
    case KEY_BACKSPACE:
      return KeyCode::backspace;
    case KEY_F(1):
      return KeyCode::f1;
    case KEY_F(4):
      return KeyCode::f4;
    case KEY_F(5):
      return KeyCode::f5;
    default:
      return std::nullopt;
  }
}

std::optional<Key> mouse_key() {
  MEVENT event;
  if (::getmouse(&event) != OK) return std::nullopt;
  Key key;
  key.x = event.x;
  key.y = event.y;
  if ((event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED)) != 0) {
    key.code = KeyCode::click;
  } else if ((event.bstate & BUTTON4_PRESSED) != 0) {
    key.code = KeyCode::wheel_up;
  } else if ((event.bstate & BUTTON5_PRESSED) != 0) {
    key.code = KeyCode::wheel_down;
  } else {
    return std::nullopt;
  }
  return key;
}

/// Takes the terminal over for the type in TERM, or one that most terminals understand.
SCREEN* new_screen() {
  for (const char* type : {static_cast<const char*>(nullptr), "xterm-256color", "xterm"}) {
    if (SCREEN* screen = ::newterm(type, stdout, stdin)) return screen;
  }
  return nullptr;
}

void choose_colours(const TerminalOptions& options) {
  if (!options.has_colours || !::has_colors()) return;
  ::start_color();
  ::use_default_colors();
  const bool has_many = COLORS >= 256;
  short pair = 1;
  for (const RoleColours& colours : role_colours) {
    const short colour = !has_many ? colours.few : options.is_light ? colours.light : colours.dark;
    ::init_pair(pair++, colour, -1);
  }
}

}  // namespace

struct Terminal::State {
  SCREEN* screen = nullptr;
  TerminalOptions options;
  bool has_utf8 = true;
  Frame shown{0, 0};
  Handlers handlers;

  attr_t attributes(const Style& style) const {
    attr_t result = A_NORMAL;
    if (style.is_bold) result |= A_BOLD;
    if (style.is_reverse) result |= A_REVERSE;
    const bool has_colours = options.has_colours && ::has_colors();
    const bool is_grey = style.role == Role::dim || style.role == Role::border;
    if (is_grey && (!has_colours || COLORS < 256)) result |= A_DIM;
    if (!has_colours && style.role == Role::heavy) result |= A_BOLD;
    return result;
  }
  short pair(const Style& style) const {
    const bool has_colours = options.has_colours && ::has_colors();
    return has_colours ? static_cast<short>(static_cast<int>(style.role) + 1) : short{0};
  }

  void draw_row(const Frame& frame, int y) const {
    ::wmove(stdscr, y, 0);
    std::wstring run;
    for (int x = 0; x < frame.width();) {
      const Style style = frame.at(x, y).style;
      const int begin = x;
      run.clear();
      for (; x < frame.width() && frame.at(x, y).style == style; ++x) {
        if (frame.at(x, y).glyph != 0) run += static_cast<wchar_t>(frame.at(x, y).glyph);
      }
      ::wattr_set(stdscr, attributes(style), pair(style), nullptr);
      ::mvwaddnwstr(stdscr, y, begin, run.c_str(), static_cast<int>(run.size()));
    }
  }
};

Terminal::Terminal(std::unique_ptr<State> state) : state_(std::move(state)) {}

Status require_terminal() {
  if (::isatty(STDOUT_FILENO) && ::isatty(STDIN_FILENO)) return Nothing{};
  return input_error(
      "tacho monitor needs a terminal for its screen; --once prints a table, --json a line for "
      "each reading");
}

Result<std::unique_ptr<Terminal>> Terminal::open(const TerminalOptions& options) {
  if (auto status = require_terminal(); !status) return status.error();
  has_settings = ::tcgetattr(STDIN_FILENO, &found_settings) == 0 ? 1 : 0;
  const bool has_utf8 = choose_utf8();
  SCREEN* screen = new_screen();
  if (screen == nullptr) {
    const char* type = ::getenv("TERM");
    return input_error(
        format("nothing is known of the terminal type '{}' here; set TERM=xterm, "
               "or add --once",
               type != nullptr ? type : ""));
  }
  auto state = std::make_unique<State>();
  state->screen = screen;
  state->options = options;
  state->has_utf8 = has_utf8;
  ::set_escdelay(25);
  ::raw();
  ::noecho();
  ::nonl();
  ::keypad(stdscr, TRUE);
  ::curs_set(0);
  ::wtimeout(stdscr, 0);
  ::mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, nullptr);
  ::mouseinterval(0);
  choose_colours(options);
  return std::unique_ptr<Terminal>(new Terminal(std::move(state)));
}

Terminal::~Terminal() {
  ::mousemask(0, nullptr);
  ::endwin();
  ::delscreen(state_->screen);
}

int Terminal::width() const { return getmaxx(stdscr); }
int Terminal::height() const { return getmaxy(stdscr); }

void Terminal::show(const Frame& frame) {
  Frame next = frame;
  if (state_->options.is_ascii || !state_->has_utf8) next.make_ascii();
  const bool is_same_size =
      next.width() == state_->shown.width() && next.height() == state_->shown.height();
  if (!is_same_size) ::werase(stdscr);
  for (int y = 0; y < next.height(); ++y) state_->draw_row(next, y);
  state_->shown = std::move(next);
  ::wrefresh(stdscr);
}

void Terminal::forget() { ::clearok(stdscr, TRUE); }

bool Terminal::is_ended() const { return was_ended != 0; }

std::optional<Key> Terminal::wait_key(Duration limit) {
  wint_t key = 0;
  int kind = ::wget_wch(stdscr, &key);  // What was read already, or a new size.
  if (kind == ERR) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, static_cast<int>(std::max<std::int64_t>(ms, 0)));
    // A terminal that has gone away would be ready for ever.
    if (ready > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) was_ended = 1;
    if (ready == 0) return std::nullopt;
    kind = ::wget_wch(stdscr, &key);
  }
  if (kind == ERR) return std::nullopt;
  if (kind == KEY_CODE_YES) {
    if (key == KEY_MOUSE) return mouse_key();
    const auto code = code_of(key);
    if (!code) return std::nullopt;
    return Key{*code, 0, 0, 0};
  }
  if (key == 26) {  // ^Z
    ::endwin();
    ::raise(SIGTSTP);
    forget();
    return std::nullopt;
  }
  const auto plain = [](KeyCode code) { return Key{code, 0, 0, 0}; };
  if (key == '\r' || key == '\n') return plain(KeyCode::enter);
  if (key == 27) return plain(KeyCode::escape);
  if (key == 8 || key == 127) return plain(KeyCode::backspace);
  if (key == '\t') return plain(KeyCode::tab);
  return Key{KeyCode::character, static_cast<char32_t>(key), 0, 0};
}

}  // namespace tacho
