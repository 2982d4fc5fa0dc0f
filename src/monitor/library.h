// A vendor's library, loaded while tacho runs: nothing is linked, nothing of a vendor's is in this
// repository, and a machine without the library is as good as any other.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "base/result.h"

namespace tacho {

/// A shared library, open as long as this lives.
class Library {
 public:
  Library() = default;
  /// Opens the first of these that is there. The error says what the system's loader said of the
  /// first.
  static Result<Library> open(const std::vector<std::string>& names);

  Library(Library&& other) noexcept;
  Library& operator=(Library&& other) noexcept;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();

  /// Where it was found, as it was named.
  const std::string& name() const { return name_; }
  /// The address of that symbol, or null.
  void* find(const char* symbol) const;

 private:
  Library(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
  void* handle_ = nullptr;
  std::string name_;
};

/// A function of a vendor's library, which may not be there: drivers differ in age. It is called as
/// any other, and answers `absent` where it is not there.
template <int absent, class... Arguments>
struct VendorCall {
  const char* name = "";
  int (*function)(Arguments...) = nullptr;

  /// Takes the first of these names that the library has; versions of one function that are called
  /// the same way, newest first. Messages name the first.
  void find(const Library& library, std::initializer_list<const char*> names) {
    name = *names.begin();
    for (const char* candidate : names) {
      function = reinterpret_cast<int (*)(Arguments...)>(library.find(candidate));
      if (function != nullptr) return;
    }
  }
  explicit operator bool() const { return function != nullptr; }
  int operator()(Arguments... arguments) const {
    return function != nullptr ? function(arguments...) : absent;
  }
};

}  // namespace tacho
