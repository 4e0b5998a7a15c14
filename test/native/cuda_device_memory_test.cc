// Memory on a device that has no memory pools: the same calls serve, and nothing is freed that the device still uses.
#include "cuda-standin/control.h"
#include "cuda-standin/launch.h"
#include "cuda_kernels.h"

using namespace stm;
using namespace stm::cuda;
using namespace stm::cuda::test;

namespace {

size_t free_bytes() {
  size_t free = 0, total = 0;
  must(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

/// The stand-in is such a device: what needs a pool is refused.
void check_device(cudaStream_t stream) {
  int supported = 1;
  must(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0), "cudaDeviceGetAttribute");
  cudaDeviceProp properties{};
  must(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  require(supported == 0 && properties.memoryPoolsSupported == 0, "the device says that it has pools");
  cudaMemPool_t pool = nullptr;
  void* data = nullptr;
  require(cudaDeviceGetDefaultMemPool(&pool, 0) == cudaErrorNotSupported, "there is a pool");
  require(cudaMallocAsync(&data, 100, stream) == cudaErrorNotSupported, "memory comes in the order of a stream");
  require(cudaFreeAsync(data, stream) == cudaErrorNotSupported, "memory goes in the order of a stream");
  (void)cudaGetLastError();
}

void check_memory(Context& context) {
  const size_t before = free_bytes();
  require(context.set_up_pool(), "set_up_pool");
  void *data = nullptr, *small = nullptr, *large = nullptr;
  require(context.allocate(size_t{1} << 20, &data), "allocate");
  require(free_bytes() == before - (size_t{1} << 20), "another size was taken");
  bool ran = false;
  must(cudaMemsetAsync(data, 0, size_t{1} << 20, context.stream), "cudaMemsetAsync");
  must(standin_launch("late", context.stream, [&] { ran = true; }), "launch");
  require(!ran, "the stream did not wait to be waited for");
  context.release(data);
  require(ran, "memory was freed before the stream had done what it was given");
  context.trim_pool();
  require(free_bytes() == before, "memory was not given back");
  require(cudaPeekAtLastError() == cudaSuccess, "an error was left behind");
  require(context.scratch(Context::kPartials, 1000, &small), "scratch");
  require(context.scratch(Context::kPartials, size_t{1} << 20, &large), "scratch that grows");
  must(cudaMemsetAsync(large, 0, size_t{1} << 20, context.stream), "cudaMemsetAsync");
  context.release_buffers();
  require(free_bytes() == before, "scratch was not given back");
  require(context.allocate(size_t{1} << 50, &data).kind == StatusKind::OutOfMemory, "there is memory without end");
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  setenv("STMNET_STANDIN_POOLS", "0", 1);
  {
    Device device;
    device.context.has_pool = false;
    check_device(device.context.stream);
    check_memory(device.context);
  }
  char text[256];
  require(standin_leaks(text, sizeof text) == 0, std::string("left: ") + text);
  return finish("cuda_device_memory_test");
}
