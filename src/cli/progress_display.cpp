#include "cli/progress_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "load/worker.h"

namespace tacho {
namespace {

using namespace std::chrono_literals;

constexpr Duration terminal_period = 100ms;
constexpr Duration log_period = 10s;
constexpr std::size_t bar_width = 20;

std::string bar(double share) {
  const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * bar_width);
  std::string text;
  for (std::size_t i = 0; i < bar_width; ++i) text += i < filled ? "━" : "─";
  return text;
}

std::string eta_text(double seconds) {
  if (seconds < 0 || seconds > 1e6) return "";
  if (seconds < 100) return format("  ETA {:.0f} s", seconds);
  return format("  ETA {:.0f} min", seconds / 60);
}

std::size_t terminal_columns() {
  winsize size{};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

/// Draws over the last line. A line that wrapped could not be drawn over, so what does not fit is
/// left out.
void draw_over(std::string line) {
  while (display_width(line) >= terminal_columns()) line = cut_utf8(line, line.size() - 1);
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
}

}  // namespace

bool is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

StepProgress::StepProgress(std::string title, bool is_shown)
    : title_(std::move(title)), is_shown_(is_shown), started_(monotonic_now()) {}

StepProgress::~StepProgress() {
  if (has_drawn_ && is_terminal()) std::fputs("\r\x1b[K", stderr);
}

void StepProgress::show(std::size_t done, std::size_t all) {
  const Instant now = monotonic_now();
  if (!is_shown_ || all == 0 || now - started_ < 500ms) return;
  const Duration period = is_terminal() ? terminal_period : log_period;
  if (happened(shown_) && now - shown_ < period) return;
  shown_ = now;
  has_drawn_ = true;
  const double share = static_cast<double>(done) / static_cast<double>(all);
  const double left_s = share > 0 ? to_s(now - started_) * (1 - share) / share : -1;
  const std::string text =
      format("{}  {} {:3.0f} %{}", title_, bar(share), 100 * share, eta_text(left_s));
  is_terminal() ? draw_over(text) : static_cast<void>(std::fprintf(stderr, "%s\n", text.c_str()));
}

RunDisplay::RunDisplay(std::vector<WorkerProgress>& workers, std::atomic<int>& stop_level,
                       Duration grace, bool is_shown)
    : workers_(workers),
      stop_level_(stop_level),
      grace_(grace),
      is_shown_(is_shown),
      is_terminal_(is_terminal()),
      thread_([this] { watch(); }) {}

RunDisplay::~RunDisplay() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void RunDisplay::begin_cell(const Cell& cell, std::size_t index, std::size_t count,
                            double duration_s) {
  const std::lock_guard lock(mutex_);
  cell_ = cell;
  position_ = format("[{}/{}]", index + 1, count);
  duration_s_ = duration_s;
  before_ = totals();
  cell_started_ = drawn_ = monotonic_now();
  has_cell_ = true;
}

void RunDisplay::end_cell() {
  const std::lock_guard lock(mutex_);
  has_cell_ = false;
  draw(true);
}

RunDisplay::Totals RunDisplay::totals() const {
  Totals sum;
  const auto get = [](const std::atomic<std::uint64_t>& c) {
    return c.load(std::memory_order_relaxed);
  };
  for (const WorkerProgress& worker : workers_) {
    sum.sent += get(worker.sent);
    sum.completed += get(worker.completed);
    sum.failed += get(worker.failed);
    sum.cancelled += get(worker.cancelled);
    sum.chunks += get(worker.chunks);
    sum.in_flight += get(worker.in_flight);
    sum.ttft_ns += get(worker.ttft_ns_sum);
    sum.ttfts += get(worker.ttft_count);
    sum.is_warming_up = sum.is_warming_up || worker.is_warming_up.load(std::memory_order_relaxed);
  }
  return sum;
}

void RunDisplay::watch() {
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    wake_.wait_for(lock, terminal_period);
    enforce_grace();
    if (!has_cell_) continue;
    if (monotonic_now() - drawn_ >= (is_terminal_ ? terminal_period : log_period)) draw(false);
  }
}

void RunDisplay::enforce_grace() {
  if (stop_level_.load() != static_cast<int>(StopLevel::drain)) return;
  if (!happened(interrupted_)) interrupted_ = monotonic_now();
  if (monotonic_now() - interrupted_ > grace_) stop_level_.store(static_cast<int>(StopLevel::now));
}

std::string RunDisplay::line(const Totals& now, double elapsed_s, bool is_last) const {
  const double done = static_cast<double>(now.completed + now.failed + now.cancelled -
                                          before_.completed - before_.failed - before_.cancelled);
  const double all = cell_.requests + cell_.warmup_requests;
  const double share = duration_s_ > 0 ? elapsed_s / duration_s_ : done / std::max(1.0, all);
  const double per_s = 1.0 / std::max(elapsed_s, 0.05);
  const auto ttfts = static_cast<double>(now.ttfts - before_.ttfts);
  const double ttft_ms =
      ttfts > 0 ? static_cast<double>(now.ttft_ns - before_.ttft_ns) / ttfts / 1e6 : 0;
  std::string text =
      format("{} {}  {} {:.0f}{}  {} in flight  {} req/s  {} chunks/s", position_,
             cell_label(cell_), bar(share), done, duration_s_ > 0 ? "" : format("/{:.0f}", all),
             now.in_flight, format_significant(done * per_s, 3),
             format_significant(static_cast<double>(now.chunks - before_.chunks) * per_s, 4));
  if (ttfts > 0) text += format("  TTFT {} ms", format_significant(ttft_ms, 3));
  if (now.failed > before_.failed) text += format("  {} failed", now.failed - before_.failed);
  if (now.is_warming_up) text += "  (warm-up)";
  if (stop_level_.load() > 0) return text + "  stopping: waiting for answers in flight";
  return text + (share > 0.02 && !is_last ? eta_text(elapsed_s * (1 - share) / share) : "");
}

void RunDisplay::draw(bool is_last) {
  if (!is_shown_) return;
  const Instant now = monotonic_now();
  drawn_ = now;
  if (is_terminal_) {
    draw_over(is_last ? "" : line(totals(), to_s(now - cell_started_), false));
  } else {
    std::fprintf(stderr, "%s%s\n", line(totals(), to_s(now - cell_started_), is_last).c_str(),
                 is_last ? "  done" : "");
  }
}

}  // namespace tacho
