#pragma once
// The device of a question's process, CUDA's libraries as the plug-in opens them, and numbers in device memory.
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "backend/cuda/device/libraries.h"
#include "json.h"

namespace stm::probe {

/// What the plug-in calls, and what only questions do.
struct Functions : cuda::Libraries {
  decltype(&::cudnnRNNSetClip_v9) cudnnRNNSetClip_v9 = nullptr;
};
/// Opened at the first call. Throws Failure if cuDNN or cuBLAS cannot be used.
const Functions& library();

/// A call that failed: what it was and what the library says.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void check(cudaError_t status, const char* call);
void check(cudnnStatus_t status, const char* call);
#define STM_PROBE(call) ::stm::probe::check((call), #call)

/// Runs `body` and waits. @returns "ok", or why it failed. Throws Failure if the device has failed for good before.
std::string outcome(const std::function<void()>& body);
/// `json` with what `body` adds to it, and with its outcome.
Json tried(Json json, const std::function<void(Json&)>& body);

/// The one stream and handle of the process.
cudaStream_t stream();
cudnnHandle_t handle();
void wait();

/// Device memory.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  Buffer(Buffer&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();
  char* data() const { return static_cast<char*>(data_); }
  size_t bytes() const { return bytes_; }
  void fill(int byte) const;
  std::vector<unsigned char> read() const { return read(0, bytes_); }
  std::vector<unsigned char> read(size_t first, size_t bytes) const;
  void write(const void* host, size_t bytes) const;

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

enum class Type { F32, Tf32, F64, F16, Bf16 };
const char* name_of(Type type);
cudnnDataType_t data_type(Type type);
size_t size_of(Type type);

/// Numbers in device memory of a type.
void put(const Buffer& buffer, Type type, const std::vector<double>& values);
std::vector<double> get(const Buffer& buffer, Type type);
/// `count` of them from the one of that index on.
std::vector<double> get(const Buffer& buffer, Type type, size_t first, size_t count);
/// Fills device memory with repeatable numbers in (-scale, scale). They repeat themselves after a million; `seed` says
/// where they begin.
void put_noise(void* at, Type type, size_t count, int seed, double scale = 1);
/// Largest |a - b| over the largest |b|; NaN counts as infinite.
double distance(const std::vector<double>& a, const std::vector<double>& b);

/// Median milliseconds of `runs` runs of `body` after some that do not count; the clock stops when the device is done.
double milliseconds(const std::function<void()>& body, int runs = 10, int warm_ups = 3);

/// STMNET_PROBE_SMALL=1: small sizes and few repeats, for a device that computes on the CPU.
bool small();

}  // namespace stm::probe
