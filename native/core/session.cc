#include "core/session.h"

namespace stm {

Session::Session() { devices_.push_back(std::make_unique<Device>("cpu", cpu_backend())); }

Device& Session::device(const std::string& name) {
  for (const auto& device : devices_)
    if (device->name == name) return *device;
  std::string known;
  for (const auto& device : devices_) known += (known.empty() ? "" : ", ") + device->name;
  throw Error(
      Kind::Device,
      fmt::format("got device '{}', expected one of: {}.\n  Fix: call devices() to see what this machine offers and why a device is missing.", name, known));
}

}  // namespace stm
