// What the addon finds in the plug-in: the devices, and everything they need.
#include "backend/plugin.h"
#include "backend/source_hash.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "backend/cuda/device/backend.h"
#include "backend/cuda/device/context.h"
#include "backend/guard.h"
#include "backend/cuda/device/libraries.h"

namespace stm::cuda {
namespace {

constexpr int kCudaMajor = CUDART_VERSION / 1000;
constexpr const char* kOldestDriver = kCudaMajor >= 13 ? "580" : "525";
constexpr int kOldestCapability = 75;

template <size_t N>
void put(char (&to)[N], const std::string& text) {
  std::snprintf(to, N, "%s", text.c_str());
}

std::string words_of(int version) { return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10); }

DevicePart driver_part() {
  DevicePart part;
  put(part.name, "NVIDIA driver");
  int version = 0;
  (void)cudaDriverGetVersion(&version);
  part.found = version >= CUDART_VERSION / 1000 * 1000;
  if (version > 0) put(part.version, "for CUDA " + words_of(version));
  const std::string fix = std::string("install driver ") + kOldestDriver +
                          " or later, so that nvidia-smi works; in a container, start it with access to the GPU";
  if (version == 0) put(part.problem, "no NVIDIA driver was found on this machine");
  else if (!part.found)
    put(part.problem,
        "it serves CUDA up to " + words_of(version) + ", and this plug-in needs CUDA " + std::to_string(kCudaMajor));
  if (!part.found) put(part.fix, fix);
  return part;
}

struct Devices {
  int count = 0;
  std::string problem;
};

Devices find_devices() {
  Devices devices;
  const cudaError_t status = cudaGetDeviceCount(&devices.count);
  if (status == cudaSuccess) return devices;
  (void)cudaGetLastError();
  devices.count = 0;
  if (status != cudaErrorInsufficientDriver && status != cudaErrorNoDevice)
    devices.problem = std::string(cudaGetErrorName(status)) + ": " + cudaGetErrorString(status);
  return devices;
}

DevicePart device_part(bool driver_found) {
  DevicePart part;
  put(part.name, "CUDA device");
  const Devices devices = find_devices();
  std::string usable, old;
  for (int i = 0; i < devices.count; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) continue;
    std::string& list = 10 * properties.major + properties.minor >= kOldestCapability ? usable : old;
    list += (list.empty() ? "" : ", ") + std::string(properties.name) + " (" + std::to_string(properties.major) + "." +
            std::to_string(properties.minor) + ")";
  }
  part.found = !usable.empty();
  put(part.version, usable);
  if (part.found) return part;
  if (!old.empty()) {
    put(part.problem, "compute capability 7.5 or later is needed, and there is only " + old);
    put(part.fix, "use a GPU of the Turing generation or later");
  } else {
    put(part.problem, !devices.problem.empty() ? devices.problem
                      : driver_found           ? "the driver sees no GPU"
                                               : "without a driver no GPU can be seen");
    put(part.fix, driver_found
                      ? "check nvidia-smi and CUDA_VISIBLE_DEVICES; in a container, start it with access to the GPU"
                      : "install the driver first");
  }
  return part;
}

DevicePart library_part(const char* name, const LibraryReport& report, const char* setting,
                        const std::string& package) {
  DevicePart part;
  put(part.name, name);
  put(part.version, report.version);
  put(part.path, report.path);
  part.found = report.problem.empty();
  if (part.found) return part;
  put(part.problem, report.problem + (report.path.empty() ? "; looked for " + report.searched : ""));
  put(part.fix, "`pip install " + package + "`, or set " + setting +
                    " to the file or STMNET_CUDA_LIBS to the folder that holds nvidia/, which `python3 -c 'import "
                    "nvidia, os; print(*map(os.path.dirname, nvidia.__path__))'` shows");
  return part;
}

