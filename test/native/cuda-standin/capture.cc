#include "cuda-standin/capture.h"

#include <algorithm>

#include "cuda-standin/calls.h"
#include "cuda-standin/handles.h"

namespace stm::standin {
namespace {

using Lock = std::lock_guard<std::mutex>;

// Those that go on. state_mutex() guards it.
std::vector<std::shared_ptr<Capture>>& captures() {
  static auto& all = *new std::vector<std::shared_ptr<Capture>>;
  return all;
}

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

// Whether `capture` keeps this thread from calls that could disturb it.
bool forbids(const Capture& capture) {
  if (thread_mode == cudaStreamCaptureModeRelaxed || capture.mode == cudaStreamCaptureModeRelaxed) return false;
  if (capture.thread == std::this_thread::get_id()) return true;
  return thread_mode == cudaStreamCaptureModeGlobal && capture.mode == cudaStreamCaptureModeGlobal;
}

// Every stream but the origin must have been waited for. state_mutex() is held.
bool all_joined(const Capture& capture) {
  return std::all_of(capture.others.begin(), capture.others.end(), [&](const std::shared_ptr<Stream>& other) {
    const auto newest = capture.newest.find(other.get()), joined = capture.joined.find(other.get());
    return newest == capture.newest.end() || (joined != capture.joined.end() && joined->second > newest->second);
  });
}

cudaError_t end_capture(const std::shared_ptr<Stream>& stream, cudaGraph_t* graph) {
  const Lock lock(state_mutex());
  const std::shared_ptr<Capture> capture = stream->capture;
  if (!capture) return cudaErrorIllegalState;
  if (capture->origin != stream.get()) return cudaErrorStreamCaptureUnmatched;
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id())
    return cudaErrorStreamCaptureWrongThread;
  const bool joined = all_joined(*capture);
  stream->capture = nullptr;
  for (const auto& other : capture->others) other->capture = nullptr;
  captures().erase(std::find(captures().begin(), captures().end(), capture));
  *graph = nullptr;
  if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (!joined) return cudaErrorStreamCaptureUnjoined;
  auto made = std::make_shared<Graph>();
  made->device = stream->device;
  made->nodes = std::make_shared<const std::vector<Work>>(std::move(capture->nodes));
  *graph = static_cast<cudaGraph_t>(handles<Graph>().add(std::move(made)));
  return cudaSuccess;
}

}  // namespace

cudaError_t join_capture(const std::shared_ptr<Stream>& stream, const Mark& mark) {
  const auto fail = [&](cudaError_t error) {
    if (stream->capture) stream->capture->invalid = true;
    return error;
  };
  if (stream->capture && stream->capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (!mark.capture || (stream->capture && stream->capture != mark.capture))
    return fail(cudaErrorStreamCaptureIsolation);
  const std::shared_ptr<Capture>& capture = mark.capture;
  if (std::find(captures().begin(), captures().end(), capture) == captures().end())
    return fail(cudaErrorStreamCaptureIsolation);
  if (!stream->capture) {
    stream->capture = capture;
    capture->others.push_back(stream);
  } else if (stream.get() == capture->origin) {
    capture->joined[mark.stream.get()] = mark.captured;
  }
  return cudaSuccess;
}

void forget_captures() {
  const Lock lock(state_mutex());
  captures().clear();
}

bool capturing(cudaStream_t stream) {
  const auto found = handles<Stream>().find(stream);
  const Lock lock(state_mutex());
  return found && found->capture;
}

void invalidate_capture(cudaStream_t stream) {
  const auto found = handles<Stream>().find(stream);
  const Lock lock(state_mutex());
  if (found && found->capture) found->capture->invalid = true;
}

cudaError_t refuse_while_capturing() {
  const Lock lock(state_mutex());
  cudaError_t error = cudaSuccess;
  for (const auto& capture : captures()) {
    if (!forbids(*capture)) continue;
    capture->invalid = true;
    error = cudaErrorStreamCaptureUnsupported;
  }
  return error;
}

bool spoil_captures(int device) {
  const Lock lock(state_mutex());
  bool any = false;
  for (const auto& capture : captures()) {
    if (capture->device != device) continue;
    capture->invalid = true;
    any = true;
  }
  return any;
}

}  // namespace stm::standin

using namespace stm::standin;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  Call call("cudaStreamBeginCapture", "stream=%p mode=%d", static_cast<void*>(stream), static_cast<int>(mode));
  return call.cuda([&] {
    const auto found = handles<Stream>().find(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    const Lock lock(state_mutex());
    if (found->capture) return cudaErrorIllegalState;
    auto capture = std::make_shared<Capture>();
    capture->origin = found.get();
    capture->device = found->device;
    capture->thread = std::this_thread::get_id();
    capture->mode = mode;
    captures().push_back(capture);
    found->capture = std::move(capture);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Call call("cudaStreamEndCapture", "stream=%p", static_cast<void*>(stream));
  return call.cuda([&] {
    const auto found = handles<Stream>().find(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    return graph ? end_capture(found, graph) : cudaErrorInvalidValue;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  Call call("cudaStreamIsCapturing", "stream=%p", static_cast<void*>(stream));
  return call.cuda([&] {
    const auto found = handles<Stream>().find(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (!status) return cudaErrorInvalidValue;
    const Lock lock(state_mutex());
    *status = !found->capture           ? cudaStreamCaptureStatusNone
              : found->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                        : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  Call call("cudaThreadExchangeStreamCaptureMode", "mode=%d", mode ? static_cast<int>(*mode) : -1);
  return call.cuda([&] {
    if (!mode) return cudaErrorInvalidValue;
    std::swap(*mode, thread_mode);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long flags) {
  Call call("cudaGraphInstantiate", "graph=%p flags=%llu", static_cast<void*>(graph), flags);
  return call.cuda([&] {
    const auto found = handles<Graph>().find(graph);
    if (!out || !found) return cudaErrorInvalidValue;
    auto exec = std::make_shared<GraphExec>();
    exec->device = found->device;
    exec->nodes = found->nodes;
    *out = static_cast<cudaGraphExec_t>(handles<GraphExec>().add(std::move(exec)));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  Call call("cudaGraphUpload", "graph=%p stream=%p", static_cast<void*>(exec), static_cast<void*>(stream));
  return call.cuda([&] {
    if (!handles<GraphExec>().find(exec)) return cudaErrorInvalidValue;
    return submit(stream, [] {});
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  Call call("cudaGraphLaunch", "graph=%p stream=%p", static_cast<void*>(exec), static_cast<void*>(stream));
  return call.cuda([&] {
    const auto found = handles<GraphExec>().find(exec);
    if (!found) return cudaErrorInvalidValue;
    if (capturing(stream)) {
      invalidate_capture(stream);
      return cudaErrorStreamCaptureUnsupported;
    }
    return submit(stream, [nodes = found->nodes, device = found->device] {
      for (const Work& work : *nodes) {
        if (fatal_error(device) == cudaSuccess) work();
      }
    });
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  Call call("cudaGraphExecDestroy", "graph=%p", static_cast<void*>(exec));
  return call.cuda([&] { return handles<GraphExec>().remove(exec) ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  Call call("cudaGraphDestroy", "graph=%p", static_cast<void*>(graph));
  return call.cuda([&] { return handles<Graph>().remove(graph) ? cudaSuccess : cudaErrorInvalidValue; });
}
