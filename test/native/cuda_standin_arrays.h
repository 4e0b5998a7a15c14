#pragma once
// Streams and arrays for the tests of the stand-in for CUDA.
#include <cuda_runtime_api.h>

#include <vector>

#include "cuda_standin_check.h"

namespace stm::standin {

inline cudaStream_t make_stream() {
  cudaStream_t stream = nullptr;
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

template <class T>
T* device_array(size_t count, cudaStream_t stream) {
  void* data = nullptr;
  OK(cudaMallocAsync(&data, count * sizeof(T), stream));
  return static_cast<T*>(data);
}

template <class T>
T* to_device(const std::vector<T>& values, cudaStream_t stream) {
  T* const data = device_array<T>(values.size(), stream);
  OK(cudaMemcpyAsync(data, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice, stream));
  return data;
}

template <class T>
std::vector<T> to_host(const T* data, size_t count, cudaStream_t stream) {
  std::vector<T> values(count);
  OK(cudaMemcpyAsync(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost, stream));
  OK(cudaStreamSynchronize(stream));
  return values;
}

// After a fatal error on purpose.
inline void recover() {
  standin_recover();
  (void)cudaGetLastError();
}

}  // namespace stm::standin
