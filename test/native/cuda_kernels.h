#pragma once
// What the tests of the CUDA kernels share: a device, operands that lie alike in host and in device memory, and the
// comparison with the CPU's kernels.
//
//   int main(int argc, char** argv) {
//     begin(argc, argv);
//     Device device;
//     CudaElementwise cuda(device.context);
//     Operand x(DType::F32, {3, 5}, Lies::Stretched), y(DType::F32, {3, 5});
//     agree(device, cpu_backend().elementwise(), cuda, "relu", {&x, &y}, kTight,
//           [&](ElementwiseKernels& kernels, const Side& at) { return kernels.unary(Unary::relu, 0, at(x), at(y)); });
//     return finish("cuda_elementwise_test");
//   }
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/device/context.h"
#include "check.h"

namespace stm::cuda::test {

using namespace stm::testing;

/// A CUDA call of the test itself: nothing can be learnt after one has failed.
inline void must(cudaError_t error, const char* what) {
  if (error != cudaSuccess) give_up(std::string(what) + ": " + cudaGetErrorString(error));
}

// ---- the device

/// A stream and a Context on device 0. cuBLAS and cuDNN are left to the tests that need them.
class Device {
 public:
  Device() {
    must(cudaSetDevice(0), "cudaSetDevice");
    must(cudaStreamCreateWithFlags(&context.stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    int major = 0, minor = 0;
    must(cudaDeviceGetAttribute(&context.multiprocessors, cudaDevAttrMultiProcessorCount, 0), "cudaDeviceGetAttribute");
    must(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), "cudaDeviceGetAttribute");
    must(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0), "cudaDeviceGetAttribute");
    context.capability = major * 10 + minor;
    context.op = 17;
    void* fault = nullptr;
    must(cudaMalloc(&fault, sizeof(DeviceFault)), "cudaMalloc");
    context.fault = static_cast<DeviceFault*>(fault);
    clear_fault();
  }
  ~Device() {
    wait();
    context.release_buffers();
    must(cudaFree(context.fault), "cudaFree");
    must(cudaStreamDestroy(context.stream), "cudaStreamDestroy");
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  void wait() { must(cudaStreamSynchronize(context.stream), "cudaStreamSynchronize"); }
  void upload(void* to, const void* from, size_t bytes) {
    if (bytes > 0) must(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, context.stream), "cudaMemcpyAsync");
  }
  /// Waits for it.
  void download(void* to, const void* from, size_t bytes) {
    if (bytes > 0) must(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, context.stream), "cudaMemcpyAsync");
    wait();
  }
  /// What kernels have reported since the last call.
  DeviceFault take_fault() {
    DeviceFault fault;
    download(&fault, context.fault, sizeof fault);
    if (fault.code != 0) clear_fault();
    return fault;
  }

  Context context;

 private:
  void clear_fault() {
    const DeviceFault none;
    upload(context.fault, &none, sizeof none);
  }
};

/// Device memory.
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes) {
    if (bytes > 0) must(cudaMalloc(&data_, bytes), "cudaMalloc");
  }
  ~Memory() {
    if (data_) must(cudaFree(data_), "cudaFree");
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_;
  void* data_ = nullptr;
};

// ---- operands

enum class Lies {
  Dense,     ///< one element behind the other, from an address of 256 bytes
  Shifted,   ///< likewise, from an odd beginning
  Anyhow,    ///< axes in any order and either direction, gaps, an odd beginning; sometimes dense
  Stretched  ///< likewise, and some axes broadcast (stride 0): for inputs
};

/// A tensor in both memories, in one layout. What lies between its elements is checked too.
class Operand {
 public:
  Operand(DType dtype, const std::vector<int64_t>& extents, Lies lies = Lies::Anyhow) {
    host.dtype = device.dtype = dtype;
    host.rank = static_cast<int32_t>(extents.size());
    std::copy(extents.begin(), extents.end(), host.extent);
    const int64_t elements = lay_out(lies);
    bytes_.resize(static_cast<size_t>(elements) * size_of(dtype) + 1);  // never null
    memory_ = std::make_unique<Memory>(bytes_.size());
    const size_t begin = static_cast<size_t>(first_) * size_of(dtype);
    host.data = bytes_.data() + begin;
    device = host;
    device.data = static_cast<char*>(memory_->data()) + begin;
    elements_ = elements;
    fill([dtype] {
      return dtype == DType::Bool  ? draw_real(0, 2) >= 1
             : dtype == DType::I32 ? std::floor(draw_real(-9, 10))
                                   : draw_real(-3, 3);
    });
  }

