#include "net/tap.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "net/tap_program.h"

namespace tacho {
namespace {

/// Room for 100,000 notes: a second of the densest stream that one core has carried.
constexpr std::uint32_t ring_bytes = 4u << 20;
/// A socket that is not read answers with delayed ACKs, and its peer would take a late one for a
/// loss and send again; 5 ms is well within a sender's patience. (Linux's option since 6.16 or so;
/// older headers lack the name.)
constexpr int tcp_delack_max_us = 46;
constexpr int delack_us = 5000;

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

int create_map(std::uint32_t type, std::uint32_t key, std::uint32_t value, std::uint32_t entries,
               std::uint32_t flags) {
  bpf_attr a{};
  a.map_type = type;
  a.key_size = key;
  a.value_size = value;
  a.max_entries = entries;
  a.map_flags = flags;
  return bpf(BPF_MAP_CREATE, a);
}

Error refused(std::string_view what) {
  if (errno == EPERM) {
    return world_error("the tap needs the privilege CAP_BPF (run as root, or `setcap cap_bpf+ep`)");
  }
  return world_error(format("the tap cannot {}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<std::unique_ptr<Tap>> Tap::create() {
  std::unique_ptr<Tap> tap(new Tap());
  tap->page_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (const auto step : {&Tap::open_maps, &Tap::load_program, &Tap::map_ring}) {
    if (auto status = (tap.get()->*step)(); !status) return status.error();
  }
  return tap;
}

Tap::~Tap() {
  if (consumer_ != nullptr) ::munmap(consumer_, page_);
  if (producer_ != nullptr) {
    ::munmap(const_cast<std::uint64_t*>(producer_), page_ + 2 * std::size_t{ring_bytes});
  }
  if (lost_count_ != nullptr) ::munmap(const_cast<std::uint64_t*>(lost_count_), page_);
  for (const int descriptor : {program_, lost_map_, ring_}) {
    if (descriptor >= 0) ::close(descriptor);
  }
}

Status Tap::open_maps() {
  ring_ = create_map(BPF_MAP_TYPE_RINGBUF, 0, 0, ring_bytes, 0);
  if (ring_ < 0) return refused("make its ring");
  lost_map_ = create_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
  if (lost_map_ < 0) return refused("make its counter");
  return Nothing{};
}

Status Tap::load_program() {
  const auto program = tap_program(ring_, lost_map_);
  static char log[16 * 1024];
  log[0] = '\0';
  bpf_attr a{};
  a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  a.insns = reinterpret_cast<std::uint64_t>(program.data());
  a.insn_cnt = static_cast<std::uint32_t>(program.size());
  a.license = reinterpret_cast<std::uint64_t>("Dual MIT/GPL");
  program_ = bpf(BPF_PROG_LOAD, a);
  if (program_ >= 0) return Nothing{};
  const int code = errno;
  // Asked again for its reasons, which cost time and are wanted only now.
  a.log_buf = reinterpret_cast<std::uint64_t>(log);
  a.log_size = sizeof log;
  a.log_level = 1;
  program_ = bpf(BPF_PROG_LOAD, a);
  if (program_ >= 0) return Nothing{};
  errno = code;
  if (code == EPERM) return refused("load its filter");
  std::string_view reasons = trim(log);
  reasons = reasons.substr(0, reasons.rfind("\nprocessed"));
  return world_error(format("the kernel does not take the tap's filter: {}",
                            reasons.substr(reasons.rfind('\n') + 1)));
}

Status Tap::map_ring() {
  void* consumer = ::mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, ring_, 0);
  if (consumer == MAP_FAILED) return refused("map its ring");
  consumer_ = static_cast<std::uint64_t*>(consumer);
  // The data is mapped twice in a row, so that an entry at the end can be read in one piece.
  void* producer = ::mmap(nullptr, page_ + 2 * std::size_t{ring_bytes}, PROT_READ, MAP_SHARED,
                          ring_, static_cast<off_t>(page_));
  if (producer == MAP_FAILED) return refused("map its ring");
  producer_ = static_cast<const std::uint64_t*>(producer);
  data_ = static_cast<const char*>(producer) + page_;
  void* lost = ::mmap(nullptr, page_, PROT_READ, MAP_SHARED, lost_map_, 0);
  if (lost == MAP_FAILED) return refused("map its counter");
  lost_count_ = static_cast<const std::uint64_t*>(lost);
  return Nothing{};
}

std::uint64_t Tap::attach(int descriptor) const {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::setsockopt(descriptor, IPPROTO_TCP, tcp_delack_max_us, &delack_us, sizeof delack_us) != 0 ||
      ::getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0 ||
      ::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_BPF, &program_, sizeof program_) != 0) {
    return 0;
  }
  return cookie;
}

/// Takes the ring's next entry, if it is complete (linux/bpf.h, BPF_MAP_TYPE_RINGBUF).
bool Tap::next(TapNote& note) {
  if (position_ >= __atomic_load_n(producer_, __ATOMIC_ACQUIRE)) return false;
  const char* header = data_ + (position_ & (ring_bytes - 1));
  const std::uint32_t length =
      __atomic_load_n(reinterpret_cast<const std::uint32_t*>(header), __ATOMIC_ACQUIRE);
  if ((length & BPF_RINGBUF_BUSY_BIT) != 0) return false;
  std::memcpy(&note, header + BPF_RINGBUF_HDR_SZ, sizeof note);
  position_ += (std::uint64_t{length & ~BPF_RINGBUF_DISCARD_BIT} + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL;
  return true;
}

void Tap::release() { __atomic_store_n(consumer_, position_, __ATOMIC_RELEASE); }

std::uint64_t Tap::lost() const { return __atomic_load_n(lost_count_, __ATOMIC_RELAXED); }

}  // namespace tacho
