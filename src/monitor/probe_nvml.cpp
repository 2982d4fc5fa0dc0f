// NVIDIA's GPUs through NVML. Devices that are lost and a driver that is gone are said to be so,
// and are tried again at a slow pace; the others go on.
#include <algorithm>
#include <memory>

#include "base/text.h"
#include "monitor/nvml_activity.h"
#include "monitor/nvml_events.h"
#include "monitor/nvml_pcie.h"
#include "monitor/nvml_processes.h"
#include "monitor/probes.h"

namespace tacho {
namespace {

/// Each so many readings, what is lost is asked for again, and parts of GPUs are counted anew.
constexpr std::uint64_t slow_pace = 10;
constexpr unsigned most_devices = 256;

/// A GPU or a part of one, with what is kept from reading to reading.
struct Watched {
  NvmlDevice device;
  std::unique_ptr<NvmlActivity> activity;
};

/// A GPU with its parts.
struct Gpu {
  Watched whole;
  std::vector<Watched> parts;
  std::string trouble;  ///< Why it cannot be read; empty when it can.
};

class NvmlProbe final : public Probe {
 public:
  NvmlProbe(NvmlApi api, const WatchOptions& options)
      : api_(std::move(api)),
        reads_activity_(options.reads_activity),
        events_(api_),
        processes_(options.root) {}
  ~NvmlProbe() override { close(); }

  std::string_view name() const override { return "nvml"; }

  void read(std::vector<Subject>& out) override {
    const bool is_slow_turn = round_++ % slow_pace == 0;
    if (is_slow_turn) is_open_ ? look_again() : open();
    if (!is_open_ || gpus_.empty()) return say_closed(out);
    processes_.begin_round();
    if (!events_.collect()) watch_events();
    for (Gpu& gpu : gpus_) {
      if (trouble_.empty()) read_gpu(gpu, out);
    }
    if (trouble_.empty()) return;
    // The driver went while it was read: nothing of this turn can be trusted.
    close();
    out.clear();
    say_closed(out);
  }

 private:
  void open() {
    trouble_.clear();
    unsigned count = 0;
    int code = api_.init();
    is_open_ = code == nvml_success;
    if (!is_open_) {
      trouble_ = format("{}: {}", api_.init.name, nvml_words(code));
      return;
    }
    code = api_.count(&count);
    if (code != nvml_success) {
      trouble_ = format("{}: {}", api_.count.name, nvml_words(code));
      return close();
    }
    if (count == 0 && gpus_.empty()) trouble_ = "the NVIDIA driver is loaded, and finds no GPU";
    // Devices that were there before and are not now stay, as lost.
    if (gpus_.size() < count) gpus_.resize(std::min(count, most_devices));
    for (unsigned i = 0; i < gpus_.size(); ++i) find(gpus_[i], i);
    start_meter();
  }

  /// Ends all that the library holds for us.
  void close() {
    meter_.reset();
    events_.forget();
    for (Gpu& gpu : gpus_) {
      gpu.parts.clear();
      gpu.whole.activity.reset();
      gpu.whole.device.handle = nullptr;
    }
    if (is_open_) api_.shutdown();
    is_open_ = false;
  }

  void find(Gpu& gpu, unsigned index) {
    NvmlDevice device;
    const int code = find_nvml_device(api_, index, device);
    if (code != nvml_success) {
      if (gpu.whole.device.id.empty()) {
        gpu.whole.device.index = index;
        gpu.whole.device.id = format("nvidia:{}", index);
        gpu.whole.device.labels = {{"vendor", "nvidia"}, {"device", format("{}", index)}};
      }
      gpu.trouble = format("{}: {}", api_.handle_by_index.name, nvml_words(code));
      return;
    }
    gpu.trouble.clear();
    gpu.whole.device = std::move(device);
    gpu.whole.activity = activity_of(gpu.whole.device, gpu.whole.device.handle);
    events_.watch(gpu.whole.device);
    find_parts(gpu);
  }

  void find_parts(Gpu& gpu) {
    gpu.parts.clear();
    for (NvmlDevice& part : find_nvml_parts(api_, gpu.whole.device)) {
      auto activity = activity_of(part, gpu.whole.device.handle);
      gpu.parts.push_back({std::move(part), std::move(activity)});
    }
  }

  /// Anew: a set of events of which one GPU is lost tells nothing of the others.
  void watch_events() {
    events_.forget();
    for (const Gpu& gpu : gpus_) {
      if (gpu.trouble.empty()) events_.watch(gpu.whole.device);
    }
  }

  std::unique_ptr<NvmlActivity> activity_of(const NvmlDevice& device, NvmlHandle parent) {
    if (!reads_activity_) return nullptr;
    return std::make_unique<NvmlActivity>(api_, device, parent);
  }

  /// For those GPUs whose activity does not tell.
  void start_meter() {
    std::vector<NvmlHandle> handles;
    for (const Gpu& gpu : gpus_) {
      const bool has_activity = gpu.whole.activity != nullptr && gpu.whole.activity->is_offered();
      if (gpu.trouble.empty() && !has_activity) handles.push_back(gpu.whole.device.handle);
    }
    meter_ = handles.empty() ? nullptr : std::make_unique<NvmlPcieMeter>(api_, handles);
  }

