// The library, the device, and numbers of its types.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "rnn.h"

namespace stm::probe {

const Cudnn& cudnn() {
  static const Cudnn loaded = [] {
    Cudnn out;
    const char *file = std::getenv("STMNET_CUDNN_LIB"), *wheels = std::getenv("STMNET_CUDA_LIBS");
    std::vector<std::string> places;
    if (file) places.emplace_back(file);
    if (wheels) {
      places.push_back(std::string(wheels) + "/nvidia/cudnn/lib/libcudnn.so.9");
      // cuDNN wants cuBLASLt, and takes one that is loaded.
      (void)dlopen((std::string(wheels) + "/nvidia/cu13/lib/libcublasLt.so.13").c_str(), RTLD_NOW | RTLD_GLOBAL);
    }
    places.emplace_back("libcudnn.so.9");
    void* library = nullptr;
    for (const std::string& place : places) {
      if (!library && (library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL))) out.path = place;
    }
    if (!library) throw Failure(std::string("cuDNN was not found: ") + dlerror());
#define STM_FIND(name) \
  if (!(out.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name)))) throw Failure("cuDNN has no function " #name);
    STM_PROBE_FUNCTIONS(STM_FIND)
#undef STM_FIND
    return out;
  }();
  return loaded;
}

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw Failure(std::string(call).substr(0, 60) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

void check(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const char* at = std::strstr(call, "cudnn()");
  const std::string name = std::string(at ? at + 8 : call);
  char words[512] = "";
  cudnn().cudnnGetLastErrorString(words, sizeof words);
  throw Failure(name.substr(0, name.find('(')) + ": " + std::to_string(static_cast<int>(status)) + " " + cudnn().cudnnGetErrorString(status) +
                (words[0] ? ": " : "") + words);
}

std::string outcome(const std::function<void()>& body) {
  try {
    body();
    wait();
    return "ok";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

cudaStream_t stream() {
  static cudaStream_t made = [] {
    cudaStream_t out = nullptr;
    STM_PROBE(cudaStreamCreateWithFlags(&out, cudaStreamNonBlocking));
    return out;
  }();
  return made;
}

cudnnHandle_t handle() {
  static cudnnHandle_t made = [] {
    cudnnHandle_t out = nullptr;
    STM_PROBE(cudnn().cudnnCreate(&out));
    STM_PROBE(cudnn().cudnnSetStream(out, stream()));
    return out;
  }();
  return made;
}

void wait() { STM_PROBE(cudaStreamSynchronize(stream())); }

Buffer::Buffer(size_t bytes) : bytes_(bytes) {
  if (bytes) STM_PROBE(cudaMalloc(&data_, bytes));
}
Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}
Buffer::~Buffer() {
  if (data_) (void)cudaFree(data_);
}
void Buffer::fill(int byte) const {
  if (data_) STM_PROBE(cudaMemsetAsync(data_, byte, bytes_, stream()));
}
std::vector<unsigned char> Buffer::read() const {
  std::vector<unsigned char> out(bytes_);
  if (data_) STM_PROBE(cudaMemcpyAsync(out.data(), data_, bytes_, cudaMemcpyDeviceToHost, stream()));
  wait();
  return out;
}
void Buffer::write(const void* host, size_t bytes) const {
  STM_PROBE(cudaMemcpyAsync(data_, host, bytes, cudaMemcpyHostToDevice, stream()));
  wait();
}

const char* name_of(Type type) {
  static const char* const names[] = {"f32", "tf32", "f64", "f16", "bf16"};
  return names[static_cast<int>(type)];
}
const char* name_of(cudnnRNNAlgo_t algo) {
  static const char* const names[] = {"standard", "persistStatic", "persistDynamic", "persistStaticSmallH"};
  return names[static_cast<int>(algo)];
}
cudnnDataType_t data_type(Type type) {
  return type == Type::F64 ? CUDNN_DATA_DOUBLE : type == Type::F16 ? CUDNN_DATA_HALF : type == Type::Bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}
size_t size_of(Type type) { return type == Type::F64 ? 8 : type == Type::F16 || type == Type::Bf16 ? 2 : 4; }

namespace {

template <class T, class F>
void put_as(const Buffer& buffer, const std::vector<double>& values, F convert) {
  std::vector<T> out(values.size());
  std::transform(values.begin(), values.end(), out.begin(), convert);
  buffer.write(out.data(), out.size() * sizeof(T));
}
template <class T, class F>
std::vector<double> get_as(const Buffer& buffer, F convert) {
  const std::vector<unsigned char> bytes = buffer.read();
  std::vector<T> raw(bytes.size() / sizeof(T));
  std::memcpy(static_cast<void*>(raw.data()), bytes.data(), raw.size() * sizeof(T));
  std::vector<double> out(raw.size());
  std::transform(raw.begin(), raw.end(), out.begin(), convert);
  return out;
}

}  // namespace

void put(const Buffer& buffer, Type type, const std::vector<double>& values) {
  if (values.empty()) return;
  switch (type) {
    case Type::F64: return put_as<double>(buffer, values, [](double v) { return v; });
    case Type::F16: return put_as<__half>(buffer, values, [](double v) { return __float2half(static_cast<float>(v)); });
    case Type::Bf16: return put_as<__nv_bfloat16>(buffer, values, [](double v) { return __float2bfloat16(static_cast<float>(v)); });
    default: return put_as<float>(buffer, values, [](double v) { return static_cast<float>(v); });
  }
}

std::vector<double> get(const Buffer& buffer, Type type) {
  switch (type) {
    case Type::F64: return get_as<double>(buffer, [](double v) { return v; });
    case Type::F16: return get_as<__half>(buffer, [](__half v) { return static_cast<double>(__half2float(v)); });
    case Type::Bf16: return get_as<__nv_bfloat16>(buffer, [](__nv_bfloat16 v) { return static_cast<double>(__bfloat162float(v)); });
    default: return get_as<float>(buffer, [](float v) { return static_cast<double>(v); });
  }
}

std::vector<double> noise(size_t count, int seed, double scale) {
  std::vector<double> out(count);
  unsigned long long state = 0x9E3779B97F4A7C15ull * static_cast<unsigned long long>(seed + 1);
  for (double& value : out) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    value = scale * (static_cast<double>(state >> 33) / static_cast<double>(1ull << 30) - 1);
  }
  return out;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0, largest = 0;
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.size(); ++i) {
    const double gap = std::abs(a[i] - b[i]);
    most = std::isfinite(gap) ? std::max(most, gap) : std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(b[i]));
  }
  return most / std::max(largest, 1e-30);
}

double milliseconds(const std::function<void()>& body, int runs, int warm_ups) {
  for (int i = 0; i < warm_ups; ++i) body();
  wait();
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    wait();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[static_cast<size_t>(runs / 2)];
}

}  // namespace stm::probe
