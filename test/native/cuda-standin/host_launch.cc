// The launch seam of the plug-in's kernels (native/backend/cuda/kernel/launch.h), as its host half finds it.
#include "cuda-standin/launch.h"

#include <utility>

namespace stm::cuda {

cudaError_t host_launch(const char* kernel, cudaStream_t stream, std::function<void()> body);

cudaError_t host_launch(const char* kernel, cudaStream_t stream, std::function<void()> body) {
  return standin_launch(kernel, stream, std::move(body));
}

}  // namespace stm::cuda
