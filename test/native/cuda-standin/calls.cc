#include "cuda-standin/calls.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "cuda-standin/capture.h"
#include "cuda-standin/control.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

const char* const kFunctions[] = {"cudaGetDeviceCount",
                                  "cudaGetDeviceProperties",
                                  "cudaDeviceGetAttribute",
                                  "cudaDriverGetVersion",
                                  "cudaRuntimeGetVersion",
                                  "cudaSetDevice",
                                  "cudaGetDevice",
                                  "cudaDeviceSynchronize",
                                  "cudaMemGetInfo",
                                  "cudaStreamCreateWithFlags",
                                  "cudaStreamDestroy",
                                  "cudaStreamSynchronize",
                                  "cudaStreamQuery",
                                  "cudaStreamWaitEvent",
                                  "cudaStreamBeginCapture",
                                  "cudaStreamEndCapture",
                                  "cudaStreamIsCapturing",
                                  "cudaThreadExchangeStreamCaptureMode",
                                  "cudaEventCreateWithFlags",
                                  "cudaEventRecord",
                                  "cudaEventSynchronize",
                                  "cudaEventQuery",
                                  "cudaEventElapsedTime",
                                  "cudaEventDestroy",
                                  "cudaGraphInstantiate",
                                  "cudaGraphUpload",
                                  "cudaGraphLaunch",
                                  "cudaGraphExecDestroy",
                                  "cudaGraphDestroy",
                                  "cudaMallocAsync",
                                  "cudaMallocFromPoolAsync",
                                  "cudaFreeAsync",
                                  "cudaMalloc",
                                  "cudaFree",
                                  "cudaMallocHost",
                                  "cudaHostAlloc",
                                  "cudaFreeHost",
                                  "cudaDeviceGetDefaultMemPool",
                                  "cudaMemPoolCreate",
                                  "cudaMemPoolDestroy",
                                  "cudaMemPoolSetAttribute",
                                  "cudaMemPoolGetAttribute",
                                  "cudaMemPoolTrimTo",
                                  "cudaMemcpyAsync",
                                  "cudaMemsetAsync",
                                  "cudaGetLastError",
                                  "cudaPeekAtLastError",
                                  "cudaGetErrorName",
                                  "cudaGetErrorString",
                                  "cudaLaunchKernel",
                                  "cublasCreate_v2",
                                  "cublasDestroy_v2",
                                  "cublasSetStream_v2",
                                  "cublasSetWorkspace_v2",
                                  "cublasSetMathMode",
                                  "cublasGetVersion_v2",
                                  "cublasGetStatusString",
                                  "cublasGemmEx",
                                  "cublasGemmStridedBatchedEx",
                                  "cublasLtMatmulDescCreate",
                                  "cublasLtMatmulDescDestroy",
                                  "cublasLtMatmulDescSetAttribute",
                                  "cublasLtMatrixLayoutCreate",
                                  "cublasLtMatrixLayoutDestroy",
                                  "cublasLtMatmulPreferenceCreate",
                                  "cublasLtMatmulPreferenceDestroy",
                                  "cublasLtMatmulPreferenceSetAttribute",
                                  "cublasLtMatmulAlgoGetHeuristic",
                                  "cublasLtMatmul",
                                  "cudnnGetVersion",
                                  "cudnnGetCudartVersion",
                                  "cudnnGetErrorString",
                                  "cudnnGetLastErrorString",
                                  "cudnnAdvVersionCheck",
                                  "cudnnCreate",
                                  "cudnnDestroy",
                                  "cudnnSetStream",
                                  "cudnnCreateTensorDescriptor",
                                  "cudnnSetTensorNdDescriptor",
                                  "cudnnGetTensorNdDescriptor",
                                  "cudnnDestroyTensorDescriptor",
                                  "cudnnCreateDropoutDescriptor",
                                  "cudnnSetDropoutDescriptor",
                                  "cudnnDropoutGetStatesSize",
                                  "cudnnDestroyDropoutDescriptor",
                                  "cudnnCreateRNNDescriptor",
                                  "cudnnSetRNNDescriptor_v8",
                                  "cudnnRNNSetClip_v9",
                                  "cudnnDestroyRNNDescriptor",
                                  "cudnnBuildRNNDynamic",
                                  "cudnnGetRNNTempSpaceSizes",
                                  "cudnnGetRNNWeightSpaceSize",
                                  "cudnnGetRNNWeightParams",
                                  "cudnnCreateRNNDataDescriptor",
                                  "cudnnSetRNNDataDescriptor",
                                  "cudnnDestroyRNNDataDescriptor",
                                  "cudnnRNNForward",
                                  "cudnnRNNBackwardData_v8",
                                  "cudnnRNNBackwardWeights_v8"};

thread_local int depth = 0;

bool known(const std::string& name) {
  for (const char* const function : kFunctions) {
    if (name == function) return true;
  }
  return false;
}

struct Fault {
  std::string name;
  unsigned long long number;
  bool onwards;
  int code;
};

// "name:N=code" or "name:N+=code".
bool parse(const std::string& text, Fault* fault) {
  const size_t colon = text.find(':'), equals = text.find('=');
  if (colon == std::string::npos || equals == std::string::npos || equals < colon + 2) return false;
  fault->name = text.substr(0, colon);
  fault->onwards = text[equals - 1] == '+';
  char *end = nullptr, *code_end = nullptr;
  fault->number = std::strtoull(text.c_str() + colon + 1, &end, 10);
  fault->code = static_cast<int>(std::strtol(text.c_str() + equals + 1, &code_end, 10));
  return known(fault->name) && fault->number > 0 && end == text.c_str() + equals - (fault->onwards ? 1 : 0) &&
         code_end != text.c_str() + equals + 1 && !*code_end;
}

