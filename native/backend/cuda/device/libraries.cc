#include "backend/cuda/device/libraries.h"

#include <dlfcn.h>

#include <cstring>
#include <vector>

#include "backend/cuda/device/folders.h"
#include "backend/cuda/device/switches.h"

namespace stm::cuda {
namespace {

constexpr int kCudaMajor = CUDART_VERSION / 1000;
constexpr size_t kOldestCudnn = 90000;

/// One library and where it may lie.
struct Wanted {
  std::string file;                        ///< libcudnn.so.9
  const char* setting;                     ///< the variable that names the file itself; null if none does
  std::vector<std::string> wheel_folders;  ///< below a Python folder
  std::vector<std::string> first = {};     ///< folders before all others, with a slash at their end
  int scope = RTLD_LOCAL;                  ///< RTLD_GLOBAL: other libraries find its functions
};

std::vector<std::string> places(const Wanted& wanted) {
  std::vector<std::string> paths;
  for (const std::string& folder : wanted.first) paths.push_back(folder + wanted.file);
  if (const std::string root = environment("STMNET_CUDA_LIBS"); !root.empty()) {
    for (const std::string& folder : wanted.wheel_folders) paths.push_back(root + "/" + folder + "/" + wanted.file);
    for (const char* folder : {"/", "/lib/", "/lib64/"}) paths.push_back(root + folder + wanted.file);
  }
  paths.push_back(wanted.file);  // the loader's path
  for (const std::string& python : python_folders())
    for (const std::string& folder : wanted.wheel_folders) paths.push_back(python + "/" + folder + "/" + wanted.file);
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const std::string root = environment(variable); !root.empty()) paths.push_back(root + "/lib64/" + wanted.file);
  for (const std::string& root : folders("/usr/local/cuda-" + std::to_string(kCudaMajor) + "*"))
    paths.push_back(root + "/lib64/" + wanted.file);
  paths.push_back("/usr/local/cuda/lib64/" + wanted.file);
  return paths;
}

void* open_library(const Wanted& wanted, LibraryReport& report) {
  if (const std::string file = wanted.setting ? environment(wanted.setting) : ""; !file.empty()) {
    void* library = dlopen(file.c_str(), RTLD_NOW | wanted.scope);
    report.searched = file;
    if (library) report.path = file;
    else report.problem = std::string(wanted.setting) + " names a file that does not load: " + dlerror();
    return library;
  }
  for (const std::string& path : places(wanted)) {
    report.searched += (report.searched.empty() ? "" : ", ") + path;
    if (void* library = dlopen(path.c_str(), RTLD_NOW | wanted.scope)) {
      report.path = path;
      return library;
    }
    const char* error = dlerror();
    // A file that is there and does not load says more than one that is not.
    if (error && !std::strstr(error, "No such file")) report.problem = error;
  }
  if (report.problem.empty()) report.problem = wanted.file + " was not found";
  return nullptr;
}

template <class F>
bool find(void* library, const char* name, F& function, LibraryReport& report) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (!function && report.problem.empty())
    report.problem = std::string("it has no function ") + name + ", so it is too old";
  return function != nullptr;
}

/// Where a library that the loader found by itself lies.
std::string path_of(const void* function, const std::string& known) {
  Dl_info info;
  return dladdr(function, &info) && info.dli_fname ? info.dli_fname : known;
}

/// With the slash; nothing for a mere name.
std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

/// cuBLAS brings cuBLASLt into the process, and its handle finds the functions of both.
void find_cublaslt(void* library, Libraries& f) {
  bool all = true;
#define STM_FIND(name) all = (f.name = reinterpret_cast<decltype(f.name)>(dlsym(library, #name))) && all;
  STM_CUBLASLT_FUNCTIONS(STM_FIND)
#undef STM_FIND
  if (all) return;
#define STM_FORGET(name) f.name = nullptr;
  STM_CUBLASLT_FUNCTIONS(STM_FORGET)
#undef STM_FORGET
}

void load_cublas(LoadedLibraries& loaded) {
  const std::string major = std::to_string(kCudaMajor);
  const std::string wheel = kCudaMajor >= 13 ? "nvidia/cu" + major + "/lib" : "nvidia/cublas/lib";
  LibraryReport& report = loaded.cublas;
  void* library = open_library({"libcublas.so." + major, "STMNET_CUBLAS_LIB", {wheel}}, report);
  if (!library) return;
  report.problem.clear();
  Libraries& f = loaded.functions;
#define STM_FIND(name) find(library, #name, f.name, report);
  STM_CUBLAS_FUNCTIONS(STM_FIND)
  STM_FIND(cublasGemmEx)
  STM_FIND(cublasGemmStridedBatchedEx)
#undef STM_FIND
  if (!report.problem.empty()) return;
  if (is(Switch::CublasLt, "1")) find_cublaslt(library, f);
  report.path = path_of(reinterpret_cast<const void*>(f.cublasGemmEx), report.path);
  int version = 0;
  if (f.cublasGetVersion_v2(nullptr, &version) != CUBLAS_STATUS_SUCCESS) return;
  const int unit = version >= 100000 ? 10000 : 1000;
  report.version =
      std::to_string(version / unit) + "." + std::to_string(version % unit / 100) + "." + std::to_string(version % 100);
}

