// Page-locked memory: how much there is at most, what makes room for what, and what comes back.
#include <chrono>
#include <future>
#include <thread>

#include "backend/cuda/device/locks.h"
#include "backend/cuda/device/staging.h"
#include "cuda-standin/control.h"
#include "cuda_kernels.h"

using namespace stm;
using namespace stm::cuda;
using namespace stm::cuda::test;

namespace {

constexpr size_t kKiB = 1024, kMiB = 1024 * kKiB, kMost = 256 * kMiB;

/// An item that holds the completion thread up until the gate is open.
Completion::Item held_by(std::promise<void>& gate) {
  Completion::Item item;
  item.failed = Status::fail(StatusKind::Internal, "nothing to wait for");
  item.context = &gate;
  item.done = [](void* context, const Status&, const char*) {
    static_cast<std::promise<void>*>(context)->get_future().wait();
  };
  return item;
}

/// Staging with its completion thread, which can be made to stop.
class Copies {
 public:
  explicit Copies(Device& device) : completion(device.context.device), staging(device.context, completion) {}
  ~Copies() {
    completion.stop();
    staging.release();
  }
  /// Downloads `count` times, each to a place of its own, while nothing is handed on; then lets go and waits.
  void together(int count, const Memory& from) {
    std::promise<void> gate;
    completion.submit(held_by(gate));
    std::vector<std::vector<char>> to(static_cast<size_t>(count), std::vector<char>(from.bytes()));
    for (std::vector<char>& host : to) read(host, from);
    gate.set_value();
    completion.drain();
    for (const std::vector<char>& host : to) require(host.front() == 7 && host.back() == 7, "another value arrived");
  }
  void read(std::vector<char>& to, const Memory& from) {
    require(staging.download(to.data(), from.data(), from.bytes()), "download");
    Completion::Item item;
    item.done = [](void*, const Status& status, const char*) { require(status, "read"); };
    require(staging.mark(item), "mark");
    completion.submit(std::move(item));
  }
  Completion completion;
  Staging staging;
};

uint64_t made() { return standin_call_count("cudaMallocHost"); }
uint64_t freed() { return standin_call_count("cudaFreeHost"); }

void check_sizes(Device& device) {
  const Memory small(256 * kKiB), large(4 * kMiB);
  must(cudaMemsetAsync(small.data(), 7, small.bytes(), device.context.stream), "cudaMemsetAsync");
  must(cudaMemsetAsync(large.data(), 7, large.bytes(), device.context.stream), "cudaMemsetAsync");
  Copies copies(device);
  copies.together(900, small);
  require(standin_pinned_bytes() > 225 * kMiB && standin_pinned_bytes() <= kMost, "900 small buffers are not kept");
  require(freed() == 0, "buffers are freed while there is room");
  copies.together(40, large);
  require(standin_pinned_bytes() <= kMost, "more is page-locked than may be");
  require(freed() > 0, "idle buffers of another size are kept");
  const uint64_t made_before = made(), freed_before = freed();
  for (int i = 0; i < 3; ++i) {
    copies.together(40, large);
    copies.together(40, small);
  }
  require(made() == made_before && freed() == freed_before, "buffers are freed and made again in a steady loop");
  copies.staging.trim();
  require(standin_pinned_bytes() == 0, "trim keeps some");
}

/// More than there may be is under way: the one who wants more waits.
void check_waiting(Device& device) {
  const Memory from(11 * kMiB);
  must(cudaMemsetAsync(from.data(), 7, from.bytes(), device.context.stream), "cudaMemsetAsync");
  Copies copies(device);
  std::vector<std::vector<char>> to(60, std::vector<char>(from.bytes()));
  for (std::vector<char>& host : to) {
    copies.read(host, from);
    require(standin_pinned_bytes() <= kMost, "more is page-locked than may be");
  }
  copies.completion.drain();
  for (const std::vector<char>& host : to) require(host.front() == 7 && host.back() == 7, "another value arrived");
}

/// A download that fails half-way: its first piece is still to be handed on, but not once the caller has heard of it.
void check_failure(Device& device) {
  const Memory from(11 * kMiB);
  must(cudaMemsetAsync(from.data(), 7, from.bytes(), device.context.stream), "cudaMemsetAsync");
  Copies copies(device);
  std::vector<char> host(from.bytes());
  std::promise<void> gate;
  copies.completion.submit(held_by(gate));
  standin_reset_counts();
  require(standin_set_faults("cudaMemcpyAsync:2=1"), "the fault makes no sense");
  std::thread opens([&] {  // once the failure is being dealt with
    while (standin_call_count("cudaStreamSynchronize") == 0) std::this_thread::yield();
    gate.set_value();
  });
  require(!copies.staging.download(host.data(), from.data(), from.bytes()).is_ok(), "a copy that fails is no failure");
  std::fill(host.begin(), host.end(), 1);  // as whoever gets this memory next
  opens.join();
  require(standin_set_faults(""), "no faults");
  copies.completion.drain();
  require(std::count(host.begin(), host.end(), 1) == static_cast<int64_t>(host.size()),
          "what has failed writes to its destination later");
  copies.read(host, from);
  copies.completion.drain();
  require(std::count(host.begin(), host.end(), 7) == static_cast<int64_t>(host.size()), "another value arrived");
}

/// Uploads and downloads share what there is.
void check_uploads(Device& device) {
  const Memory memory(200 * kMiB);
  const std::vector<char> host(memory.bytes(), 7);
  Copies copies(device);
  for (int i = 0; i < 2; ++i) require(copies.staging.upload(memory.data(), host.data(), host.size()), "upload");
  std::vector<std::vector<char>> to(2, std::vector<char>(memory.bytes()));
  for (std::vector<char>& there : to) copies.read(there, memory);
  require(copies.staging.upload(memory.data(), host.data(), host.size()), "upload");
  copies.completion.drain();
  require(to[0] == host && to[1] == host, "other values arrived");
  require(standin_pinned_bytes() <= kMost, "more is page-locked than may be");
  copies.staging.trim();
  require(standin_pinned_bytes() == 0, "trim keeps some");
}

/// To free idle buffers waits for the device, which no capture on it survives: it must wait for its end.
void check_capture(Device& device) {
  const Memory small(256 * kKiB), large(4 * kMiB);
  must(cudaMemsetAsync(small.data(), 7, small.bytes(), device.context.stream), "cudaMemsetAsync");
  must(cudaMemsetAsync(large.data(), 7, large.bytes(), device.context.stream), "cudaMemsetAsync");
  Copies copies(device);
  copies.together(1000, small);  // so many that there is no room for a large one
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  std::future<void> other;
  {
    const CaptureLock lock(device.context.device);
    must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    other = std::async(std::launch::async, [&] { copies.together(40, large); });
    require(other.wait_for(std::chrono::milliseconds(300)) == std::future_status::timeout,
            "nobody waits for the end of a capture");
    must(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  }
  other.get();
  must(cudaGraphDestroy(graph), "cudaGraphDestroy");
  must(cudaStreamDestroy(stream), "cudaStreamDestroy");
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  {
    Device device;
    check_sizes(device);
    check_waiting(device);
    check_failure(device);
    check_uploads(device);
    check_capture(device);
  }
  char text[256];
  require(standin_leaks(text, sizeof text) == 0, std::string("left: ") + text);
  return finish("cuda_staging_test");
}
