#include "cuda-standin/streams.h"

#include "cuda-standin/algorithms.h"
#include "cuda-standin/calls.h"
#include "cuda-standin/capture.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/launch.h"
#include "cuda-standin/memory.h"

namespace stm::standin {
namespace {

constexpr size_t kLongestQueue = 256;
constexpr int kPatience = 4;  // pieces of work that a query runs, so that asking again and again comes to an end

using Lock = std::lock_guard<std::mutex>;

// Runs at most `most` pieces, none past `ticket`. execution() is held.
void run(Stream& stream, uint64_t ticket, uint64_t most = ~uint64_t{0}) {
  for (; most > 0; --most) {
    Work work;
    {
      const Lock lock(state_mutex());
      if (stream.completed >= ticket || stream.queue.empty()) return;
      work = std::move(stream.queue.front());
      stream.queue.pop_front();
    }
    if (fatal_error(stream.device) == cudaSuccess)
      [&]() noexcept { work(); }();  // a device that failed does nothing more
    const Lock lock(state_mutex());
    ++stream.completed;
  }
}

uint64_t submitted(const Stream& stream) {
  const Lock lock(state_mutex());
  return stream.submitted;
}

bool complete(const Mark& mark) {
  const Lock lock(state_mutex());
  return mark.stream->completed >= mark.ticket;
}

// Appends; true if the queue is now too long. state_mutex() is held.
bool append(Stream& stream, Work work) {
  if (stream.capture) {
    stream.capture->newest[&stream] = stream.capture->nodes.size();
    stream.capture->nodes.push_back(std::move(work));
    return false;
  }
  stream.queue.push_back(std::move(work));
  ++stream.submitted;
  return stream.queue.size() > kLongestQueue;
}

cudaError_t submit_to(Stream& stream, Work work) {
  bool too_long = false;
  {
    const Lock lock(state_mutex());
    if (stream.capture && stream.capture->invalid) return cudaErrorStreamCaptureInvalidated;
    too_long = append(stream, std::move(work));
  }
  if (too_long) {
    const Lock lock(execution());
    run(stream, ~uint64_t{0}, kLongestQueue / 2);
  }
  return cudaSuccess;
}

cudaError_t record(Event& event, const std::shared_ptr<Stream>& stream) {
  auto mark = std::make_shared<Mark>();
  mark->stream = stream;
  const auto note_time = [mark = mark.get(), kept = std::weak_ptr<Mark>(mark)] {
    if (const auto alive = kept.lock()) mark->time = device_time();
  };
  const Lock lock(state_mutex());
  if (stream->capture && stream->capture->invalid) return cudaErrorStreamCaptureInvalidated;
  mark->capture = stream->capture;
  append(*stream, note_time);
  mark->ticket = stream->submitted;
  if (mark->capture) mark->captured = mark->capture->nodes.size();
  event.mark = std::move(mark);
  return cudaSuccess;
}

cudaError_t wait(const std::shared_ptr<Stream>& stream, const std::shared_ptr<Mark>& mark) {
  if (!mark) return cudaSuccess;
  const Lock lock(state_mutex());
  if (stream->capture || mark->capture) return join_capture(stream, *mark);
  append(*stream, [mark] { run(*mark->stream, mark->ticket); });
  return cudaSuccess;
}

// Of an event that a test or a wait asks about.
cudaError_t find_mark(cudaEvent_t event, std::shared_ptr<Mark>* mark) {
  const auto found = handles<Event>().find(event);
  if (!found) return cudaErrorInvalidResourceHandle;
  std::shared_ptr<Capture> recorded_in;
  {
    const Lock lock(state_mutex());
    *mark = found->mark;
    if (*mark) recorded_in = (*mark)->capture;
  }
  if (!recorded_in) return refuse_while_capturing();
  const Lock lock(state_mutex());
  recorded_in->invalid = true;
  return cudaErrorCapturedEvent;
}

cudaError_t synchronized(int device) {
  memory_synchronized(device);
  return fatal_error(device);
}

}  // namespace

std::mutex& state_mutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

std::mutex& execution() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

std::shared_ptr<Stream> usable_stream(cudaStream_t stream) {
  auto found = handles<Stream>().find(stream);
  return found && found->device == current_device() ? found : nullptr;
}

cudaError_t submit(cudaStream_t stream, Work work) {
  const auto found = usable_stream(stream);
  return found ? submit_to(*found, std::move(work)) : cudaErrorInvalidResourceHandle;
}

void finish_stream(Stream& stream) {
  const Lock lock(execution());
  run(stream, submitted(stream));
}

void finish_device(int device) {
  const Lock lock(execution());
  for (const auto& stream : handles<Stream>().list()) {
    if (stream->device == device) run(*stream, submitted(*stream));
  }
}

}  // namespace stm::standin

using namespace stm::standin;

cudaError_t standin_launch(const char* kernel, cudaStream_t stream, std::function<void()> body) {
  Call call("cudaLaunchKernel", "kernel=%s stream=%p", kernel, static_cast<void*>(stream));
  return call.cuda([&] { return body ? submit(stream, std::move(body)) : cudaErrorInvalidDeviceFunction; });
}

