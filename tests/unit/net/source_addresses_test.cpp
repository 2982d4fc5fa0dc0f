#include "net/source_addresses.h"

#include <doctest/doctest.h>

#include "base/text.h"

namespace tacho {
namespace {

/// The addresses of the list, by commas, or "error: ...".
std::string parsed(const std::vector<std::string>& list) {
  const auto addresses = parse_source_addresses(list);
  if (!addresses) return "error: " + addresses.error().message;
  std::vector<std::string> texts;
  for (const Address& address : *addresses) texts.push_back(address.text);
  return join(texts, ",");
}

TEST_CASE("source addresses come one by one, as ranges and as blocks") {
  CHECK(parsed({}) == "");
  CHECK(parsed({"127.0.0.1", "::1", "10.1.2.3"}) == "127.0.0.1,::1,10.1.2.3");
  CHECK(parsed({"10.0.0.254-10.0.1.1"}) == "10.0.0.254,10.0.0.255,10.0.1.0,10.0.1.1");
  CHECK(parsed({"127.0.0.0/29"}) == "127.0.0.1,127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,127.0.0.6");
  CHECK(parsed({"127.0.0.5/30"}) == "127.0.0.5,127.0.0.6");
  CHECK(parsed({"127.0.0.5/31"}) == "127.0.0.4,127.0.0.5");
  CHECK(parsed({"127.0.0.5/32"}) == "127.0.0.5");
  CHECK(parse_source_addresses({"10.0.0.0/20", "10.1.0.1", "10.1.0.2"})->size() == 4096);
}

TEST_CASE("what is no source address is refused by name") {
  for (const char* text : {"localhost", "127.0.0.1/0", "127.0.0.1/33", "127.0.0.1/x", "127.0.0/24",
                           "10.0.0.9-10.0.0.1", "10.0.0.1-", "-10.0.0.1", "::1/64", "1.2.3.4.5"}) {
    CHECK(parsed({text}).find(format("not '{}'", text)) != std::string::npos);
  }
  CHECK(parsed({"10.0.0.0/8"}).find("more than 4096") != std::string::npos);
  CHECK(parsed({"10.0.0.0/20", "10.1.0.0/29"}).find("more than 4096") != std::string::npos);
}

TEST_CASE("an address of another machine is found out before a run") {
  CHECK(check_source_addresses(*parse_source_addresses({"127.0.0.0/29"})).ok());
  // TEST-NET-1 (RFC 5737) is nobody's.
  const Status status = check_source_addresses(*parse_source_addresses({"192.0.2.1"}));
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message.find("192.0.2.1 is no address of this machine") !=
        std::string::npos);
}

}  // namespace
}  // namespace tacho