/// cuDNN compiles the kernels of PERSIST_DYNAMIC by NVRTC, but neither names it among what it depends on nor looks for
/// it outside the loader's path; and NVRTC looks for its own builtins in no better way, when it compiles. Both are
/// found if they are in the process, NVRTC with its symbols for everybody.
void load_nvrtc(LoadedLibraries& loaded) {
  const std::string major = std::to_string(kCudaMajor);
  LibraryReport& report = loaded.nvrtc;
  Wanted wanted{
      "libnvrtc.so." + major, nullptr, {kCudaMajor >= 13 ? "nvidia/cu" + major + "/lib" : "nvidia/cuda_nvrtc/lib"}};
  wanted.scope = RTLD_GLOBAL;
  if (const std::string folder = folder_of(loaded.cublas.path); !folder.empty()) {
    wanted.first.push_back(folder);
    if (kCudaMajor < 13)
      wanted.first.push_back(folder + "../../cuda_nvrtc/lib/");  // each wheel had a folder of its own
  }
  void* library = open_library(wanted, report);
  if (!library) return;
  report.problem.clear();
  int (*get_version)(int*, int*) = nullptr;  // nvrtcVersion; its header is no part of what the plug-in is built from
  if (!find(library, "nvrtcVersion", get_version, report)) return;
  report.path = path_of(reinterpret_cast<const void*>(get_version), report.path);
  int version[2] = {};
  if (get_version(&version[0], &version[1]) != 0) return;
  report.version = std::to_string(version[0]) + "." + std::to_string(version[1]);
  const std::string builtins = "libnvrtc-builtins.so." + report.version, folder = folder_of(report.path);
  if (dlopen((folder + builtins).c_str(), RTLD_NOW | RTLD_GLOBAL) || dlopen(builtins.c_str(), RTLD_NOW | RTLD_GLOBAL))
    return;
  report.problem = builtins + " is missing: it belongs into " + folder;
}

/// From 9.0 on a version is major · 10000 + minor · 100 + patch; before it was major · 1000.
std::string words_of_cudnn(size_t version) {
  const size_t unit = version >= kOldestCudnn ? 10000 : 1000;
  return std::to_string(version / unit) + "." + std::to_string(version % unit / 100) + "." +
         std::to_string(version % 100);
}

void load_cudnn(LoadedLibraries& loaded) {
  LibraryReport& report = loaded.cudnn;
  void* library = open_library({"libcudnn.so.9", "STMNET_CUDNN_LIB", {"nvidia/cudnn/lib"}}, report);
  if (!library) return;
  report.problem.clear();
  Libraries& f = loaded.functions;
  if (!find(library, "cudnnGetVersion", f.cudnnGetVersion, report)) return;
  report.path = path_of(reinterpret_cast<const void*>(f.cudnnGetVersion), report.path);
  report.version = words_of_cudnn(f.cudnnGetVersion());
  if (f.cudnnGetVersion() < kOldestCudnn) {
    report.problem = "it is version " + report.version + ", and 9.0 or later is needed";
    return;
  }
#define STM_FIND(name) find(library, #name, f.name, report);
  STM_CUDNN_FUNCTIONS(STM_FIND)
#undef STM_FIND
  if (!report.problem.empty()) return;
  const size_t major = f.cudnnGetCudartVersion() / 1000;
  if (major != static_cast<size_t>(kCudaMajor)) {
    report.problem =
        "it was built for CUDA " + std::to_string(major) + ", and this plug-in for CUDA " + std::to_string(kCudaMajor);
  } else if (const cudnnStatus_t status = f.cudnnAdvVersionCheck(); status != CUDNN_STATUS_SUCCESS) {
    report.problem = std::string("its sub-libraries are incomplete or of another version: ") +
                     f.cudnnGetErrorString(status) +
                     "; libcudnn_adv, libcudnn_ops and libcudnn_graph must lie beside it";
  }
}

}  // namespace

const LoadedLibraries& libraries() {
  static const LoadedLibraries loaded = [] {
    LoadedLibraries libraries;
    load_cublas(libraries);  // first: cuDNN finds cuBLASLt where this one has
    load_nvrtc(libraries);   // and this one
    load_cudnn(libraries);
    return libraries;
  }();
  return loaded;
}

}  // namespace stm::cuda
