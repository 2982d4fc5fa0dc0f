// A Result is a value or one error, and hands out what it holds without a copy.
#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>

namespace tacho {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return input_error("odd");
  return number / 2;
}

TEST_CASE("a Result holds a value or an error, never both") {
  const auto good = half(4);
  CHECK(good.ok());
  CHECK(static_cast<bool>(good));
  CHECK(*good == 2);

  const auto bad = half(3);
  CHECK_FALSE(bad.ok());
  CHECK(bad.error().message == "odd");
}

TEST_CASE("the kind of an error is what decides the exit code") {
  CHECK(input_error("x").kind == Error::Kind::input);
  CHECK(world_error("x").kind == Error::Kind::world);
}

TEST_CASE("a value that cannot be copied is moved out of its Result") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  const std::unique_ptr<int> taken = *std::move(result);
  CHECK(*taken == 5);
}

TEST_CASE("a value can be changed in place") {
  Result<std::string> text(std::string("a"));
  *text += "b";
  text->push_back('c');
  CHECK(text.value() == "abc");
}

TEST_CASE("a Status is done or an error") {
  const Status done = Nothing{};
  const Status failed = world_error("disk full");
  CHECK(done.ok());
  CHECK(failed.error().message == "disk full");
}

}  // namespace
}  // namespace tacho
