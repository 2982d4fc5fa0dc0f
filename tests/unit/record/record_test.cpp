// The few things that are read off a record.
#include "record/record.h"

#include <doctest/doctest.h>

namespace tacho {
namespace {

Instant at(std::int64_t ns) { return instant_from_ns(ns); }

TEST_CASE("first, first output and last token are those of the chunks, or never") {
  Record r;
  CHECK(first_token(r) == never);
  CHECK(first_output_token(r) == never);
  CHECK(last_token(r) == never);
  r.chunks = {{at(1), 0, 1, true}, {at(2), 0, 1, true}};
  CHECK(first_token(r) == at(1));
  CHECK(first_output_token(r) == never);
  r.chunks.push_back({at(3), 0, 1, false});
  r.chunks.push_back({at(4), 0, 1, true});
  CHECK(first_output_token(r) == at(3));
  CHECK(last_token(r) == at(4));
}

TEST_CASE("send lag is the time from due to sent, without what a new connection took") {
  Record r;
  CHECK(own_send_lag(r) == Duration(0));
  r.due = at(100);
  r.dialled = at(10);
  r.connected = at(50);
  r.sent = at(107);
  CHECK(own_send_lag(r) == Duration(7));  // A connection from before.
  r.dialled = at(102);
  r.connected = at(105);
  CHECK(own_send_lag(r) == Duration(4));  // Two until it was dialled, two after it was up.
}

}  // namespace
}  // namespace tacho