/// The parts of cuDNN that recurrent layers use lie in libraries of their own beside it.
DevicePart sub_libraries_part(const LibraryReport& cudnn) {
  DevicePart part;
  put(part.name, "cuDNN sub-libraries");
  std::string missing;
  const size_t slash = cudnn.path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : cudnn.path.substr(0, slash + 1);
  for (const char* name : {"libcudnn_adv.so.9", "libcudnn_ops.so.9", "libcudnn_graph.so.9"}) {
    void* library = cudnn.path.empty() ? nullptr : dlopen((folder + name).c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (!library) missing += (missing.empty() ? "" : ", ") + std::string(name);
  }
  part.found = missing.empty();
  if (part.found) return part;
  put(part.problem, cudnn.path.empty() ? "cuDNN itself was not found" : missing + " did not load from " + folder);
  put(part.fix, "install the whole of nvidia-cudnn-cu" + std::to_string(kCudaMajor) + ", all of one version");
  return part;
}

/// cuDNN compiles some kernels as it runs; without it the other algorithms remain.
DevicePart compiler_part(const LibraryReport& nvrtc) {
  DevicePart part;
  put(part.name, "NVRTC (optional)");
  put(part.version, nvrtc.version);
  put(part.path, nvrtc.path);
  part.found = nvrtc.problem.empty();
  if (part.found) return part;
  put(part.problem, nvrtc.problem + "; algo: 'persistDynamic' cannot be used without it" +
                        (nvrtc.path.empty() ? "; looked for " + nvrtc.searched : ""));
  put(part.fix, std::string("`pip install nvidia-cuda-nvrtc") + (kCudaMajor >= 13 ? "`" : "-cu12`"));
  return part;
}

std::vector<DevicePart> all_parts() {
  const LoadedLibraries& loaded = libraries();
  const std::string major = std::to_string(kCudaMajor);
  std::vector<DevicePart> parts{driver_part()};
  parts.push_back(device_part(parts[0].found));
  parts.push_back(library_part("cuBLAS", loaded.cublas, "STMNET_CUBLAS_LIB",
                               kCudaMajor >= 13 ? "nvidia-cublas" : "nvidia-cublas-cu" + major));
  parts.push_back(library_part("cuDNN", loaded.cudnn, "STMNET_CUDNN_LIB", "nvidia-cudnn-cu" + major));
  if (loaded.cudnn.path.empty() || loaded.cudnn.path.find("libcudnn.so") != std::string::npos)
    parts.push_back(sub_libraries_part(loaded.cudnn));
  parts.push_back(compiler_part(loaded.nvrtc));
  return parts;
}

bool is_optional(const DevicePart& part) { return std::strstr(part.name, "optional") != nullptr; }

class CudaPlugin final : public Plugin {
 public:
  const char* kind() noexcept override { return "cuda"; }

  int32_t device_count(char* why, size_t size) noexcept override try {
    const Devices devices = find_devices();
    if (devices.count > 0 && libraries().usable()) return devices.count;
    std::string text;
    for (const DevicePart& part : all_parts())
      if (!part.found && !is_optional(part)) {
        text = std::string(part.name) + ": " + part.problem + ".\n  Fix: " + part.fix + ".";
        break;
      }
    std::snprintf(why, size, "%s", text.c_str());
    return 0;
  } catch (const std::bad_alloc&) {
    std::snprintf(why, size, "the host is out of memory");
    return 0;
  }

  Status facts(int32_t index, DeviceFacts* out) noexcept override {
    STM_TRY(guarded([&] {
      describe_device(index, out);
      return Status::ok();
    }));
    return capability_of(index);
  }

  Status open(int32_t index, Backend** out) noexcept override {
    const Status status = capability_of(index);
    return status.is_ok() ? open_device(index, out) : status;
  }

  int32_t parts(DevicePart* out, int32_t capacity) noexcept override try {
    const std::vector<DevicePart> parts = all_parts();
    const auto count = static_cast<int32_t>(parts.size());
    if (out) std::copy_n(parts.begin(), std::min(count, capacity), out);
    return count;
  } catch (const std::bad_alloc&) {
    return 0;
  }

 private:
  static Status capability_of(int32_t index) {
    int major = 0, minor = 0;
    Status status =
        describe(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index), "cudaDeviceGetAttribute");
    if (status.is_ok())
      status =
          describe(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index), "cudaDeviceGetAttribute");
    if (!status.is_ok()) return status;
    if (10 * major + minor >= kOldestCapability) return Status::ok();
    return Status::refuse(StatusKind::Unsupported, {"compute capability %d.%d", major, minor}, "7.5 or later",
                          "use a GPU of the Turing generation or later");
  }
};

}  // namespace
}  // namespace stm::cuda

extern "C" __attribute__((visibility("default"))) stm::Plugin* stmnet_plugin(const char* source_hash) {
  static stm::cuda::CudaPlugin plugin;
  return std::strcmp(source_hash, stmnet_source_hash()) == 0 ? &plugin : nullptr;
}
