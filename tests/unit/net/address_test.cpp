// URLs as people type them.
#include "net/address.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/text.h"

namespace tacho {
namespace {

/// "tls host port path", or "error: ..." when it is no URL.
std::string parts(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return "error: " + url.error().message;
  return format("{} {} {} {}", url->is_tls ? "https" : "http", url->host, url->port, url->path);
}

TEST_CASE("a URL is taken apart") {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"http://127.0.0.1:8000", "http 127.0.0.1 8000 "},
      {"http://127.0.0.1:8000/", "http 127.0.0.1 8000 /"},
      {"https://api.example.com/v1", "https api.example.com 443 /v1"},
      {"HTTPS://Api.Example.com:8443/V1/x", "https Api.Example.com 8443 /V1/x"},
      {"localhost", "http localhost 80 "},
      {"localhost:8000", "http localhost 8000 "},
      {"localhost:8000/v1/chat/completions", "http localhost 8000 /v1/chat/completions"},
      {"http://[::1]:8000/v1", "http ::1 8000 /v1"},
      {"http://[fe80::1]", "http fe80::1 80 "},
      {"http://host/path?query=1#top", "http host 80 /path"},
      {"http://host?query=1", "http host 80 "},
      {"http://host:1", "http host 1 "},
      {"http://host:65535", "http host 65535 "},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(std::string(text));
    CHECK(parts(text) == expected);
  }
}

TEST_CASE("a URL's query is kept beside its path, and what is behind # is not") {
  CHECK(parse_url("http://host/path?a=1&b[]=2#top")->query == "?a=1&b[]=2");
  CHECK(parse_url("host:8000?x")->query == "?x");
  CHECK(parse_url("http://host/path#a?b")->query == "");
}

TEST_CASE("what is no URL is refused with the reason, in one line") {
  for (const char* text :
       {"", "http://", "ftp://host", "http://:80", "http://host:0", "http://host:65536",
        "http://host:x", "http://[::1", "http://user:secret@host", "::1", "::1:8000",
        "http://::1:8000", "http://[::1]x:80", "http://a]:80", "http://a b", "http://a/x y",
        "http://a\r\nX: y", "http:///path"}) {
    CAPTURE(std::string(text));
    const auto url = parse_url(text);
    REQUIRE_FALSE(url.ok());
    CHECK(url.error().kind == Error::Kind::input);
    CHECK(url.error().message.find('\n') == std::string::npos);
    CHECK(url.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("an origin and a Host header name the port only where they must, and bracket IPv6") {
  CHECK(parse_url("https://h/v1")->origin() == "https://h:443");
  CHECK(parse_url("https://h/v1")->host_header() == "h");
  CHECK(parse_url("https://h:80")->host_header() == "h:80");
  CHECK(parse_url("http://h:80")->host_header() == "h");
  CHECK(parse_url("http://h:443")->host_header() == "h:443");
  CHECK(parse_url("http://[::1]:8000")->origin() == "http://[::1]:8000");
  CHECK(parse_url("http://[::1]:8000")->host_header() == "[::1]:8000");
  CHECK(parse_url("http://[::1]")->host_header() == "[::1]");
}

TEST_CASE("a numeric host resolves without asking anyone") {
  const auto v4 = resolve("127.0.0.1", 8000);
  REQUIRE(v4.ok());
  CHECK(v4->port() == 8000);
  CHECK(v4->text == "127.0.0.1:8000");
  const auto v6 = resolve("::1", 65535);
  REQUIRE(v6.ok());
  CHECK(v6->port() == 65535);
  CHECK(v6->text == "[::1]:65535");
}

}  // namespace
}  // namespace tacho
