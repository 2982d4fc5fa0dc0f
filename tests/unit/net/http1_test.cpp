// HTTP/1.1 as servers speak it, cut at every byte: the same events come out, and nothing after a
// message is touched.
#include "net/http1.h"

#include <doctest/doctest.h>

#include <optional>

#include "base/text.h"

namespace tacho {
namespace {

using Kind = HttpParser::Kind;

/// Writes down what it hears, body pieces joined, so that two readings can be compared.
class Notes final : public HttpSink {
 public:
  void on_head(HttpHead&& head) override {
    text += format("head {}{}{} 1.{}", head.status, head.method, head.target, head.minor_version);
    for (const auto& [name, value] : head.fields) text += format(" {}={}", name, value);
    text += head.keeps_alive() ? " keep\n" : " close\n";
    body.clear();
  }
  void on_body(std::string_view bytes) override {
    if (bytes.empty()) text += "empty body piece\n";
    body += bytes;
  }
  void on_message_end() override { text += format("body '{}' end\n", body); }
  std::string text;
  std::string body;
};

/// Feeds all messages of the bytes, one piece after the other, and says what came out.
std::string read(Kind kind, const std::vector<std::string_view>& pieces, bool then_close = false) {
  HttpParser parser(kind);
  Notes notes;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && parser.error().empty()) piece.remove_prefix(parser.feed(piece, notes));
  }
  if (then_close && parser.error().empty())
    notes.text += parser.finish(notes) ? "closed well\n" : "cut off\n";
  if (!parser.error().empty()) notes.text += "error: " + parser.error() + "\n";
  if (parser.is_idle()) notes.text += "idle\n";
  return notes.text;
}

struct Case {
  std::string_view what;
  Kind kind;
  std::string_view bytes;
  bool then_close;
  std::string_view expected;
};

const std::vector<Case> cases{
    {"a body with its length", Kind::response,
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b c \r\n\r\nhello", false,
     "head 200 1.1 Content-Length=5 X-A=b c keep\nbody 'hello' end\nidle\n"},
    {"no body", Kind::response, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false,
     "head 200 1.1 Content-Length=0 keep\nbody '' end\nidle\n"},
    {"a status line without a phrase, and bare line feeds", Kind::response,
     "HTTP/1.1 404\ncontent-length: 2\n\nno", false,
     "head 404 1.1 content-length=2 keep\nbody 'no' end\nidle\n"},
    {"chunks, with extensions, capital sizes and trailers", Kind::response,
     "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
     "3;x=\"y\"\r\nabc\r\n0A \r\n0123456789\r\n1\r\n\r\r\n0;last\r\nTrailer: t\r\nMore: u\r\n\r\n",
     false, "head 200 1.1 transfer-encoding=Chunked keep\nbody 'abc0123456789\r' end\nidle\n"},
    {"chunks win over a length", Kind::response,
     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: gzip, "
     "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
     false,
     "head 200 1.1 Content-Length=9 Transfer-Encoding=gzip, chunked keep\nbody 'x' end\nidle\n"},
    {"a body until the close", Kind::response,
     "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it", true,
     "head 200 1.0 Content-Type=text/plain close\nbody 'all of it' end\nclosed well\nidle\n"},
    {"interim answers first", Kind::response,
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
     "HTTP/1.1 204 No Content\r\n\r\n",
     false, "head 204 1.1 keep\nbody '' end\nidle\n"},
    {"204 and 304 have no body whatever they say", Kind::response,
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"
     "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
     false,
     "head 304 1.1 Content-Length=10 keep\nbody '' end\n"
     "head 204 1.1 Transfer-Encoding=chunked keep\nbody '' end\nidle\n"},
    {"several messages in a row", Kind::response,
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
     "\r\nHTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\nConnection: "
     "close\r\n\r\n1\r\nb\r\n0\r\n\r\n",
     false,
     "head 200 1.1 Content-Length=1 keep\nbody 'a' end\n"
     "head 500 1.1 Transfer-Encoding=chunked Connection=close close\nbody 'b' end\nidle\n"},
    {"requests", Kind::request,
     "GET /v1/models?x=1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /a b HTTP/1.0\r\n"
     "Connection: keep-alive\r\nContent-Length: 3\r\n\r\nxyz",
     false,
     "head 0GET/v1/models?x=1 1.1 Host=a keep\nbody '' end\n"
     "head 0POST/a b 1.0 Connection=keep-alive Content-Length=3 keep\nbody 'xyz' end\nidle\n"},
    {"a head that is cut off", Kind::response, "HTTP/1.1 200 OK\r\nContent-", true, "cut off\n"},
    {"a body that is cut off", Kind::response, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
     true, "head 200 1.1 Content-Length=5 keep\ncut off\n"},
    {"chunks that are cut off", Kind::response,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", true,
     "head 200 1.1 Transfer-Encoding=chunked keep\ncut off\n"},
    {"rubbish", Kind::response, "SSH-2.0-OpenSSH\r\n", false, "error: not an HTTP/1.1 response\n"},
    {"HTTP/2's answer to the wrong question", Kind::response, "HTTP/2 200\r\n\r\n", false,
     "error: not an HTTP/1.1 response\n"},
    {"a status that is none", Kind::response, "HTTP/1.1 2x0 OK\r\n\r\n", false,
     "error: a status line without a status\n"},
    {"a change of protocol", Kind::response, "HTTP/1.1 101 Switching\r\n\r\n", false,
     "error: an unasked-for change of protocol\nidle\n"},
    {"a line without a name", Kind::response, "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false,
     "error: a header line without a name\n"},
    {"a length that is none", Kind::response, "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
     false, "error: a content-length that is no number\n"},
    {"a length below nothing", Kind::response, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
     false, "error: a content-length that is no number\n"},
    {"two lengths that differ", Kind::response,
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\nhello", false,
     "error: two lengths that differ\n"},
    {"one length, said twice", Kind::response,
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\nx", false,
     "head 200 1.1 Content-Length=1 content-length=1 keep\nbody 'x' end\nidle\n"},
    {"a chunk size that is none", Kind::response,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", false,
     "head 200 1.1 Transfer-Encoding=chunked keep\nerror: a chunk size that is no number\n"},
    {"a chunk size beyond all numbers", Kind::response,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n", false,
     "head 200 1.1 Transfer-Encoding=chunked keep\nerror: a chunk size that is no number\n"},
    {"a chunk longer than it says", Kind::response,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", false,
     "head 200 1.1 Transfer-Encoding=chunked keep\nerror: a chunk is longer than its size says\n"},
    {"a request that is none", Kind::request, "GET /\r\n", false,
     "error: not an HTTP/1.1 request\n"},
};

