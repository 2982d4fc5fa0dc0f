// Accelerators and network devices. The PCI bus says which are there and at which NUMA node they
// sit; the drivers' own files say what they are called. No vendor tool is run: nvidia-smi and
// npu-smi may hang for minutes on a sick device, and a run must start all the same.
#include <utility>

#include "base/text.h"
#include "record/environment_files.h"

namespace tacho {
namespace {

const std::string pci_folder = "/sys/bus/pci/devices/";

/// The maker of a device, by its PCI vendor number (pci.ids).
std::string vendor_name(const std::string& vendor) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"0x10de", "NVIDIA"},        {"0x1002", "AMD"},      {"0x19e5", "Huawei"},
      {"0x8086", "Intel"},         {"0x1da3", "Habana"},   {"0x1d94", "Hygon"},
      {"0xcabc", "Cambricon"},     {"0x1e3e", "Iluvatar"}, {"0x9999", "MetaX"},
      {"0x1ed5", "Moore Threads"},
  };
  for (const auto& [number, name] : known) {
    if (vendor == number) return std::string(name);
  }
  return "vendor " + vendor;
}

/// True for 3D controllers and processing accelerators, and for display controllers of the makers
/// whose graphics cards compute too. The plain display of a server's management chip is none.
bool is_accelerator(const std::string& device_class, const std::string& vendor) {
  if (device_class.starts_with("0x0302") || device_class.starts_with("0x1200")) return true;
  const bool is_display = device_class.starts_with("0x0300") || device_class.starts_with("0x0380");
  return is_display && (vendor == "0x10de" || vendor == "0x1002" || vendor == "0x1d94");
}

/// Ascend chips by their PCI device number (Huawei's driver names them only through npu-smi).
std::optional<std::string> ascend_name(const std::string& device) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"0xd100", "Ascend 310"},  {"0xd500", "Ascend 310P"}, {"0xd801", "Ascend 910"},
      {"0xd802", "Ascend 910B"}, {"0xd803", "Ascend 910C"},
  };
  for (const auto& [number, name] : known) {
    if (device == number) return std::string(name);
  }
  return std::nullopt;
}

/// The name of the accelerator at a PCI address, as good as the driver's files give it.
std::string accelerator_name(const MachineFiles& files, const std::string& address,
                             const std::string& vendor) {
  const std::string device = files.text(pci_folder + address + "/device").value_or(unknown);
  if (vendor == "0x10de") {
    const auto information = files.text("/proc/driver/nvidia/gpus/" + address + "/information");
    if (const auto model = field(information.value_or(""), "Model", ':')) return *model;
  }
  if (vendor == "0x19e5") {
    if (const auto name = ascend_name(device)) return *name;
  }
  if (const auto product = files.text(pci_folder + address + "/product_name")) return *product;
  return vendor_name(vendor) + " device " + device;
}

/// Every accelerator on the PCI bus.
Json accelerators(const MachineFiles& files) {
  const auto addresses = files.names(pci_folder);
  if (!addresses) return unknown;
  Json result = Json::array();
  for (const auto& address : *addresses) {
    const auto device_class = files.text(pci_folder + address + "/class").value_or("");
    const auto vendor = files.text(pci_folder + address + "/vendor").value_or("");
    if (!is_accelerator(device_class, vendor)) continue;
    Json device = Json::object();
    device["name"] = accelerator_name(files, address, vendor);
    device["pci"] = address;
    device["numa_node"] = numa_node(files, pci_folder + address);
    result.push_back(std::move(device));
  }
  return result;
}

/// In a container the PCI bus may be hidden while the driver's own list is there.
Json nvidia_by_driver(const MachineFiles& files) {
  const auto addresses = files.names("/proc/driver/nvidia/gpus");
  if (!addresses || addresses->empty()) return unknown;
  Json result = Json::array();
  for (const auto& address : *addresses) {
    Json device = Json::object();
    device["name"] = accelerator_name(files, address, "0x10de");
    device["pci"] = address;
    device["numa_node"] = numa_node(files, pci_folder + address);
    result.push_back(std::move(device));
  }
  return result;
}

/// The first word of the text that looks like a version: "NVRM version: ... Module  535.161.08  Sat
/// ...".
std::optional<std::string> version_word(std::string_view text) {
  for (const auto word : split(text, ' ')) {
    const bool is_version = !word.empty() && word.find('.') != std::string_view::npos &&
                            word.find_first_not_of("0123456789.") == std::string_view::npos;
    if (is_version) return std::string(word);
  }
  return std::nullopt;
}

