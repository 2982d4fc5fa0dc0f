#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/text.h"

namespace tacho {
namespace {

Error cannot(std::string_view verb, const std::string& path, int code) {
  return world_error(format("cannot {} '{}': {}", verb, path, std::strerror(code)));
}

/// Writes all bytes, going on after short writes and signals. Zero, or an errno.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return input_error(format("cannot read '{}': {}", path, std::strerror(errno)));
  std::string content;
  char buffer[1 << 16];
  ssize_t n = 0;
  while ((n = ::read(descriptor, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0) content.append(buffer, static_cast<std::size_t>(n));
  }
  const int failure = n < 0 ? errno : 0;
  ::close(descriptor);
  if (failure != 0)
    return input_error(format("cannot read '{}': {}", path, std::strerror(failure)));
  return content;
}

Status for_each_line(const std::string& path,
                     const std::function<void(std::string_view line, bool is_whole)>& take) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return input_error(format("cannot read '{}': {}", path, std::strerror(errno)));
  std::string held;  // What was read and not yet handed on: less than a line, but for its end.
  std::string buffer(1 << 20, '\0');
  while (true) {
    const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int code = errno;
      ::close(descriptor);
      return input_error(format("cannot read '{}': {}", path, std::strerror(code)));
    }
    if (n == 0) break;
    std::string_view rest(buffer.data(), static_cast<std::size_t>(n));
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      if (held.empty()) {
        take(rest.substr(0, end), true);
      } else {
        held += rest.substr(0, end);
        take(held, true);
        held.clear();
      }
      rest.remove_prefix(end + 1);
    }
    held += rest;
  }
  ::close(descriptor);
  if (!held.empty()) take(held, false);
  return Nothing{};
}

Status write_file(const std::string& path, std::string_view content) {
  const std::string temporary = format("{}.{}.tmp", path, ::getpid());
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return cannot("write", path, errno);
  int failure = write_all(descriptor, content);
  if (::close(descriptor) != 0 && failure == 0) failure = errno;
  if (failure == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) failure = errno;
  if (failure != 0) {
    ::unlink(temporary.c_str());
    return cannot("write", path, failure);
  }
  return Nothing{};
}

Status make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return cannot("make the folder", path, error.value());
  return Nothing{};
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

std::string user_cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && cache[0] == '/') return std::string(cache) + "/tacho";
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.cache/tacho";
  return "";
}

Result<AppendFile> AppendFile::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return cannot("write", path, errno);
  return AppendFile(descriptor, path);
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status AppendFile::append(std::string_view bytes) {
  if (const int failure = write_all(descriptor_, bytes)) return cannot("write", path_, failure);
  return Nothing{};
}

}  // namespace tacho
