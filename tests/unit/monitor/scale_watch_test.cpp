#include "monitor/scale_watch.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

Instant second(int s) { return instant_from_ns(std::int64_t{s} * 1'000'000'000); }

Subject engine(const char* id, double waiting, double served) {
  Subject subject;
  subject.kind = SubjectKind::engine;
  subject.id = id;
  subject.add(quantity::engine_waiting, waiting);
  subject.add(quantity::engine_succeeded, served);
  return subject;
}

TEST_CASE("scaling out is timed from the trigger to the new replica's first request") {
  ScaleWatch watch(100);
  const auto look = [&](int s, std::vector<Subject> engines) {
    std::vector<const Subject*> all;
    for (const Subject& e : engines) all.push_back(&e);
    watch.look(all, second(s));
  };
  Subject down = engine("b", 0, 0);
  down.trouble = "refused";
  look(0, {engine("a", 99, 10), down});
  CHECK_FALSE(watch.seconds(second(0)).has_value());
  look(10, {engine("a", 100, 12), down});
  look(20, {engine("a", 150, 14), down});
  CHECK(watch.seconds(second(20)) == 10.0);
  look(30, {engine("a", 150, 16), engine("b", 5, 0)});
  CHECK(watch.seconds(second(32)) == 22.0);
  look(35, {engine("a", 40, 16), engine("b", 5, 1)});
  CHECK(watch.seconds(second(35)) == 25.0);
  CHECK(watch.seconds(second(300)) == 25.0);
  CHECK_FALSE(watch.seconds(second(336)).has_value());
}

TEST_CASE("load that goes by itself is no scaling") {
  ScaleWatch watch(100);
  const Subject much = engine("a", 120, 1), some = engine("a", 60, 2), little = engine("a", 40, 3);
  watch.look({&much}, second(0));
  watch.look({&some}, second(1));
  CHECK(watch.seconds(second(1)) == 1.0);
  watch.look({&little}, second(2));
  CHECK_FALSE(watch.seconds(second(2)).has_value());
}

}  // namespace
}  // namespace tacho