cudaError_t cudaDeviceSynchronize() {
  Call call("cudaDeviceSynchronize", "%s", "");
  return call.cuda([] {
    if (const cudaError_t refused = refuse_while_capturing()) return refused;
    if (spoil_captures(current_device())) return cudaErrorStreamCaptureUnsupported;
    finish_device(current_device());
    return synchronized(current_device());
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned flags) {
  Call call("cudaStreamCreateWithFlags", "flags=%u", flags);
  return call.cuda([&] {
    if (!out || flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
    auto stream = std::make_shared<Stream>();
    stream->device = current_device();
    *out = static_cast<cudaStream_t>(handles<Stream>().add(std::move(stream)));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  Call call("cudaStreamDestroy", "stream=%p", static_cast<void*>(stream));
  return call.cuda([&] {
    invalidate_capture(stream);
    const auto found = handles<Stream>().remove(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    finish_stream(*found);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Call call("cudaStreamSynchronize", "stream=%p", static_cast<void*>(stream));
  return call.cuda([&] {
    const auto found = handles<Stream>().find(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = refuse_while_capturing()) return refused;
    if (capturing(stream)) {
      invalidate_capture(stream);
      return cudaErrorStreamCaptureUnsupported;
    }
    finish_stream(*found);
    return synchronized(found->device);
  });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  Call call("cudaStreamQuery", "stream=%p", static_cast<void*>(stream));
  return call.cuda([&] {
    const auto found = handles<Stream>().find(stream);
    if (!found) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t refused = refuse_while_capturing()) return refused;
    if (capturing(stream)) {
      invalidate_capture(stream);
      return cudaErrorStreamCaptureUnsupported;
    }
    {
      const Lock lock(execution());
      run(*found, ~uint64_t{0}, kPatience);
    }
    const Lock lock(state_mutex());
    return !found->queue.empty() ? cudaErrorNotReady : fatal_error(found->device);
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  Call call("cudaStreamWaitEvent", "stream=%p event=%p flags=%u", static_cast<void*>(stream), static_cast<void*>(event),
            flags);
  return call.cuda([&] {
    const auto waiting = handles<Stream>().find(stream);
    const auto found = handles<Event>().find(event);
    if (!waiting || !found) return cudaErrorInvalidResourceHandle;
    std::shared_ptr<Mark> mark;
    {
      const Lock lock(state_mutex());
      mark = found->mark;
    }
    return flags ? cudaErrorInvalidValue : wait(waiting, mark);
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned flags) {
  Call call("cudaEventCreateWithFlags", "flags=%u", flags);
  return call.cuda([&] {
    if (!out || flags > (cudaEventBlockingSync | cudaEventDisableTiming)) return cudaErrorInvalidValue;
    auto event = std::make_shared<Event>();
    event->device = current_device();
    event->timing = !(flags & cudaEventDisableTiming);
    *out = static_cast<cudaEvent_t>(handles<Event>().add(std::move(event)));
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Call call("cudaEventRecord", "event=%p stream=%p", static_cast<void*>(event), static_cast<void*>(stream));
  return call.cuda([&] {
    const auto found = handles<Event>().find(event);
    const auto on = handles<Stream>().find(stream);
    return found && on && found->device == on->device ? record(*found, on) : cudaErrorInvalidResourceHandle;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Call call("cudaEventSynchronize", "event=%p", static_cast<void*>(event));
  return call.cuda([&] {
    std::shared_ptr<Mark> mark;
    if (const cudaError_t refused = find_mark(event, &mark)) return refused;
    if (!mark) return cudaSuccess;
    {
      const Lock lock(execution());
      run(*mark->stream, mark->ticket);
    }
    return synchronized(mark->stream->device);
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  Call call("cudaEventQuery", "event=%p", static_cast<void*>(event));
  return call.cuda([&] {
    std::shared_ptr<Mark> mark;
    if (const cudaError_t refused = find_mark(event, &mark)) return refused;
    if (!mark) return cudaSuccess;
    {
      const Lock lock(execution());
      run(*mark->stream, mark->ticket, kPatience);
    }
    return complete(*mark) ? fatal_error(mark->stream->device) : cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  Call call("cudaEventElapsedTime", "start=%p end=%p", static_cast<void*>(start), static_cast<void*>(end));
  return call.cuda([&] {
    const auto first = handles<Event>().find(start), last = handles<Event>().find(end);
    if (!first || !last || !first->timing || !last->timing) return cudaErrorInvalidResourceHandle;
    std::shared_ptr<Mark> from, to;
    if (const cudaError_t refused = find_mark(start, &from)) return refused;
    if (const cudaError_t refused = find_mark(end, &to)) return refused;
    if (!milliseconds) return cudaErrorInvalidValue;
    if (!from || !to) return cudaErrorInvalidResourceHandle;
    if (!complete(*from) || !complete(*to)) return cudaErrorNotReady;
    const Lock lock(execution());
    *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  Call call("cudaEventDestroy", "event=%p", static_cast<void*>(event));
  return call.cuda([&] { return handles<Event>().remove(event) ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}