bool parse_all(const char* text, std::vector<Fault>* faults) {
  std::string rest = text ? text : "";
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    Fault fault;
    const std::string one = rest.substr(0, comma);
    if (!parse(one, &fault)) {
      std::fprintf(stderr,
                   "cuda stand-in: got the fault '%s', expected NAME:N=CODE or NAME:N+=CODE with the name of a "
                   "function that it exports.\n",
                   one.c_str());
      return false;
    }
    faults->push_back(fault);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
  return true;
}

// Counts, faults and the log, for all threads.
struct Book {
  std::mutex mutex;
  std::map<std::string, unsigned long long> counts;
  std::vector<Fault> faults;
  std::FILE* log = nullptr;

  Book() {
    if (!parse_all(settings().faults, &faults)) std::abort();
    if (!settings().log) return;
    log = std::fopen(settings().log, "a");
    if (log) return;
    std::fprintf(stderr, "cuda stand-in: cannot write STMNET_STANDIN_LOG=%s\n", settings().log);
    std::abort();
  }
};

Book& book() {
  static Book& kept = *new Book;
  return kept;
}

std::string formatted(const char* format, va_list arguments) {
  char text[1024];
  std::vsnprintf(text, sizeof text, format, arguments);
  return text;
}

}  // namespace

Call::Depth::Depth() { ++depth; }
Call::Depth::~Depth() { --depth; }

Call::Call(const char* function, const char* format, ...) : function_(function), fault_(0), logged_(false) {
  if (!known(function)) {
    std::fprintf(stderr, "cuda stand-in: %s is missing in the list of functions\n", function);
    std::abort();
  }
  Book& b = book();
  {
    const std::lock_guard<std::mutex> lock(b.mutex);
    const unsigned long long number = ++b.counts[function];
    for (const Fault& fault : b.faults) {
      if (fault.name == function && (number == fault.number || (fault.onwards && number > fault.number)))
        fault_ = fault.code;
    }
    logged_ = b.log != nullptr;
  }
  if (!logged_) return;
  va_list arguments;
  va_start(arguments, format);
  arguments_ = formatted(format, arguments);
  va_end(arguments);
}

void Call::log_result(long long result) {
  if (!logged_) return;
  Book& b = book();
  const std::lock_guard<std::mutex> lock(b.mutex);
  std::fprintf(b.log, "%s%s%s -> %lld%s\n", function_, arguments_.empty() ? "" : " ", arguments_.c_str(), result,
               fault_ ? " (asked for)" : "");
  std::fflush(b.log);
}

cudaError_t Call::finish(cudaError_t error) {
  if (error != cudaSuccess) last_error() = error;
  log_result(error);
  return error;
}

cudnnStatus_t Call::cudnn_fault() {
  return refuse(static_cast<cudnnStatus_t>(fault_), "%s: this fault was asked for", function_);
}

std::string& last_cudnn_error() {
  thread_local std::string text;
  return text;
}

cudnnStatus_t refuse(cudnnStatus_t status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  last_cudnn_error() = formatted(format, arguments);
  va_end(arguments);
  return status;
}

std::string listed(const int* values, int count) {
  std::string text;
  for (int i = 0; values && i < count && i < 64; ++i) text += (i ? "," : "") + std::to_string(values[i]);
  if (count > 64) text += ",...";
  return text;
}

// ---- handles.h

namespace {
struct Tables {
  std::mutex mutex;
  std::vector<const Counted*> all;
};
Tables& tables() {
  static Tables& kept = *new Tables;
  return kept;
}
}  // namespace

Counted::Counted(const char* what) : what_(what) {
  const std::lock_guard<std::mutex> lock(tables().mutex);
  tables().all.push_back(this);
}

std::vector<const Counted*> Counted::all() {
  const std::lock_guard<std::mutex> lock(tables().mutex);
  return tables().all;
}

void* new_handle() {
  static std::atomic<uint64_t> number{0};
  return reinterpret_cast<void*>(0x5afe000000000000u + 16 * ++number);
}

}  // namespace stm::standin

using namespace stm::standin;

bool standin_set_faults(const char* text) {
  std::vector<Fault> faults;
  if (!parse_all(text, &faults)) return false;
  Book& b = book();
  const std::lock_guard<std::mutex> lock(b.mutex);
  b.faults = std::move(faults);
  return true;
}

bool standin_is_inside() { return stm::standin::depth > 0; }

unsigned long long standin_call_count(const char* name) {
  Book& b = book();
  const std::lock_guard<std::mutex> lock(b.mutex);
  const auto at = b.counts.find(name);
  return at == b.counts.end() ? 0 : at->second;
}

void standin_reset_counts() {
  Book& b = book();
  const std::lock_guard<std::mutex> lock(b.mutex);
  b.counts.clear();
}

const char* standin_functions(int index) {
  const int count = static_cast<int>(sizeof kFunctions / sizeof *kFunctions);
  return index >= 0 && index < count ? kFunctions[index] : nullptr;
}

int standin_leaks(char* text, size_t size) {
  std::string all;
  size_t total = 0;
  for (const Counted* const table : Counted::all()) {
    const size_t count = table->count();
    if (!count) continue;
    total += count;
    all += (all.empty() ? "" : ", ") + std::to_string(count) + " " + table->what();
  }
  if (text && size) std::snprintf(text, size, "%s", all.c_str());
  return static_cast<int>(total);
}

void standin_recover() {
  forget_fatal_errors();
  forget_captures();
}
