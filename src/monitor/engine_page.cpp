#include "monitor/engine_page.h"

namespace tacho {

bool EnginePages::read(const MetricsText& page, double start_beside, std::vector<Subject>& out) {
  const EngineKind* kind = recognise_engine(page);
  if (kind == nullptr) return false;
  std::vector<Subject> subjects = normalise(page, *kind, instance_);
  if (subjects.empty()) return false;
  subjects.front().add(quantity::engine_up, 1.0);
  watch_restarts(subjects, page, start_beside);
  for (Subject& subject : subjects) out.push_back(std::move(subject));
  return true;
}

void EnginePages::down(std::string why, std::vector<Subject>& out) const {
  Subject subject;
  subject.kind = SubjectKind::engine;
  subject.id = instance_;
  subject.labels = {{"instance", instance_}};
  subject.trouble = std::move(why);
  subject.add(quantity::engine_up, 0.0);
  subject.add(quantity::engine_restarts, restarts_);
  out.push_back(std::move(subject));
}

/// Notices a start time that changed, or a counter that sank.
void EnginePages::watch_restarts(std::vector<Subject>& subjects, const MetricsText& page,
                                 double start_beside) {
  const MetricLine* line = page.find("process_start_time_seconds");
  const double start = line != nullptr ? line->value : start_beside;
  double tokens = 0.0;
  for (const Subject& subject : subjects) {
    const double value = subject.value(quantity::engine_generation_tokens);
    if (std::isfinite(value)) tokens += value;
  }
  // The start time is the better witness: an engine that has just begun may have caught up.
  const bool is_new =
      std::isfinite(start) && std::isfinite(start_) ? start != start_ : tokens < tokens_;
  if (is_new) restarts_ += 1.0;
  start_ = start;
  tokens_ = tokens;
  if (line != nullptr) subjects.front().add(quantity::engine_start_time, start);
  subjects.front().add(quantity::engine_restarts, restarts_);
}

}  // namespace tacho
