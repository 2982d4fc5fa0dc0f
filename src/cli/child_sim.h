// The built-in engine in a child process, for the length of a run.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace tacho {

/// A running `tacho sim`. Ended when dropped, and by the kernel should we be killed.
class ChildSim {
 public:
  /// Starts the engine with these arguments on a free loopback port and waits until it serves.
  /// It keeps off the cores that are to be ours alone.
  static Result<ChildSim> start(const std::vector<std::string>& arguments,
                                const std::vector<int>& our_cores);
  ChildSim(ChildSim&& other) noexcept;
  ChildSim& operator=(ChildSim&& other) noexcept;
  ~ChildSim();
  /// Where it serves: http://127.0.0.1:PORT.
  const std::string& url() const { return url_; }

 private:
  ChildSim(pid_t process, std::string url) : process_(process), url_(std::move(url)) {}
  pid_t process_ = -1;
  std::string url_;
};

}  // namespace tacho
