// What people type: URLs, times, numbers, faults and the arguments of every command. All of it is
// refused with a word of why, or understood; a URL that is understood makes the same URL again.
#include <algorithm>

#include "base/text.h"
#include "cli/flags.h"
#include "fuzz.h"
#include "net/address.h"
#include "sim/fault.h"

namespace tacho::fuzz {
namespace {

template <class T>
bool understood(const Result<T>& result) {
  if (result.ok()) return true;
  expect(!result.error().message.empty(), "refused without a word");
  return false;
}

void read_url(std::string_view text) {
  const auto url = parse_url(text);
  if (!understood(url)) return;
  expect(!url->host.empty() && url->port != 0, "a URL without a host or port");
  expect(url->path.empty() || url->path.front() == '/', "a path that does not begin at the root");
  for (const std::string& part : {url->host, url->path}) {
    const auto is_unfit = [](char c) { return c == '\r' || c == '\n' || c == ' '; };
    expect(std::none_of(part.begin(), part.end(), is_unfit), "a URL could break a request apart");
  }
  const auto again = parse_url(url->origin() + url->path);
  expect(again.ok(), "a URL that we have made ourselves is refused");
  expect_same(again->origin() + again->path, url->origin() + url->path, "the URL has changed");
  expect(again->host == url->host && again->is_tls == url->is_tls, "the URL has changed");
}

void read_values(std::string_view text) {
  const auto seconds = parse_seconds(text);
  if (understood(seconds)) expect(*seconds >= 0.0 && *seconds <= 1e8, "a time out of bounds");
  const auto rule = parse_fault_rule(text);
  if (understood(rule)) {
    expect(rule->probability >= 0.0 && rule->probability <= 1.0, "a probability of none");
  }
  parse_integer(text);
  parse_number(text);
}

/// The arguments, one a line, to the table of a command.
void read_arguments(std::uint8_t which, std::string_view text) {
  std::vector<std::string> arguments;
  for (const auto word : split(text, '\n')) arguments.emplace_back(word);
  static const std::vector<FlagTable> tables = [] {
    std::vector<FlagTable> all;
    for (const Command& command : commands()) all.push_back(command.flags());
    return all;
  }();
  const auto others = tables[which % tables.size()].parse(arguments);
  if (!understood(others)) return;
  expect(others->size() <= arguments.size(), "more words than were typed");
  for (const std::string& word : *others) {
    expect(std::count(arguments.begin(), arguments.end(), word) > 0, "a word that nobody typed");
  }
}

}  // namespace
}  // namespace tacho::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tacho::fuzz;
  Input input(data, size);
  const std::uint8_t which = input.decide();
  read_url(input.rest());
  read_values(input.rest());
  read_arguments(which, input.rest());
  return 0;
}
