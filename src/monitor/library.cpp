#include "monitor/library.h"

#include <dlfcn.h>

#include "base/text.h"

namespace tacho {

Result<Library> Library::open(const std::vector<std::string>& names) {
  std::string why;
  for (const std::string& name : names) {
    // Local, so that two vendors' libraries do not take each other's symbols.
    if (void* handle = ::dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL)) return Library(handle, name);
    if (why.empty()) why = ::dlerror();
  }
  return world_error(why);
}

Library::Library(Library&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), name_(std::move(other.name_)) {}

Library& Library::operator=(Library&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(name_, other.name_);
  return *this;
}

Library::~Library() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

void* Library::find(const char* symbol) const {
  return handle_ != nullptr ? ::dlsym(handle_, symbol) : nullptr;
}

}  // namespace tacho