TEST_CASE("each message yields its events") {
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    CHECK(read(c.kind, {c.bytes}, c.then_close) == c.expected);
  }
}

TEST_CASE("cut in two at every byte, each message yields the same") {
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    for (std::size_t cut = 1; cut < c.bytes.size(); ++cut) {
      CAPTURE(cut);
      CHECK(read(c.kind, {c.bytes.substr(0, cut), c.bytes.substr(cut)}, c.then_close) ==
            c.expected);
    }
  }
}

TEST_CASE("fed byte by byte, each message yields the same") {
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < c.bytes.size(); ++i) bytes.push_back(c.bytes.substr(i, 1));
    CHECK(read(c.kind, bytes, c.then_close) == c.expected);
  }
}

TEST_CASE("the parser stops after a message and leaves the next one's bytes") {
  HttpParser parser(Kind::response);
  Notes notes;
  const std::string first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  CHECK(parser.feed(first + first, notes) == first.size());
  CHECK(parser.is_idle());
  CHECK(parser.feed("HTTP", notes) == 4);
  CHECK_FALSE(parser.is_idle());
}

TEST_CASE("an error is final: no byte is used after it") {
  HttpParser parser(Kind::response);
  Notes notes;
  CHECK(parser.feed("rubbish\n", notes) == 0);
  CHECK(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", notes) == 0);
  CHECK(notes.text == "");
}

TEST_CASE("a head, a chunk-size line and trailers are bounded, in one piece and in many") {
  const std::string line(70'000, 'x');
  const auto is_refused = [](const std::string& bytes, std::size_t piece) {
    HttpParser parser(Kind::response);
    Notes notes;
    for (std::size_t i = 0; i < bytes.size() && parser.error().empty(); i += piece) {
      parser.feed(std::string_view(bytes).substr(i, piece), notes);
    }
    return parser.error() == "a head of more than 256 KiB";
  };
  const std::string start = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  std::string many = start, trailers = chunked + "0\r\n";
  for (int i = 0; i < 4; ++i) {
    many += "a: " + line + "\r\n";
    trailers += "a: " + line + "\r\n";
  }
  const std::string endless = start + "a: " + line + line + line + line;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    CAPTURE(piece);
    CHECK(is_refused(many, piece));
    CHECK(is_refused(endless, piece));
    CHECK(is_refused(trailers, piece));
    CHECK(is_refused(chunked + line + line + line + line, piece));
    CHECK_FALSE(is_refused(start + "a: " + line + "\r\nb: " + line + "\r\n\r\n", piece));
  }
}

TEST_CASE("a long stream of chunks is no long head") {
  HttpParser parser(Kind::response);
  Notes notes;
  parser.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", notes);
  for (int i = 0; i < 100'000; ++i) parser.feed("4\r\nabcd\r\n", notes);
  parser.feed("0\r\n\r\n", notes);
  CHECK(parser.error() == "");
  CHECK(notes.body.size() == 400'000);
}

TEST_CASE("fields are found whatever their case, and lists by their parts") {
  HttpHead head;
  head.fields = {{"Connection", "upgrade, CLOSE"}, {"connection", "keep-alive"}, {"X", ""}};
  CHECK(head.field("CONNECTION") == "upgrade, CLOSE");
  CHECK(head.has_token("connection", "close"));
  CHECK_FALSE(head.has_token("connection", "clos"));
  CHECK(head.field("missing") == "");
  CHECK_FALSE(head.keeps_alive());
}

TEST_CASE("every status has a phrase") {
  CHECK(status_phrase(200) == "OK");
  CHECK(status_phrase(429) == "Too Many Requests");
  CHECK(status_phrase(299) == "Unknown");
}

}  // namespace
}  // namespace tacho
