#include "workload/think_time.h"

#include "base/text.h"

namespace tacho {
namespace {

double draw_s(const ThinkTime& think, Random& random) {
  switch (think.law) {
    case ThinkTime::Law::constant:
      return think.low_s;
    case ThinkTime::Law::uniform:
      return think.low_s + (think.high_s - think.low_s) * random.uniform();
    case ThinkTime::Law::exponential:
      return think.low_s * random.exponential();
  }
  return 0.0;
}

}  // namespace

double mean_s(const ThinkTime& think) {
  return think.law == ThinkTime::Law::uniform ? (think.low_s + think.high_s) / 2.0 : think.low_s;
}

std::vector<Duration> think_times(const ThinkTime& think, std::size_t count, Seed seed) {
  Random random(seed, "think");
  std::vector<Duration> times;
  times.reserve(count);
  while (times.size() < count) times.push_back(from_s(draw_s(think, random)));
  return times;
}

std::string think_words(const ThinkTime& think) {
  if (mean_s(think) == 0.0) return "";
  switch (think.law) {
    case ThinkTime::Law::constant:
      return format("think {:g} s", think.low_s);
    case ThinkTime::Law::uniform:
      return format("think {:g} to {:g} s", think.low_s, think.high_s);
    case ThinkTime::Law::exponential:
      return format("think {:g} s on average (exponential)", think.low_s);
  }
  return "";
}

}  // namespace tacho
