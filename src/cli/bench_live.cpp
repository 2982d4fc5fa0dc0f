#include "cli/bench_live.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "monitor/exposition.h"
#include "net/epoll_loop.h"
#include "net/fetch.h"

namespace tacho {
namespace {

constexpr Duration stop_check = std::chrono::milliseconds(50);

std::uint64_t get(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

template <class Counts>
void add_times(const LiveTimes& times, Counts& counts, std::uint64_t& ns) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += get(times.counts[i]);
  ns += get(times.ns_sum);
}

template <class Counts>
Counts difference(const Counts& now, const Counts& before) {
  Counts out{};
  for (std::size_t i = 0; i < now.size(); ++i) out[i] = now[i] - std::min(now[i], before[i]);
  return out;
}

template <class Counts>
HistogramReading histogram(const Quantity& quantity, const Counts& counts, std::uint64_t ns) {
  HistogramReading reading;
  reading.quantity = &quantity;
  reading.bounds.assign(live_bounds_s.begin(), live_bounds_s.end());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    reading.count += static_cast<double>(counts[i]);
    if (i < live_bounds_s.size()) reading.cumulative.push_back(reading.count);
  }
  reading.sum = 1e-9 * static_cast<double>(ns);
  return reading;
}

}  // namespace

LiveCounts LiveCounts::since(const LiveCounts& before) const {
  LiveCounts out = *this;
  out.outcomes = difference(outcomes, before.outcomes);
  out.ttft = difference(ttft, before.ttft);
  out.tpot = difference(tpot, before.tpot);
  out.e2e = difference(e2e, before.e2e);
  out.ttft_ns -= before.ttft_ns;
  out.tpot_ns -= before.tpot_ns;
  out.e2e_ns -= before.e2e_ns;
  out.output_tokens -= before.output_tokens;
  return out;
}

LiveCounts add_up(const std::vector<WorkerProgress>& workers) {
  LiveCounts sum;
  for (const WorkerProgress& worker : workers) {
    for (std::size_t i = 0; i < sum.outcomes.size(); ++i) {
      sum.outcomes[i] += get(worker.outcomes[i]);
    }
    add_times(worker.ttft, sum.ttft, sum.ttft_ns);
    add_times(worker.tpot, sum.tpot, sum.tpot_ns);
    add_times(worker.e2e, sum.e2e, sum.e2e_ns);
    sum.output_tokens += get(worker.output_tokens);
    sum.in_flight += get(worker.in_flight);
  }
  return sum;
}

Subject bench_subject(const LiveCounts& counts, const Cell& cell, const std::string& model,
                      double share) {
  Subject subject;
  subject.kind = SubjectKind::monitor;
  subject.id = "bench";
  subject.labels = {{"model", model}, {"cell", format("{}", cell.id)}, {"load", cell_label(cell)}};
  for (std::size_t i = 0; i < counts.outcomes.size(); ++i) {
    subject.add(quantity::bench_requests, static_cast<double>(counts.outcomes[i]),
                {{"outcome", std::string(outcome_name(static_cast<Outcome>(i)))}});
  }
  if (cell.requests > 0) subject.add(quantity::bench_planned, cell.requests);
  subject.add(quantity::bench_in_flight, static_cast<double>(counts.in_flight));
  if (std::isfinite(share)) subject.add(quantity::bench_progress, std::clamp(share, 0.0, 1.0));
  subject.add(quantity::bench_output_tokens, static_cast<double>(counts.output_tokens));
  subject.histograms.push_back(histogram(quantity::bench_ttft, counts.ttft, counts.ttft_ns));
  subject.histograms.push_back(histogram(quantity::bench_tpot, counts.tpot, counts.tpot_ns));
  subject.histograms.push_back(histogram(quantity::bench_e2e, counts.e2e, counts.e2e_ns));
  return subject;
}

BenchLive::BenchLive(const std::vector<WorkerProgress>& workers, std::string model)
    : workers_(workers), model_(std::move(model)) {}

Result<std::unique_ptr<BenchLive>> BenchLive::start(const std::string& where,
                                                    const std::vector<WorkerProgress>& workers,
                                                    std::string model) {
  const bool is_port = parse_integer(where).has_value();
  const auto url = parse_url(is_port ? "127.0.0.1:" + where : where);
  if (!url) return url.error();
  auto loop = EpollLoop::create();
  if (!loop) return loop.error();
  const auto address = find_server(*url, "");
  if (!address) return address.error();
  std::unique_ptr<BenchLive> live(new BenchLive(workers, std::move(model)));
  live->loop_ = std::move(*loop);
  live->server_ = std::make_unique<HttpServer>(*live->loop_, *live, HttpServerOptions{});
  if (auto status = live->server_->listen(*address); !status) return status.error();
  BenchLive* self = live.get();
  live->check_ = std::make_unique<Timer>(*live->loop_, [self] {
    if (self->is_stopping_.load()) return self->loop_->stop();
    self->check_->arm(self->loop_->now() + stop_check);
  });
  live->thread_ = std::thread([self] {
    self->check_->arm(self->loop_->clock());
    self->loop_->run();
  });
  return live;
}

BenchLive::~BenchLive() {
  is_stopping_.store(true);
  if (thread_.joinable()) thread_.join();
  check_.reset();
  server_.reset();
}

void BenchLive::begin_cell(const Cell& cell, double duration_s) {
  const std::lock_guard lock(mutex_);
  has_cell_ = true;
  cell_ = cell;
  duration_s_ = duration_s;
  began_ = monotonic_now();
  before_ = add_up(workers_);
}

std::string BenchLive::page(bool is_openmetrics) {
  const std::lock_guard lock(mutex_);
  Snapshot snapshot;
  snapshot.at = monotonic_now();
  if (has_cell_) {
    const LiveCounts counts = add_up(workers_).since(before_);
    std::uint64_t ended = 0;
    for (const std::uint64_t outcome : counts.outcomes) ended += outcome;
    const double share = duration_s_ > 0.0 ? to_s(snapshot.at - began_) / duration_s_
                                           : static_cast<double>(ended) / cell_.requests;
    snapshot.subjects.push_back(bench_subject(counts, cell_, model_, share));
  }
  return metrics_page(snapshot, is_openmetrics);
}

void BenchLive::on_request(ServerRequest& request) {
  const HttpHead& head = request.head();
  if (!head.target.starts_with("/metrics")) {
    return request.reply(404, "text/plain", "tacho bench: /metrics\n");
  }
  const bool is_openmetrics =
      head.field("accept").find("application/openmetrics-text") != std::string_view::npos;
  request.reply(200,
                is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8",
                page(is_openmetrics));
}

}  // namespace tacho
