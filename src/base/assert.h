// Assertions for bugs of ours, on in release builds too: a measuring tool that goes on after a
// broken invariant prints a wrong figure that looks right. Never used for input; input yields a
// Result.
#pragma once

namespace tacho {

/// Prints the expression and its place to standard error and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace tacho

#define TACHO_ASSERT(condition) \
  ((condition) ? void(0) : ::tacho::assertion_failed(#condition, __FILE__, __LINE__))
