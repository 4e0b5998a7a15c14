// The library, the device, and numbers of its types.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>

#include "device.h"

namespace stm::probe {

const Functions& library() {
  static const Functions found = [] {
    const cuda::LoadedLibraries& loaded = cuda::libraries();
    for (const cuda::LibraryReport* report : {&loaded.cublas, &loaded.cudnn})
      if (!report->problem.empty()) throw Failure(report->problem + ", looked for at " + report->searched);
    Functions all;
    static_cast<cuda::Libraries&>(all) = loaded.functions;
    void* const opened = dlopen(loaded.cudnn.path.c_str(), RTLD_NOW | RTLD_NOLOAD);
#define STM_FIND(name)                                                  \
  all.name = reinterpret_cast<decltype(&::name)>(dlsym(opened, #name)); \
  if (!opened || !all.name) throw Failure("cuDNN has no function " #name);
    STM_FIND(cudnnRNNSetClip_v9)
#undef STM_FIND
    return all;
  }();
  return found;
}

void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw Failure(std::string(call).substr(0, 60) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

void check(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const char* at = std::strstr(call, "library()");
  const std::string name = std::string(at ? at + 10 : call);
  char words[512] = "";
  library().cudnnGetLastErrorString(words, sizeof words);
  throw Failure(name.substr(0, name.find('(')) + ": " + std::to_string(static_cast<int>(status)) + " " +
                library().cudnnGetErrorString(status) + (words[0] ? ": " : "") + words);
}

std::string outcome(const std::function<void()>& body) {
  if (cudaDeviceSynchronize() != cudaSuccess) throw Failure("not asked: the device has failed for good before");
  try {
    body();
    wait();
    return "ok";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

Json tried(Json json, const std::function<void(Json&)>& body) {
  const std::string result = outcome([&] { body(json); });
  return json.text("outcome", result);
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
    STM_PROBE(library().cudnnCreate(&out));
    STM_PROBE(library().cudnnSetStream(out, stream()));
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
std::vector<unsigned char> Buffer::read(size_t first, size_t bytes) const {
  std::vector<unsigned char> out(bytes);
  if (bytes) STM_PROBE(cudaMemcpyAsync(out.data(), data() + first, bytes, cudaMemcpyDeviceToHost, stream()));
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
cudnnDataType_t data_type(Type type) {
  return type == Type::F64    ? CUDNN_DATA_DOUBLE
         : type == Type::F16  ? CUDNN_DATA_HALF
         : type == Type::Bf16 ? CUDNN_DATA_BFLOAT16
                              : CUDNN_DATA_FLOAT;
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
std::vector<double> get_as(const Buffer& buffer, size_t first, size_t count, F convert) {
  const std::vector<unsigned char> bytes = buffer.read(first * sizeof(T), count * sizeof(T));
  std::vector<double> out(count);
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(static_cast<void*>(&value), &bytes[i * sizeof(T)], sizeof(T));
    out[i] = convert(value);
  }
  return out;
}

}  // namespace

void put(const Buffer& buffer, Type type, const std::vector<double>& values) {
  if (values.empty()) return;
  switch (type) {
    case Type::F64: return put_as<double>(buffer, values, [](double v) { return v; });
    case Type::F16: return put_as<__half>(buffer, values, [](double v) { return __float2half(static_cast<float>(v)); });
    case Type::Bf16:
      return put_as<__nv_bfloat16>(buffer, values, [](double v) { return __float2bfloat16(static_cast<float>(v)); });
    default: return put_as<float>(buffer, values, [](double v) { return static_cast<float>(v); });
  }
}

std::vector<double> get(const Buffer& buffer, Type type) {
  return get(buffer, type, 0, buffer.bytes() / size_of(type));
}

std::vector<double> get(const Buffer& buffer, Type type, size_t first, size_t count) {
  switch (type) {
    case Type::F64: return get_as<double>(buffer, first, count, [](double v) { return v; });
    case Type::F16:
      return get_as<__half>(buffer, first, count, [](__half v) { return static_cast<double>(__half2float(v)); });
    case Type::Bf16:
      return get_as<__nv_bfloat16>(buffer, first, count,
                                   [](__nv_bfloat16 v) { return static_cast<double>(__bfloat162float(v)); });
    default: return get_as<float>(buffer, first, count, [](float v) { return static_cast<double>(v); });
  }
}

namespace {

constexpr size_t kNoise = 1000003;  // a prime, so that the rows of no matrix are alike

/// The table of noise in device memory, made once for each type and scale.
const Buffer& noise(Type type, double scale) {
  static auto& tables = *new std::map<std::pair<Type, double>, Buffer>;
  Buffer& table = tables[{type, scale}];
  if (table.bytes()) return table;
  std::vector<double> values(kNoise);
  unsigned long long state = 0x9E3779B97F4A7C15ull;
  for (double& value : values) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    value = scale * (static_cast<double>(state >> 33) / static_cast<double>(1ull << 30) - 1);
  }
  table = Buffer(kNoise * size_of(type));
  put(table, type, values);
  return table;
}

}  // namespace

void put_noise(void* at, Type type, size_t count, int seed, double scale) {
  const Buffer& table = noise(type, scale);
  const size_t element = size_of(type);
  size_t from = static_cast<size_t>(seed) * 104729 % kNoise;
  for (size_t done = 0; done < count; from = 0) {
    const size_t some = std::min(count - done, kNoise - from);
    STM_PROBE(cudaMemcpyAsync(static_cast<char*>(at) + done * element, table.data() + from * element, some * element,
                              cudaMemcpyDeviceToDevice, stream()));
    done += some;
  }
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

bool small() {
  const char* const wanted = std::getenv("STMNET_PROBE_SMALL");
  return wanted && std::strcmp(wanted, "1") == 0;
}

}  // namespace stm::probe
