#include "load/precision.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/text.h"
#include "stats/distribution.h"
#include "stats/interval.h"

namespace tacho {

SampleQueue::~SampleQueue() {
  while (reading_ != nullptr) delete std::exchange(reading_, reading_->next.load());
}

void SampleQueue::push(const Sample& sample) {
  const std::size_t at = writing_->filled.load(std::memory_order_relaxed);
  writing_->samples[at] = sample;
  // The next block is in place before this one can be seen as full.
  Block* next = at + 1 == writing_->samples.size() ? new Block : nullptr;
  if (next != nullptr) writing_->next.store(next, std::memory_order_relaxed);
  writing_->filled.store(at + 1, std::memory_order_release);
  if (next != nullptr) writing_ = next;
}

void SampleQueue::take(std::vector<Sample>& out) {
  while (true) {
    const std::size_t filled = reading_->filled.load(std::memory_order_acquire);
    for (; taken_ < filled; ++taken_) out.push_back(reading_->samples[taken_]);
    if (filled < reading_->samples.size()) return;
    delete std::exchange(reading_, reading_->next.load(std::memory_order_relaxed));
    taken_ = 0;
  }
}

PrecisionWatch::PrecisionWatch(const Precision& wish, std::size_t workers) : wish_(wish) {
  for (std::size_t i = 0; i < workers; ++i) queues_.push_back(std::make_unique<SampleQueue>());
}

void PrecisionWatch::add(std::size_t worker, const Record& record) {
  if (record.stage != Stage::measure || record.outcome != Outcome::ok) return;
  if (const auto value = wish_.value_of(record)) queues_[worker]->push({record.sent, *value});
}

void PrecisionWatch::take_new() {
  fresh_.clear();
  for (auto& queue : queues_) queue->take(fresh_);
  const auto earlier = [](const Sample& a, const Sample& b) { return a.sent < b.sent; };
  std::stable_sort(fresh_.begin(), fresh_.end(), earlier);
  for (const Sample& sample : fresh_) {
    ++seen_;
    if (++skipped_ < stride_) continue;
    skipped_ = 0;
    samples_.push_back(sample);
    if (samples_.size() < samples_max) continue;
    for (std::size_t i = 0; i < samples_max / 2; ++i) samples_[i] = samples_[2 * i + 1];
    samples_.resize(samples_max / 2);
    stride_ *= 2;
  }
}

bool PrecisionWatch::check() {
  take_new();
  if (seen_ == seen_at_look_) return is_reached();
  seen_at_look_ = seen_;
  half_width_.reset();
  std::vector<Sample> in_order = samples_;
  std::stable_sort(in_order.begin(), in_order.end(),
                   [](const Sample& a, const Sample& b) { return a.sent < b.sent; });
  Clusters clusters;
  for (const Sample& sample : in_order) clusters.values.push_back(sample.value);
  if (clusters.values.size() >= samples_min) {
    std::vector<double> ascending = clusters.values;
    std::sort(ascending.begin(), ascending.end());
    const bool is_mean = wish_.percent <= 0.0;
    const Interval interval =
        is_mean ? mean_interval(clusters) : percentile_interval(clusters, ascending, wish_.percent);
    const double figure = is_mean ? std::accumulate(ascending.begin(), ascending.end(), 0.0) /
                                        static_cast<double>(ascending.size())
                                  : percentile_of_sorted(ascending, wish_.percent);
    if (interval.is_known && figure > 0.0)
      half_width_ = (interval.high - interval.low) / 2.0 / figure;
  }
  const bool is_narrow = half_width_ && *half_width_ <= wish_.half_width;
  narrow_looks_ = is_narrow ? narrow_looks_ + 1 : 0;
  return is_reached();
}

std::string PrecisionWatch::text() const {
  const std::string wanted = format("±{} %", format_significant(100 * wish_.half_width, 3));
  if (!half_width_) {
    return format("{} not known yet after {} requests, wanted {}", wish_.label, seen_, wanted);
  }
  return format("{} known to ±{} % after {} requests, wanted {}", wish_.label,
                format_significant(100 * *half_width_, 3), seen_, wanted);
}

}  // namespace tacho
