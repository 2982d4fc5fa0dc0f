#include "monitor/nvml_pcie.h"

#include <chrono>

namespace tacho {
namespace {

// NVML's numbers of the two directions.
constexpr int transmit = 0, receive = 1;
// Between two turns, so that GPUs are not asked all the time.
constexpr auto pause = std::chrono::seconds(1);
// A first answer later than this is not waited for.
constexpr auto patience = std::chrono::seconds(2);

}  // namespace

NvmlPcieMeter::NvmlPcieMeter(const NvmlApi& api, std::vector<NvmlHandle> devices)
    : api_(api), devices_(std::move(devices)), thread_([this] { measure(); }) {}

NvmlPcieMeter::~NvmlPcieMeter() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void NvmlPcieMeter::measure() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    for (const NvmlHandle device : devices_) {
      lock.unlock();
      Answer answer;
      answer.code = api_.pcie_throughput(device, transmit, &answer.transmit);
      if (answer.code == nvml_success) {
        answer.code = api_.pcie_throughput(device, receive, &answer.receive);
      }
      lock.lock();
      answers_[device] = answer;
      if (is_stopping_) return;
    }
    changed_.notify_all();
    changed_.wait_for(lock, pause, [&] { return is_stopping_; });
  }
}

void NvmlPcieMeter::read(NvmlReader& reader) {
  std::unique_lock lock(mutex_);
  if (!has_waited_) {
    changed_.wait_for(lock, patience, [&] { return answers_.size() == devices_.size(); });
    has_waited_ = true;
  }
  const auto found = answers_.find(reader.handle());
  Subject& subject = reader.subject();
  if (found == answers_.end()) {
    subject.miss(quantity::device_pcie_transmit, "the driver has not answered yet");
    subject.miss(quantity::device_pcie_receive, "the driver has not answered yet");
    return;
  }
  const Answer& answer = found->second;
  const char* name = api_.pcie_throughput.name;
  if (reader.took(answer.code, name, quantity::device_pcie_transmit)) {
    subject.add(quantity::device_pcie_transmit, 1e3 * answer.transmit);
    subject.add(quantity::device_pcie_receive, 1e3 * answer.receive);
  } else {
    reader.took(answer.code, name, quantity::device_pcie_receive);
  }
}

}  // namespace tacho