  View host, device;
  int64_t size() const { return host.size(); }

  /// Sets every element, and what lies between them, to what `number()` gives.
  void fill(const std::function<double()>& number) {
    for (int64_t i = 0; i < elements_; ++i) put(i, number());
  }
  /// Element `index` in row-major order, as it is in host memory.
  double at(int64_t index) const { return get(bytes_, place(index)); }
  void set(int64_t index, double value) { put(place(index), value); }

  void to_device(Device& on) { on.upload(memory_->data(), bytes_.data(), bytes_.size()); }
  /// Device memory, as it is now, in the host's layout.
  std::vector<char> from_device(Device& on) const {
    std::vector<char> bytes(bytes_.size());
    on.download(bytes.data(), memory_->data(), bytes.size());
    return bytes;
  }
  /// Where the elements in `bytes`, of device memory, are not those in host memory; empty if all are.
  std::string difference(const std::vector<char>& bytes, double relative, double absolute) const {
    std::vector<bool> inside(static_cast<size_t>(elements_));
    for (int64_t i = 0; i < size(); ++i) {
      inside[static_cast<size_t>(place(i))] = true;
      const double expected = get(bytes_, place(i)), got = get(bytes, place(i));
      if (near(got, expected, relative, absolute)) continue;
      return " " + shape() + " element " + std::to_string(i) + ": expected " + text(expected) + ", got " + text(got);
    }
    const size_t width = size_of(host.dtype);
    for (int64_t i = 0; i < elements_; ++i)
      if (!inside[static_cast<size_t>(i)] &&
          std::memcmp(&bytes_[static_cast<size_t>(i) * width], &bytes[static_cast<size_t>(i) * width], width) != 0)
        return " " + shape() + " was written beside its elements, at " + std::to_string(i - first_);
    return "";
  }
  /// Dtype, extents and strides.
  std::string shape() const {
    static const char* const names[] = {"f32", "f64", "i32", "bool"};
    std::string text = std::string(names[static_cast<int>(host.dtype)]) + "[";
    for (int i = 0; i < host.rank; ++i)
      text += (i ? ", " : "") + std::to_string(host.extent[i]) + ":" + std::to_string(host.stride[i]);
    return text + "]";
  }

 private:
  /// Chooses strides and the place of the first element; returns how many elements the storage has.
  int64_t lay_out(Lies lies) {
    std::vector<int> order;
    for (int i = host.rank - 1; i >= 0; --i) order.push_back(i);  // innermost first
    const bool dense = lies == Lies::Dense || lies == Lies::Shifted || chance(0.25);
    if (!dense && chance(0.5)) std::shuffle(order.begin(), order.end(), generator);
    const bool gaps = !dense && chance(0.5);
    int64_t step = 1;
    for (const int axis : order) {
      const bool broadcast = lies == Lies::Stretched && chance(0.3);
      host.stride[axis] = broadcast ? 0 : step;
      if (!broadcast) step = step * std::max<int64_t>(host.extent[axis], 1) + (gaps ? draw(0, 4) : 0);
    }
    const int64_t before = lies == Lies::Dense ? 0 : draw(0, 3), behind = lies == Lies::Dense ? 0 : draw(0, 3);
    first_ = before;
    for (int axis = 0; axis < host.rank && !dense; ++axis) {
      if (!chance(0.1) || host.extent[axis] == 0) continue;
      first_ += (host.extent[axis] - 1) * host.stride[axis];  // flipped
      host.stride[axis] = -host.stride[axis];
    }
    return before + step + behind;
  }
  int64_t place(int64_t index) const {
    int64_t at = first_;
    for (int axis = host.rank; axis-- > 0;) {
      at += index % host.extent[axis] * host.stride[axis];
      index /= host.extent[axis];
    }
    return at;
  }
  double get(const std::vector<char>& bytes, int64_t at) const {
    const char* from = bytes.data() + static_cast<size_t>(at) * size_of(host.dtype);
    switch (host.dtype) {
      case DType::F32: return load<float>(from);
      case DType::F64: return load<double>(from);
      case DType::I32: return load<int32_t>(from);
      case DType::Bool: return load<uint8_t>(from);
      case DType::I8: return load<int8_t>(from);
    }
    return 0;
  }
  void put(int64_t at, double value) {
    char* to = bytes_.data() + static_cast<size_t>(at) * size_of(host.dtype);
    switch (host.dtype) {
      case DType::F32: return store(to, static_cast<float>(value));
      case DType::F64: return store(to, value);
      case DType::I32: return store(to, static_cast<int32_t>(value));
      case DType::Bool: return store(to, static_cast<uint8_t>(value != 0));
      case DType::I8: return store(to, static_cast<int8_t>(value));
    }
  }
  template <class T>
  static double load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return static_cast<double>(value);
  }
  template <class T>
  static void store(char* to, T value) {
    std::memcpy(to, &value, sizeof value);
  }
  static std::string text(double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.9g", value);
    return digits;
  }

  std::vector<char> bytes_;
  std::unique_ptr<Memory> memory_;
  int64_t elements_ = 0, first_ = 0;
};

