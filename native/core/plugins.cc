#include "core/plugins.h"

#include <dlfcn.h>
#include <unistd.h>

#include <mutex>

#include "core/error.h"

namespace stm {
namespace {

/// The plug-in of the process: a file until it is needed, then loaded or missing for good.
struct PluginSlot {
  std::mutex mutex;
  std::string file, source_hash;
  bool tried = false;
  Plugin* plugin = nullptr;
  std::string problem, fix;
};

PluginSlot& slot() {
  static PluginSlot instance;
  return instance;
}

void load(PluginSlot& s) {
  s.tried = true;
  if (s.file.empty()) {
    s.problem = "no CUDA plug-in was named";
    s.fix = "set STMNET_CUDA_PLUGIN to the file libstmnet_cuda.so";
    return;
  }
  if (access(s.file.c_str(), R_OK) != 0) {
    s.problem = fmt::format("the CUDA plug-in is not there: {}", s.file);
    s.fix =
        "to compute on the CPU nothing needs to be done; for an NVIDIA GPU install stmnet again (npm install stmnet), "
        "or copy the file there if a bundler has left it out; in a checkout of the repository run `npm run build:cuda`";
    return;
  }
  void* library = dlopen(s.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* error = dlerror();
    s.problem = fmt::format("the CUDA plug-in could not be loaded: {}", error ? error : s.file);
    s.fix = "in a checkout of the repository run `npm run build:cuda`";
    return;
  }
  const auto entry = reinterpret_cast<PluginEntry>(dlsym(library, "stmnet_plugin"));
  s.plugin = entry ? entry(s.source_hash.c_str()) : nullptr;
  if (s.plugin) return;
  s.problem = fmt::format("the CUDA plug-in {} was built from other sources than the addon", s.file);
  s.fix = "build both again: `npm run build && npm run build:cuda`";
}

/// Calls `f` with the slot, loaded if it can be.
template <class F>
auto with_plugin(F f) {
  PluginSlot& s = slot();
  const std::lock_guard lock(s.mutex);
  if (!s.tried) load(s);
  return f(s);
}

int32_t count_of(PluginSlot& s, std::string* why) {
  if (!s.plugin) {
    *why = s.problem + ".\n  Fix: " + s.fix + ".";
    return 0;
  }
  char text[1024] = "";
  const int32_t count = s.plugin->device_count(text, sizeof text);
  *why = text;
  return count;
}

}  // namespace

void set_plugin(const std::string& file, const std::string& source_hash) {
  PluginSlot& s = slot();
  const std::lock_guard lock(s.mutex);
  if (s.tried) return;
  s.file = file;
  s.source_hash = source_hash;
}

std::vector<DeviceListing> list_devices() {
  std::vector<DeviceListing> listing(1);
  listing[0].name = "cpu";
  cpu_backend().facts(&listing[0].facts);
  with_plugin([&](PluginSlot& s) {
    std::string why;
    const int32_t count = count_of(s, &why);
    for (int32_t i = 0; i < count; ++i) {
      DeviceListing device;
      device.name = fmt::format("{}:{}", s.plugin->kind(), i);
      const Status status = s.plugin->facts(i, &device.facts);
      device.available = status.is_ok();
      if (!device.available) device.reason = status.message().sentence();
      listing.push_back(device);
    }
    if (count == 0) {
      DeviceListing none;
      none.name = "cuda";
      none.available = false;
      none.reason = why;
      listing.push_back(none);
    }
  });
  return listing;
}

std::vector<DevicePart> device_parts() {
  return with_plugin([](PluginSlot& s) {
    std::vector<DevicePart> parts(1);
    std::snprintf(parts[0].name, sizeof parts[0].name, "CUDA plug-in");
    std::snprintf(parts[0].path, sizeof parts[0].path, "%s", s.file.c_str());
    parts[0].found = s.plugin != nullptr;
    if (!s.plugin) {
      std::snprintf(parts[0].problem, sizeof parts[0].problem, "%s", s.problem.c_str());
      std::snprintf(parts[0].fix, sizeof parts[0].fix, "%s", s.fix.c_str());
      return parts;
    }
    const int32_t count = s.plugin->parts(nullptr, 0);
    parts.resize(static_cast<size_t>(1 + count));
    s.plugin->parts(parts.data() + 1, count);
    return parts;
  });
}

std::string canonical_device_name(const std::string& name) { return name == "cuda" ? "cuda:0" : name; }

std::shared_ptr<Backend> open_backend(const std::string& given) {
  const std::string name = canonical_device_name(given);
  if (name == "cpu") return {&cpu_backend(), [](Backend*) {}};
  return with_plugin([&](PluginSlot& s) -> std::shared_ptr<Backend> {
    std::string why, known = "cpu";
    const int32_t count = count_of(s, &why);
    for (int32_t i = 0; i < count; ++i) {
      const std::string at = fmt::format("{}:{}", s.plugin->kind(), i);
      known += ", " + at;
      if (at != name) continue;
      Backend* backend = nullptr;
      const Status status = s.plugin->open(i, &backend);
      if (!status.is_ok())
        throw Error(
            Kind::Device, "",
            {fmt::format("got device '{}', which cannot be used: {}", given, status.message().sentence()), "", ""});
      return {backend, [](Backend* open) { open->close(); }};
    }
    if (count == 0 && name.rfind("cuda", 0) == 0)
      throw Error(Kind::Device, "",
                  {fmt::format("got device '{}', expected one of: cpu. No CUDA device: {}", given, why), "", ""});
    refuse(Kind::Device, "", fmt::format("device '{}'", given), fmt::format("one of: {}", known),
           "call devices() to see what this machine offers and why a device is missing");
  });
}

}  // namespace stm
