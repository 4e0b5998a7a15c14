// The thread that waits for the device: when it asks, when it sleeps, and what it hears of failures.
#include <chrono>
#include <thread>

#include "backend/cuda/device/completion.h"
#include "cuda-standin/control.h"
#include "cuda-standin/launch.h"
#include "cuda_kernels.h"

using namespace stm;
using namespace stm::cuda;
using namespace stm::cuda::test;

namespace {

/// A kernel that takes 200 µs, longer than the thread asks.
void long_kernel() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
  while (std::chrono::steady_clock::now() < end) continue;
}

/// What one item heard of: its own status, and the error that CUDA remembered for the thread.
struct Heard {
  Status status = Status::ok();
  cudaError_t remembered = cudaSuccess;
};

/// An item behind so many kernels.
Heard wait_behind(Device& device, Completion& completion, int kernels, void (*kernel)()) {
  Heard heard;
  Completion::Item item;
  for (int i = 0; i < kernels; ++i) must(standin_launch("work", device.context.stream, kernel), "launch");
  must(cudaEventCreateWithFlags(&item.event, cudaEventDisableTiming | cudaEventBlockingSync),
       "cudaEventCreateWithFlags");
  must(cudaEventRecord(item.event, device.context.stream), "cudaEventRecord");
  const cudaEvent_t event = item.event;
  item.context = &heard;
  item.done = [](void* context, const Status& status, const char*) {
    *static_cast<Heard*>(context) = {status, cudaPeekAtLastError()};
  };
  standin_reset_counts();
  completion.submit(std::move(item));
  completion.drain();
  must(cudaEventDestroy(event), "cudaEventDestroy");
  return heard;
}

uint64_t sleeps() { return standin_call_count("cudaEventSynchronize"); }
uint64_t questions() { return standin_call_count("cudaEventQuery"); }

void check_patience(Device& device, Completion& completion) {
  Heard heard = wait_behind(device, completion, 2, [] {});
  require(heard.status, "an event that passes soon");
  require(sleeps() == 0 && questions() == 1, "the thread sleeps although the event has passed");
  heard = wait_behind(device, completion, 20, long_kernel);
  require(heard.status, "an event that takes long");
  require(sleeps() == 1 && questions() >= 1, "the thread asks for ever");
  require(heard.remembered == cudaSuccess, "that it is not ready is remembered as an error");
}

void check_failures(Device& device, Completion& completion) {
  const auto heard_of = [&](const char* fault, int kernels) {
    require(standin_set_faults(fault), "the fault makes no sense");
    const Heard heard = wait_behind(device, completion, kernels, long_kernel);
    require(standin_set_faults(""), "no faults");
    return text_of(heard.status);
  };
  require(heard_of("cudaEventQuery:1=1", 1).find("cudaEventQuery failed") == 0,
          "a question that fails is an event that has passed");
  require(heard_of("cudaEventSynchronize:1=1", 20).find("cudaEventSynchronize failed") == 0,
          "a wait that fails is an event that has passed");
  require(wait_behind(device, completion, 1, [] {}).status, "a failure is told again");
}

/// What went wrong with a piece is told once, with the item that it belongs to.
void check_pieces(Device& device, Completion& completion) {
  Completion::Item piece;
  piece.failed = Status::fail(StatusKind::Internal, "the first piece");
  completion.submit(piece);
  piece.failed = Status::fail(StatusKind::Internal, "the second piece");
  completion.submit(piece);
  require(text_of(wait_behind(device, completion, 1, [] {}).status) == "the first piece",
          "a piece that failed is not told of");
  require(wait_behind(device, completion, 1, [] {}).status, "a piece is told of twice");
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  if (std::thread::hardware_concurrency() < 2) {
    std::printf("cuda_completion_test: one processor, where the thread does not ask\n");
    return 0;
  }
  Device device;
  {
    Completion completion(0);
    check_patience(device, completion);
    check_failures(device, completion);
    check_pieces(device, completion);
  }
  return finish("cuda_completion_test");
}
