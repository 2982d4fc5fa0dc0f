// Turns answers of a vendor's library into readings: a value, or the call and its answer as the
// reason why there is none.
#pragma once

#include <string>

#include "monitor/library.h"
#include "monitor/snapshot.h"

namespace tacho {

/// Reads values of one device into a subject. 0 is a good answer of all vendors.
struct VendorReader {
  Subject& subject;
  std::string (*words)(int code);  ///< The vendor's answers in words.

  /// True for a good answer; any other is noted as the reason.
  bool took(int code, const char* function, const Quantity& quantity,
            const Labels& labels = {}) const {
    if (code == 0) return true;
    subject.miss(quantity, std::string(function) + ": " + words(code), labels);
    return false;
  }
};

}  // namespace tacho
