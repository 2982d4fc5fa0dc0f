// Files that are part of the binary (CMake's tacho_embed puts them there), so that one file is all
// a user copies.
#pragma once

#include <string_view>

/// Declares `name()` in the current scope's namespace: the bytes of the embedded file of that
/// symbol.
#define TACHO_EMBEDDED(name)                                                      \
  extern "C" const char tacho_##name##_begin[];                                   \
  extern "C" const char tacho_##name##_end[];                                     \
  inline std::string_view name() {                                                \
    return {tacho_##name##_begin,                                                 \
            static_cast<std::size_t>(tacho_##name##_end - tacho_##name##_begin)}; \
  }
