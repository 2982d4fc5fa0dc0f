#include "monitor/sampler.h"

#include <sys/resource.h>

#include <algorithm>

namespace tacho {
namespace {

/// Processor time of this process so far, seconds.
double own_cpu_s() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Sampler::Sampler(std::vector<ProbePtr> probes, Duration period) : period_(period) {
  for (ProbePtr& probe : probes) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->probe = std::move(probe);
  }
  for (auto& lane : lanes_) lane->thread = std::thread([this, &lane = *lane] { sample(lane); });
}

Sampler::~Sampler() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  for (auto& lane : lanes_) lane->probe->interrupt();
  for (auto& lane : lanes_) lane->thread.join();
}

void Sampler::sample(Lane& lane) {
  Instant due = monotonic_now();
  for (;;) {
    const Instant began = monotonic_now();
    {
      const std::lock_guard lock(mutex_);
      lane.asked = asked_;
    }
    std::vector<Subject> subjects;
    lane.probe->read(subjects);
    const Instant ended = monotonic_now();
    for (Subject& subject : subjects) {
      if (!happened(subject.at)) subject.at = ended;
    }
    std::unique_lock lock(mutex_);
    lane.subjects = std::move(subjects);
    lane.began = began;
    lane.ended = ended;
    ++lane.rounds;
    watch_scale(ended);
    changed_.notify_all();
    // A reading that takes longer than the period leaves turns out; the others stay where they
    // were.
    while (due <= ended) due += period_;
    while (!is_stopping_ && lane.asked == asked_ && monotonic_now() < due) {
      changed_.wait_for(lock, due - monotonic_now());
    }
    if (is_stopping_) return;
  }
}

void Sampler::watch_scale(Instant at) {
  std::vector<const Subject*> engines;
  for (const auto& lane : lanes_) {
    for (const Subject& subject : lane->subjects) {
      if (subject.kind == SubjectKind::engine) engines.push_back(&subject);
    }
  }
  if (!engines.empty()) scale_.look(engines, at);
}

Snapshot Sampler::latest() const {
  Snapshot snapshot;
  const std::lock_guard lock(mutex_);
  snapshot.at = monotonic_now();
  snapshot.wall_ns = wall_clock_ns();
  Subject self;
  self.kind = SubjectKind::monitor;
  self.id = "monitor";
  self.at = snapshot.at;
  for (const auto& lane : lanes_) {
    const Labels probe{{"probe", std::string(lane->probe->name())}};
    const bool has_read = lane->rounds > 0;
    const bool is_up =
        has_read && std::any_of(lane->subjects.begin(), lane->subjects.end(),
                                [](const Subject& subject) { return subject.trouble.empty(); });
    self.add(quantity::monitor_probe_up, is_up ? 1.0 : 0.0, probe);
    if (has_read) {
      self.add(quantity::monitor_probe_time, to_s(lane->ended - lane->began), probe);
      self.add(quantity::monitor_probe_age, to_s(snapshot.at - lane->ended), probe);
    }
    snapshot.subjects.insert(snapshot.subjects.end(), lane->subjects.begin(), lane->subjects.end());
  }
  self.add(quantity::monitor_cpu, own_cpu_s());
  if (const auto seconds = scale_.seconds(snapshot.at)) {
    self.add(quantity::engine_scale_out, *seconds);
  }
  snapshot.subjects.push_back(std::move(self));
  return snapshot;
}

void Sampler::read_now(Duration limit) {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++asked_;
  std::vector<std::uint64_t> rounds;
  for (const auto& lane : lanes_) rounds.push_back(lane->rounds);
  changed_.notify_all();
  // A reading that was under way began too early; the one after it counts.
  changed_.wait_for(lock, limit, [&] {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (lanes_[i]->asked < mine || lanes_[i]->rounds == rounds[i]) return false;
    }
    return true;
  });
}

void Sampler::wait_for_round(Duration limit) {
  std::unique_lock lock(mutex_);
  std::vector<std::uint64_t> rounds;
  for (const auto& lane : lanes_) rounds.push_back(lane->rounds);
  changed_.wait_for(lock, limit, [&] {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (lanes_[i]->rounds == rounds[i]) return false;
    }
    return true;
  });
}

}  // namespace tacho
