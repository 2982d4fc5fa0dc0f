// What only the loop on real descriptors does: many of them become ready at once.
#include "net/epoll_loop.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace tacho {
namespace {

TEST_CASE("what is due does not wait for the rest of a batch of reads") {
  auto loop = EpollLoop::create();
  REQUIRE(loop.ok());
  std::string order;
  Timer due(**loop, [&] { order += "timer "; });
  int descriptors[2];
  for (int& descriptor : descriptors) {
    descriptor = ::eventfd(1, EFD_NONBLOCK);
    REQUIRE(descriptor >= 0);
    (*loop)->watch(descriptor, [&] {
      order += "read ";
      // The first read arms the timer and lasts beyond it, whatever the machine does meanwhile.
      if (order == "read ") {
        due.arm((*loop)->clock() + 50us);
        while ((*loop)->clock() < due.when()) {
        }
      }
      (*loop)->unwatch(descriptor);
    });
  }
  (*loop)->run();
  CHECK(order == "read timer read ");
  for (const int descriptor : descriptors) ::close(descriptor);
}

}  // namespace
}  // namespace tacho
