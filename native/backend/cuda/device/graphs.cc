#include "backend/cuda/device/graphs.h"

#include <new>
#include <utility>

#include "backend/cuda/device/switches.h"
#include "backend/cuda/recurrent.h"

namespace stm::cuda {
namespace {

struct Graph {
  cudaGraphExec_t executable = nullptr;
  CudaRecurrent::Held plans;  ///< whose descriptors it may read
};

}  // namespace

Graphs::Graphs(Context& context, CudaRecurrent& recurrent)
    : context_(context), recurrent_(recurrent), wanted_(is(Switch::Graphs, "1")) {}

Status Graphs::begin() {
  lock_.emplace(context_.device);
  const Status begun = context_.check(cudaStreamBeginCapture(context_.stream, cudaStreamCaptureModeThreadLocal),
                                      "cudaStreamBeginCapture");
  if (!begun.is_ok()) lock_.reset();
  return begun;
}

Status Graphs::end(void** graph) {
  *graph = nullptr;
  cudaGraph_t captured = nullptr;
  Status status = context_.check(cudaStreamEndCapture(context_.stream, &captured), "cudaStreamEndCapture");
  if (!status.is_ok()) leave_capture();
  CudaRecurrent::Held plans = recurrent_.take_captured();
  cudaGraphExec_t executable = nullptr;
  if (status.is_ok()) status = instantiate(captured, &executable);
  lock_.reset();  // not before: who waits may keep the device for seconds, to find out what is the fastest
  if (captured) ignore(cudaGraphDestroy(captured));
  if (status.is_ok()) *graph = new (std::nothrow) Graph{executable, std::move(plans)};
  if (*graph) return status;
  recurrent_.rest(std::move(plans));
  if (!status.is_ok()) return status;
  ignore(cudaGraphExecDestroy(executable));
  return Status::without_memory();
}

/// The graph, on the device already, so that its first launch need not wait for that.
Status Graphs::instantiate(cudaGraph_t captured, cudaGraphExec_t* out) {
  STM_CUDA(context_, cudaGraphInstantiate(out, captured, 0));
  const Status uploaded = context_.check(cudaGraphUpload(*out, context_.stream), "cudaGraphUpload");
  // Whatever else was wrong the launch will tell, if it is. Memory that is short is better met here, where nothing has
  // run.
  if (uploaded.kind != StatusKind::OutOfMemory && uploaded.kind != StatusKind::DeviceLost) return Status::ok();
  ignore(cudaGraphExecDestroy(*out));
  return uploaded;
}

/// After an end that failed: nothing could run on a stream that still captured.
void Graphs::leave_capture() {
  cudaStreamCaptureStatus state = cudaStreamCaptureStatusNone;
  cudaGraph_t captured = nullptr;
  if (cudaStreamIsCapturing(context_.stream, &state) == cudaSuccess && state != cudaStreamCaptureStatusNone) {
    (void)cudaStreamEndCapture(context_.stream, &captured);
    if (captured) (void)cudaGraphDestroy(captured);
  }
  (void)cudaGetLastError();
}

Status Graphs::launch(void* graph) {
  return context_.check(cudaGraphLaunch(static_cast<Graph*>(graph)->executable, context_.stream), "cudaGraphLaunch");
}

void Graphs::release(void* graph) noexcept {
  const auto released = static_cast<Graph*>(graph);
  if (!released) return;
  ignore(cudaGraphExecDestroy(released->executable));
  recurrent_.rest(std::move(released->plans));
  delete released;
}

}  // namespace stm::cuda
