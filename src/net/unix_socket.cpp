#include "net/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "base/text.h"

namespace tacho {

Result<Address> unix_address(const std::string& path) {
  Address address;
  auto& local = *reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.empty()) return input_error("a UNIX socket needs a path");
  if (path.size() >= sizeof local.sun_path) {
    return input_error(format("the path of a UNIX socket has at most {} bytes, not {}: '{}'",
                              sizeof local.sun_path - 1, path.size(), path));
  }
  local.sun_family = AF_UNIX;
  path.copy(local.sun_path, path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  address.text = path;
  return address;
}

std::string unix_path(const Address& address) {
  if (address.storage.ss_family != AF_UNIX) return {};
  return reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path;
}

void remove_stale_socket(const Address& address) {
  const std::string path = unix_path(address);
  struct stat file {};
  // Any other kind of file is somebody's, and connecting to it is refused as well.
  if (path.empty() || ::stat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  const bool is_refused =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 &&
      errno == ECONNREFUSED;
  ::close(probe);
  if (is_refused) ::unlink(path.c_str());
}

}  // namespace tacho
