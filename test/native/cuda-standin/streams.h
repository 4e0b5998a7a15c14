#pragma once
#include <cuda_runtime_api.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace stm::standin {

/// What a stream holds back: nothing runs before somebody waits for it.
using Work = std::function<void()>;

struct Capture;

struct Stream {
  static constexpr const char* kWhat = "streams";
  int device = 0;
  std::deque<Work> queue;
  uint64_t submitted = 0, completed = 0;
  std::shared_ptr<Capture> capture;  ///< null: it runs what it is given
};

/// One cudaEventRecord.
struct Mark {
  std::shared_ptr<Stream> stream;
  uint64_t ticket = 0;               ///< complete when as much of the stream is
  std::shared_ptr<Capture> capture;  ///< of the stream when it was recorded, and how far that was
  uint64_t captured = 0;
  std::chrono::steady_clock::time_point time;
};

struct Event {
  static constexpr const char* kWhat = "events";
  int device = 0;
  bool timing = false;
  std::shared_ptr<Mark> mark;  ///< null: never recorded
};

/// Work between cudaStreamBeginCapture and EndCapture, of one stream and of those that joined it through events.
struct Capture {
  Stream* origin = nullptr;
  int device = 0;
  std::thread::id thread;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  bool invalid = false;
  std::vector<Work> nodes;
  std::map<Stream*, uint64_t> newest;  ///< the last node of each stream
  std::map<Stream*, uint64_t> joined;  ///< how far the origin has waited for the other streams
  std::vector<std::shared_ptr<Stream>> others;
};

struct Graph {
  static constexpr const char* kWhat = "graphs";
  int device = 0;
  std::shared_ptr<const std::vector<Work>> nodes;
};
struct GraphExec {
  static constexpr const char* kWhat = "executable graphs";
  int device = 0;
  std::shared_ptr<const std::vector<Work>> nodes;
};

/// Guards the queues, events and captures. Taken after execution().
std::mutex& state_mutex();
/// Held while work runs: one piece at a time, whatever the threads that wait.
std::mutex& execution();

/// Appends to a stream, or to the graph that it captures. `stream` must be of the current device.
cudaError_t submit(cudaStream_t stream, Work work);
/// The stream, if it is one of the current device; else null.
std::shared_ptr<Stream> usable_stream(cudaStream_t stream);
bool capturing(cudaStream_t stream);
/// Ends what the stream captures in failure.
void invalidate_capture(cudaStream_t stream);

/// Runs everything that a stream, or a device, was given so far; execution() is taken.
void finish_stream(Stream& stream);
void finish_device(int device);

/// cudaErrorStreamCaptureUnsupported, and the end of the captures concerned, if this thread must not wait or allocate
/// because somebody captures.
cudaError_t refuse_while_capturing();
/// Ends every capture on the device in failure, whatever its thread and mode: for calls that wait for the whole device.
/// Whether there was one.
bool spoil_captures(int device);

}  // namespace stm::standin
