#include "net/unix_socket.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "net/epoll_loop.h"

namespace tacho {
namespace {

/// A folder that goes with the test.
struct Folder {
  Folder() : path(::mkdtemp(name)) {}
  ~Folder() { std::filesystem::remove_all(path); }
  char name[64] = "/tmp/tacho-unix-XXXXXX";
  std::string path;
};

struct Nobody final : AcceptHandler {
  StreamHandler& on_accept(StreamPtr) override { std::abort(); }
};

TEST_CASE("a path becomes an address and comes back; too long a one does not") {
  const auto address = unix_address("/run/engine.sock");
  REQUIRE(address);
  CHECK(unix_path(*address) == "/run/engine.sock");
  CHECK(address->text == "/run/engine.sock");
  CHECK(address->port() == 0);
  CHECK(unix_path(Address()).empty());
  CHECK_FALSE(unix_address(""));
  CHECK(unix_address(std::string(107, 'x')));
  CHECK(unix_address(std::string(108, 'x')).error().message.find("107 bytes") != std::string::npos);
}

TEST_CASE("a listener takes its file with it, and a dead server's file is no hindrance") {
  Folder folder;
  const Address address = *unix_address(folder.path + "/s");
  auto loop = std::move(*EpollLoop::create());
  Nobody nobody;
  {
    const auto listener = loop->listen(address, nobody);
    REQUIRE(listener);
    CHECK(std::filesystem::exists(folder.path + "/s"));
    CHECK_FALSE(loop->listen(address, nobody));  // Somebody listens there.
  }
  CHECK_FALSE(std::filesystem::exists(folder.path + "/s"));

  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(dead, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0);
  ::close(dead);
  CHECK(std::filesystem::exists(folder.path + "/s"));
  CHECK(loop->listen(address, nobody));
}

TEST_CASE("a file that is no socket is left alone") {
  Folder folder;
  std::ofstream(folder.path + "/s") << "precious";
  auto loop = std::move(*EpollLoop::create());
  Nobody nobody;
  CHECK_FALSE(loop->listen(*unix_address(folder.path + "/s"), nobody));
  CHECK(std::filesystem::file_size(folder.path + "/s") == 8);
}

}  // namespace
}  // namespace tacho
