// Files, whole: read, write so that a crash leaves the old or the new one, append.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tacho {

/// Reads a whole file. A missing or unreadable file is the user's input error.
Result<std::string> read_file(const std::string& path);

/// Hands each line of a file on, without its end and without ever holding the file; `is_whole` is
/// false for a last line that has none. A missing or unreadable file is the user's input error.
Status for_each_line(const std::string& path,
                     const std::function<void(std::string_view line, bool is_whole)>& take);

/// Writes through a temporary file and rename, so that readers never see half a file.
Status write_file(const std::string& path, std::string_view content);

/// Makes the folder and its parents.
Status make_folders(const std::string& path);

/// True when something is there at this path.
bool exists(const std::string& path);

/// True when the path is a folder.
bool is_folder(const std::string& path);

/// tacho's folder in the user's cache: $XDG_CACHE_HOME/tacho or ~/.cache/tacho; "" when the
/// environment names neither.
std::string user_cache_folder();

/// An open file that is only ever appended to. Each append is one write call, so that what was
/// appended survives a kill, and writers of the same file do not mix lines (O_APPEND).
class AppendFile {
 public:
  /// Opens or creates the file.
  static Result<AppendFile> open(const std::string& path);

  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  /// Appends the bytes. An error names the file and the cause (a full disk, say).
  Status append(std::string_view bytes);

 private:
  AppendFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_ = -1;
  std::string path_;
};

}  // namespace tacho
