#include "sim/truth.h"

#include "base/text.h"

namespace tacho {

void TruthStore::drop_oldest() {
  forget(truths_.front());
  index_.erase(truths_.front().id);
  truths_.pop_front();
  ++dropped_;
}

void TruthStore::note(Truth& truth, Instant planned, Instant written, Instant taken) {
  if (truth.is_cut) return;
  while (pieces_ >= pieces_max_ && !truths_.empty()) drop_oldest();
  if (pieces_ >= pieces_max_) {
    forget(truth);
    truth.planned = truth.written = truth.taken = {};
    truth.is_cut = true;
    return;
  }
  ++pieces_;
  truth.planned.push_back(planned);
  truth.written.push_back(written);
  truth.taken.push_back(taken);
}

void TruthStore::keep(Truth truth) {
  if (truth.is_cut) {
    ++cut_;
    return;
  }
  index_[truth.id] = dropped_ + truths_.size();
  truths_.push_back(std::move(truth));
}

const Truth* TruthStore::find(const std::string& id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : &truths_[found->second - dropped_];
}

void TruthStore::clear() {
  for (const Truth& truth : truths_) forget(truth);
  truths_.clear();
  index_.clear();
  dropped_ = cut_ = 0;
}

std::string to_json_line(const Truth& truth) {
  std::string out = format(
      "{{\"id\":\"{}\",\"received_ns\":{},\"queued_ns\":{},\"scheduled_ns\":{},\"input_tokens\":{},"
      "\"output_tokens\":{}",
      truth.id, to_ns(truth.received), to_ns(truth.queued), to_ns(truth.scheduled),
      truth.input_tokens, truth.output_tokens);
  if (truth.replica != no_replica) out += format(",\"replica\":{}", truth.replica);
  if (truth.prefill_replica != no_replica) {
    out += format(",\"prefill_replica\":{}", truth.prefill_replica);
  }
  if (!truth.fault.empty()) out += format(",\"fault\":\"{}\"", truth.fault);
  const auto column = [&](std::string_view key, const std::vector<Instant>& values) {
    out += format(",\"{}\":[", key);
    for (const Instant& value : values) {
      if (&value != &values.front()) out += ',';
      if (happened(value)) {
        out += fmt::format_int(to_ns(value)).str();
      } else {
        out += "null";
      }
    }
    out += ']';
  };
  column("planned_ns", truth.planned);
  column("written_ns", truth.written);
  column("taken_ns", truth.taken);
  return out + "}";
}

}  // namespace tacho