/// The driver of the accelerators, named.
Json driver(const MachineFiles& files) {
  if (const auto text = files.text("/proc/driver/nvidia/version")) {
    if (const auto version = version_word(*text)) return "NVIDIA " + *version;
  }
  const auto ascend = files.text("/usr/local/Ascend/driver/version.info").value_or("");
  if (const auto version = field(ascend, "Version", '=')) return "Ascend " + *version;
  if (const auto version = files.text("/sys/module/amdgpu/version")) return "amdgpu " + *version;
  if (files.has("/sys/class/kfd/kfd")) return "amdgpu of the kernel";
  return unknown;
}

std::optional<std::string> cuda_version(const MachineFiles& files) {
  const auto text = files.text("/usr/local/cuda/version.json");
  const auto json = parse_json(text.value_or(""), "version.json");
  if (json && json->is_object() && json->contains("cuda")) {
    const std::string version = json_string((*json)["cuda"], "version");
    if (!version.empty()) return version;
  }
  // Toolkits before 11.1 say "CUDA Version 10.1.243".
  return version_word(files.text("/usr/local/cuda/version.txt").value_or(""));
}

std::optional<std::string> cann_version(const MachineFiles& files) {
  for (const char* folder : {"/usr/local/Ascend/ascend-toolkit/latest", "/usr/local/Ascend/latest",
                             "/usr/local/Ascend/nnae/latest", "/usr/local/Ascend/cann"}) {
    for (const char* file : {"/version.info", "/toolkit/version.info", "/compiler/version.info",
                             "/runtime/version.info"}) {
      const auto text = files.text(std::string(folder) + file).value_or("");
      if (auto version = field(text, "Version", '=')) return version;
      if (auto version = field(text, "version", '=')) return version;
    }
  }
  return std::nullopt;
}

/// Interfaces that are up, without the virtual ends of containers, of which there may be hundreds.
Json interfaces(const MachineFiles& files) {
  const auto names = files.names("/sys/class/net");
  if (!names) return unknown;
  Json result = Json::array();
  for (const auto& name : *names) {
    const std::string folder = "/sys/class/net/" + name;
    if (name.starts_with("veth") || name.starts_with("cali") || name.starts_with("lxc")) continue;
    if (files.text(folder + "/operstate") != "up") continue;
    const auto speed = files.integer(folder + "/speed");
    Json interface = Json::object();
    interface["name"] = name;
    interface["speed_mbps"] = speed && *speed > 0 ? Json(*speed) : Json(unknown);
    interface["mtu"] = or_unknown(files.integer(folder + "/mtu"));
    interface["numa_node"] = numa_node(files, folder + "/device");
    result.push_back(std::move(interface));
  }
  return result;
}

/// RDMA devices with the state of their first port; "4: ACTIVE" becomes "active".
Json rdma_devices(const MachineFiles& files) {
  const auto names = files.names("/sys/class/infiniband");
  // The folder appears with the driver's module: none of it, none of them.
  if (!names) return files.has("/sys/class") ? Json::array() : Json(unknown);
  Json result = Json::array();
  for (const auto& name : *names) {
    const std::string folder = "/sys/class/infiniband/" + name;
    auto state = files.text(folder + "/ports/1/state");
    if (state) state = lower(trim(std::string_view(*state).substr(state->find(':') + 1)));
    Json device = Json::object();
    device["name"] = name;
    device["state"] = or_unknown(state);
    device["rate"] = or_unknown(files.text(folder + "/ports/1/rate"));
    device["link_layer"] = or_unknown(files.text(folder + "/ports/1/link_layer"));
    device["numa_node"] = numa_node(files, folder + "/device");
    result.push_back(std::move(device));
  }
  return result;
}

}  // namespace

Json collect_accelerators(const MachineFiles& files) {
  Json gpus = accelerators(files);
  if (gpus.empty() || gpus.is_string()) {
    Json by_driver = nvidia_by_driver(files);
    if (by_driver.is_array()) gpus = std::move(by_driver);
  }
  Json result = Json::object();
  result["gpus"] = std::move(gpus);
  result["gpu_driver"] = driver(files);
  result["cuda"] = or_unknown(cuda_version(files));
  result["cann"] = or_unknown(cann_version(files));
  result["rocm"] = or_unknown(files.text("/opt/rocm/.info/version"));
  return result;
}

Json collect_network(const MachineFiles& files) {
  Json result = Json::object();
  result["network"] = interfaces(files);
  result["rdma"] = rdma_devices(files);
  return result;
}

}  // namespace tacho
