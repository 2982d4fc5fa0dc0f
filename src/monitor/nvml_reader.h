// Turns answers of NVML into readings: a value, or the reason why there is none. And notices the
// answers after which there is nothing more to be asked.
#pragma once

#include "monitor/nvml_api.h"
#include "monitor/snapshot.h"

namespace tacho {

/// Reads values of one device into a subject.
class NvmlReader {
 public:
  NvmlReader(const NvmlApi& api, NvmlHandle handle, Subject& subject)
      : api_(api), handle_(handle), subject_(subject) {}

  const NvmlApi& api() const { return api_; }
  NvmlHandle handle() const { return handle_; }
  Subject& subject() { return subject_; }
  /// The answer that ended it all (see `is_nvml_gone` and `is_gpu_gone`), or success.
  int fatal() const { return fatal_; }
  /// What `fatal` is about, in words.
  const std::string& why() const { return why_; }

  /// True for a good answer. Any other is noted as the reason why this has no value.
  bool took(int code, const char* function, const Quantity& quantity, const Labels& labels = {}) {
    if (code == nvml_success) return true;
    watch(code, function);
    subject_.miss(quantity, std::string(function) + ": " + nvml_words(code), labels);
    return false;
  }

  /// Asks a function with one result, which is a number in units of `scale`.
  template <class T>
  void one(const NvmlCall<NvmlHandle, T*>& call, const Quantity& quantity, double scale = 1.0,
           const Labels& labels = {}) {
    if (fatal_ != nvml_success) return;
    T value{};
    if (took(call(handle_, &value), call.name, quantity, labels)) {
      subject_.add(quantity, scale * static_cast<double>(value), labels);
    }
  }

  /// The same of a function that is told which of several values is wanted.
  void chosen(const NvmlCall<NvmlHandle, int, unsigned*>& call, int which, const Quantity& quantity,
              double scale, const Labels& labels) {
    if (fatal_ != nvml_success) return;
    unsigned value = 0;
    if (took(call(handle_, which, &value), call.name, quantity, labels)) {
      subject_.add(quantity, scale * value, labels);
    }
  }

  /// Notices an answer that ends it all.
  void watch(int code, const char* function) {
    if (fatal_ != nvml_success || !(is_nvml_gone(code) || is_gpu_gone(code))) return;
    fatal_ = code;
    why_ = std::string(function) + ": " + nvml_words(code);
  }

 private:
  const NvmlApi& api_;
  NvmlHandle handle_;
  Subject& subject_;
  int fatal_ = nvml_success;
  std::string why_;
};

}  // namespace tacho