  /// The slow turn: are lost ones back, have parts been made or unmade?
  void look_again() {
    const auto is_lost = [](const Gpu& gpu) { return !gpu.trouble.empty(); };
    const bool are_all_lost = std::all_of(gpus_.begin(), gpus_.end(), is_lost);
    if (are_all_lost) {
      // Nothing works any more, so nothing is disturbed by beginning anew.
      close();
      return open();
    }
    bool has_found = false;
    for (unsigned i = 0; i < gpus_.size(); ++i) {
      Gpu& gpu = gpus_[i];
      if (is_lost(gpu)) {
        find(gpu, i);
        has_found = has_found || !is_lost(gpu);
      } else if (parts_changed(gpu)) {
        find(gpu, i);
      }
    }
    if (has_found) start_meter();
  }

  bool parts_changed(const Gpu& gpu) {
    const NvmlDevice& device = gpu.whole.device;
    unsigned is_parted = 0, later = 0;
    if (api_.mig_mode(device.handle, &is_parted, &later) != nvml_success) return false;
    if ((is_parted == 1) != device.is_parted) return true;
    const auto parts = find_nvml_parts(api_, device);
    return !std::equal(parts.begin(), parts.end(), gpu.parts.begin(), gpu.parts.end(),
                       [](const NvmlDevice& now, const Watched& before) {
                         return now.labels == before.device.labels;
                       });
  }

  void read_gpu(Gpu& gpu, std::vector<Subject>& out) {
    std::vector<Subject> processes;
    const std::size_t first = out.size();
    if (gpu.trouble.empty()) read_one(gpu, gpu.whole, out, processes);
    for (Watched& part : gpu.parts) {
      if (gpu.trouble.empty() && trouble_.empty()) read_one(gpu, part, out, processes);
    }
    if (!gpu.trouble.empty()) {
      out.resize(first);
      return out.push_back(down(gpu, gpu.trouble));
    }
    std::move(processes.begin(), processes.end(), std::back_inserter(out));
  }

  void read_one(Gpu& gpu, Watched& watched, std::vector<Subject>& out,
                std::vector<Subject>& processes) {
    Subject subject = subject_of(watched.device);
    NvmlReader reader(api_, watched.device.handle, subject);
    subject.add(quantity::device_up, 1.0);
    read_nvml_device(reader, watched.device);
    if (reader.fatal() == nvml_success) read_activity(reader, watched);
    if (!watched.device.is_part) events_.read(reader, watched.device);
    read_nvml_processes(reader, watched.device, processes_, wall_clock_ns(), processes);
    if (is_gpu_gone(reader.fatal())) gpu.trouble = reader.why();
    if (is_nvml_gone(reader.fatal())) trouble_ = reader.why();
    out.push_back(std::move(subject));
  }

  void read_activity(NvmlReader& reader, Watched& watched) {
    if (watched.activity != nullptr) {
      watched.activity->read(reader);
    } else {
      NvmlActivity::miss_all(reader.subject(),
                             "left out (--no-activity, or an --exporter that reads the same)");
    }
    const bool has_activity = watched.activity != nullptr && watched.activity->is_offered();
    if (!has_activity && !watched.device.is_part && meter_ != nullptr) meter_->read(reader);
  }

  static Subject subject_of(const NvmlDevice& device) {
    Subject subject;
    subject.kind = SubjectKind::device;
    subject.id = device.id;
    subject.labels = device.labels;
    return subject;
  }

  static Subject down(const Gpu& gpu, const std::string& why) {
    Subject subject = subject_of(gpu.whole.device);
    subject.trouble = why;
    subject.add(quantity::device_up, 0.0);
    return subject;
  }

  /// The driver answers nothing: each GPU that was there is down, and says why.
  void say_closed(std::vector<Subject>& out) const {
    for (const Gpu& gpu : gpus_) out.push_back(down(gpu, trouble_));
    if (!gpus_.empty()) return;
    Subject subject;
    subject.kind = SubjectKind::device;
    subject.id = "nvidia";
    subject.labels = {{"vendor", "nvidia"}};
    subject.trouble = trouble_;
    out.push_back(std::move(subject));
  }

  NvmlApi api_;
  bool reads_activity_;
  bool is_open_ = false;
  std::uint64_t round_ = 0;
  std::string trouble_;  ///< Why the driver cannot be asked; empty when it can.
  std::vector<Gpu> gpus_;
  NvmlEvents events_;
  ProcessTable processes_;
  std::unique_ptr<NvmlPcieMeter> meter_;
};

}  // namespace

Result<ProbePtr> make_nvml_probe(const WatchOptions& options) {
  auto api = NvmlApi::open(options.nvml_library);
  if (!api) return api.error();
  return ProbePtr(std::make_unique<NvmlProbe>(std::move(*api), options));
}

}  // namespace tacho