/// Random extents: `rank` axes, now and then one of 0 or 1.
inline std::vector<int64_t> random_extents(int rank, int64_t most) {
  std::vector<int64_t> extents;
  for (int i = 0; i < rank; ++i) extents.push_back(chance(0.03) ? 0 : chance(0.15) ? 1 : draw(1, most));
  return extents;
}

// ---- comparison

/// Which memory a call works in: `at(x)` is the view of an operand there.
struct Side {
  bool on_device;
  const View& operator()(const Operand& x) const { return on_device ? x.device : x.host; }
};

/// How far floats may differ. Integers and bools must be equal.
struct Tolerance {
  double f32 = 1e-5, f64 = 1e-12;       ///< relative
  double f32_least = 0, f64_least = 0;  ///< and absolute, for what may cancel
};
constexpr Tolerance kTight{};
constexpr Tolerance kExact{0, 0, 0, 0};

/// Runs `call(kernels, side)` with the CPU's kernels in host memory and with the device's in device memory, and
/// compares all `operands`, inputs included. What the CPU reports as OutOfRange must come as a device's fault; then
/// values are not compared. Returns that fault.
template <class Kernels, class Call>
DeviceFault agree(Device& device, Kernels& cpu, Kernels& cuda, const std::string& what,
                  const std::vector<Operand*>& operands, const Tolerance& tolerance, const Call& call) {
  for (Operand* operand : operands) operand->to_device(device);
  const Status on_cpu = call(cpu, Side{false}), on_cuda = call(cuda, Side{true});
  require(on_cuda, what);
  const DeviceFault fault = device.take_fault();
  if (on_cpu.kind == StatusKind::OutOfRange) {
    require(fault.code != cuda::DeviceFault::kNone && fault.op == device.context.op,
            what + ": the device reports no value out of range");
    // Of several such values the device may name another.
    require_text(in_words(fault).expected(), on_cpu.expected(), what + ": what the device expects, and the CPU");
    require_text(in_words(fault).fix(), on_cpu.fix(), what + ": what the device advises, and the CPU");
    return fault;
  }
  require(on_cpu, what + " on the CPU");
  require(fault.code == 0, what + ": the device reports " + std::to_string(fault.value) + " as out of range");
  for (const Operand* operand : operands) {
    const bool floating = operand->host.dtype == DType::F32 || operand->host.dtype == DType::F64,
               wide = operand->host.dtype == DType::F64;
    const double relative = !floating ? 0
                            : wide    ? tolerance.f64
                                      : tolerance.f32,
                 absolute = !floating ? 0
                            : wide    ? tolerance.f64_least
                                      : tolerance.f32_least;
    const std::string difference = operand->difference(operand->from_device(device), relative, absolute);
    if (!difference.empty()) fail(what + difference);
  }
  return fault;
}

}  // namespace stm::cuda::test
