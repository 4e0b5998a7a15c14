// What the kernel families of a device share, where a capture meets it.
#include "cuda_kernels.h"

using namespace stm;
using namespace stm::cuda;
using namespace stm::cuda::test;

namespace {

/// Memory that is allocated while a stream captures belongs to the graph: scratch must not grow then, and the capture
/// goes on without it.
void check_scratch_in_captures(Device& device) {
  Context& context = device.context;
  void *before = nullptr, *within = nullptr, *after = nullptr;
  require(context.scratch(Context::kPartials, 1000, &before), "scratch");
  cudaGraph_t graph = nullptr;
  must(cudaStreamBeginCapture(context.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  require(context.scratch(Context::kPartials, 1000, &within), "scratch that is there");
  require(within == before, "scratch has moved");
  const Status larger = context.scratch(Context::kPartials, size_t{1} << 20, &within),
               other = context.scratch(Context::kOther, 1, &within);
  require(!larger.is_ok() && says(larger, "1048576 bytes"), "scratch grows in a graph");
  require(!other.is_ok(), "scratch is made in a graph");
  const int32_t number = 7;
  const int32_t* sent = nullptr;
  require(!context.constants(Context::kTable, &number, 1, &sent).is_ok(), "constants are given memory in a graph");
  must(cudaMemsetAsync(before, 0, 1000, context.stream), "cudaMemsetAsync");
  must(cudaStreamEndCapture(context.stream, &graph), "cudaStreamEndCapture");
  must(cudaGraphDestroy(graph), "cudaGraphDestroy");
  require(context.scratch(Context::kPartials, size_t{1} << 20, &after), "scratch grows afterwards");
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  Device device;
  check_scratch_in_captures(device);
  return finish("cuda_context_test");
}
