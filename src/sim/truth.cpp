#include "sim/truth.h"

#include "base/text.h"

namespace tacho {

void TruthStore::keep(Truth truth) {
  tokens_ += truth.written.size();
  index_[truth.id] = dropped_ + truths_.size();
  truths_.push_back(std::move(truth));
  while (tokens_ > tokens_max_ && truths_.size() > 1) {
    tokens_ -= truths_.front().written.size();
    index_.erase(truths_.front().id);
    truths_.pop_front();
    ++dropped_;
  }
}

const Truth* TruthStore::find(const std::string& id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : &truths_[found->second - dropped_];
}

void TruthStore::clear() {
  truths_.clear();
  index_.clear();
  tokens_ = dropped_ = 0;
}

std::string to_json_line(const Truth& truth) {
  std::string out = format(
      "{{\"id\":\"{}\",\"received_ns\":{},\"scheduled_ns\":{},\"input_tokens\":{},"
      "\"output_tokens\":{}",
      truth.id, to_ns(truth.received), to_ns(truth.scheduled), truth.input_tokens,
      truth.output_tokens);
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
