// The stand-in for CUDA: captures, what ends them, and the replays of their graphs.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <functional>
#include <thread>
#include <vector>

#include "cuda-standin/launch.h"
#include "cuda_standin_arrays.h"

namespace {

using namespace stm::standin;

// A captured step, replayed; what it allocates and waits for is refused.
void check_capture() {
  cudaStream_t stream = make_stream();
  float* data = to_device(std::vector<float>{1}, stream);
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  OK(standin_launch("double", stream, [data] { *data *= 2; }));
  cudaStreamCaptureStatus status;
  OK(cudaStreamIsCapturing(stream, &status));
  CHECK(status == cudaStreamCaptureStatusActive);
  cudaGraph_t graph = nullptr;
  OK(cudaStreamEndCapture(stream, &graph));
  CHECK(to_host(data, 1, stream)[0] == 1);  // a capture runs nothing
  cudaGraphExec_t exec = nullptr;
  OK(cudaGraphInstantiate(&exec, graph, 0));
  OK(cudaGraphDestroy(graph));
  OK(cudaGraphUpload(exec, stream));
  for (int i = 0; i < 3; ++i) OK(cudaGraphLaunch(exec, stream));
  CHECK(to_host(data, 1, stream)[0] == 8);
  OK(cudaGraphExecDestroy(exec));
  CHECK_CODE(cudaGraphLaunch(exec, stream), cudaErrorInvalidValue);

  cudaEvent_t event;
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  void* memory = nullptr;
  const std::vector<std::function<cudaError_t()>> forbidden = {[&] { return cudaMallocAsync(&memory, 4, stream); },
                                                               [&] { return cudaFreeAsync(data, stream); },
                                                               [&] { return cudaMalloc(&memory, 4); },
                                                               [&] { return cudaFree(data); },
                                                               [&] { return cudaMallocHost(&memory, 4); },
                                                               [&] { return cudaStreamSynchronize(stream); },
                                                               [&] { return cudaDeviceSynchronize(); },
                                                               [&] { return cudaEventSynchronize(event); },
                                                               [&] { return cudaEventQuery(event); },
                                                               [&] { return cudaStreamQuery(stream); }};
  for (size_t i = 0; i < forbidden.size(); ++i) {
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    CHECK_CODE(forbidden[i](), cudaErrorStreamCaptureUnsupported);
    CHECK_CODE(standin_launch("late", stream, [] {}), cudaErrorStreamCaptureInvalidated);
    CHECK_CODE(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    CHECK(!graph);
  }
  // another thread may ask and wait for events, unless the capture is global
  for (const bool global : {false, true}) {
    OK(cudaStreamBeginCapture(stream, global ? cudaStreamCaptureModeGlobal : cudaStreamCaptureModeThreadLocal));
    cudaError_t elsewhere = cudaSuccess;
    std::thread([&] { elsewhere = cudaEventQuery(event); }).join();
    CHECK(elsewhere == (global ? cudaErrorStreamCaptureUnsupported : cudaSuccess));
    CHECK_CODE(cudaStreamEndCapture(stream, &graph), global ? cudaErrorStreamCaptureInvalidated : cudaSuccess);
    if (!global) OK(cudaGraphDestroy(graph));
  }
  OK(cudaEventDestroy(event));
  OK(cudaFreeAsync(data, stream));
  OK(cudaStreamDestroy(stream));
  (void)cudaGetLastError();
}

// What waits for the whole device, on whatever thread, ends each capture there.
void check_disturbed_capture() {
  cudaStream_t stream = make_stream();
  void *memory = nullptr, *pinned = nullptr;
  cublasHandle_t blas = nullptr;
  cudnnHandle_t dnn = nullptr;
  CHECK(cublasCreate_v2(&blas) == CUBLAS_STATUS_SUCCESS && cudnnCreate(&dnn) == CUDNN_STATUS_SUCCESS);
  const std::vector<std::function<bool()>> waiting = {
      [] { return cudaDeviceSynchronize() == cudaErrorStreamCaptureUnsupported; },
      [&] { return cudaMalloc(&memory, 4) == cudaSuccess; },
      [&] { return cudaFree(memory) == cudaSuccess; },
      [&] { return cudaMallocHost(&pinned, 4) == cudaSuccess; },
      [&] { return cudaFreeHost(pinned) == cudaSuccess; },
      [&] { return cublasDestroy_v2(blas) == CUBLAS_STATUS_SUCCESS; },
      [&] { return cudnnDestroy(dnn) == CUDNN_STATUS_SUCCESS; },
  };
  const cudaStreamCaptureMode modes[] = {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed};
  for (size_t i = 0; i < waiting.size(); ++i) {
    cudaGraph_t graph = nullptr;
    OK(cudaStreamBeginCapture(stream, modes[i % 2]));
    bool as_expected = false;
    std::thread([&] { as_expected = waiting[i](); }).join();
    CHECK(as_expected);
    CHECK_CODE(standin_launch("late", stream, [] {}), cudaErrorStreamCaptureInvalidated);
    CHECK_CODE(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  }
  OK(cudaStreamDestroy(stream));
  (void)cudaGetLastError();
}

void check_joined_capture() {
  cudaStream_t a = make_stream(), b = make_stream();
  cudaEvent_t fork, join;
  OK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
  OK(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
  int* data = to_device(std::vector<int>{0}, a);
  OK(cudaStreamSynchronize(a));
  cudaGraph_t graph = nullptr;
  for (const bool joined : {true, false}) {
    OK(cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal));
    OK(cudaEventRecord(fork, a));
    OK(cudaStreamWaitEvent(b, fork, 0));
    OK(standin_launch("aside", b, [data] { *data += 1; }));
    OK(cudaEventRecord(join, b));
    if (joined) OK(cudaStreamWaitEvent(a, join, 0));
    CHECK_CODE(cudaStreamEndCapture(a, &graph), joined ? cudaSuccess : cudaErrorStreamCaptureUnjoined);
    if (!joined) continue;
    cudaGraphExec_t exec = nullptr;
    OK(cudaGraphInstantiate(&exec, graph, 0));
    OK(cudaGraphLaunch(exec, a));
    CHECK(to_host(data, 1, a)[0] == 1);
    CHECK_CODE(cudaEventQuery(join), cudaErrorCapturedEvent);
    OK(cudaGraphExecDestroy(exec));
    OK(cudaGraphDestroy(graph));
  }
  OK(cudaEventRecord(fork, b));
  OK(cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal));
  CHECK_CODE(cudaStreamWaitEvent(a, fork, 0), cudaErrorStreamCaptureIsolation);
  CHECK_CODE(cudaStreamEndCapture(a, &graph), cudaErrorStreamCaptureInvalidated);
  OK(cudaFreeAsync(data, a));
  for (cudaEvent_t event : {fork, join}) OK(cudaEventDestroy(event));
  for (cudaStream_t stream : {a, b}) OK(cudaStreamDestroy(stream));
  (void)cudaGetLastError();
}

void check_replay_of_freed_memory() {
  cudaStream_t stream = make_stream();
  float* data = to_device(std::vector<float>{1}, stream);
  OK(cudaStreamSynchronize(stream));
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  OK(cudaMemsetAsync(data, 0, 4, stream));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  OK(cudaStreamEndCapture(stream, &graph));
  OK(cudaGraphInstantiate(&exec, graph, 0));
  OK(cudaFreeAsync(data, stream));
  bool ran = false;
  OK(cudaGraphLaunch(exec, stream));
  OK(standin_launch("after", stream, [&] { ran = true; }));
  CHECK_CODE(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  CHECK(!ran);  // a device that failed does nothing more
  recover();
  OK(cudaGraphExecDestroy(exec));
  OK(cudaGraphDestroy(graph));
  OK(cudaStreamDestroy(stream));
}

}  // namespace

int main() {
  check_capture();
  check_disturbed_capture();
  check_joined_capture();
  check_replay_of_freed_memory();
  check_leaks();
  return finish("cuda_standin_capture_test");
}
