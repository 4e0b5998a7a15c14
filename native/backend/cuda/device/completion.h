#pragma once
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/device/context.h"

namespace stm::cuda {

/// cudaSuccess once the event has passed, cudaErrorNotReady before. CUDA remembers that as an error, which it is not.
cudaError_t query(cudaEvent_t event);

/// Waits for the device, so that the executor need not: calls back in the order of `submit`, from a thread of its own.
class Completion {
 public:
  /// Page-locked memory and where on the host its bytes are to go.
  struct Arrival {
    void* staged;
    void* host;
    size_t bytes;
  };
  struct Item {
    cudaEvent_t event = nullptr;
    Status failed = Status::ok();  ///< if not Ok there is no event to wait for
    std::vector<Arrival> arrivals;
    DeviceFault* fault = nullptr;  ///< page-locked copy, read once the event has passed
    Done done = nullptr;           ///< null: a piece of what the next item with one reports on
    void* context = nullptr;
  };
  /// One that is to be submitted, or those that are done with and whose events and memory the executor may use again.
  /// They go from list to list, so that the thread needs no memory, which could be short.
  using Items = std::list<Item>;

  explicit Completion(int device) : device_(device), thread_([this] { work(); }) {}
  ~Completion() { stop(); }

  void submit(Items item) noexcept;
  void submit(Item item) { submit(Items{std::move(item)}); }
  Items take_returned() noexcept;
  /// Waits until there is something for take_returned(). False if nothing is left that could return anything.
  bool wait_returned();
  /// Waits until nothing that was submitted is left to do.
  void drain();
  /// Names for DeviceFault::op. Executor thread.
  int32_t number_of(const char* op);
  /// Calls back for everything submitted, then ends. Idempotent.
  void stop();

 private:
  void work();
  void settle(Items item);
  Status outcome(const Item& item);

  const int device_;
  std::mutex mutex_;
  std::condition_variable filled_, settled_;
  Items queue_;
  size_t unsettled_ = 0;  ///< of the queue, and the one that is being settled
  Items returned_;
  Status of_pieces_ = Status::ok();  ///< the first failure among the pieces before the next item; the thread's own
  std::vector<const char*> names_{""};
  bool stopping_ = false;
  std::thread thread_;  // last: starts when everything above exists
};

}  // namespace stm::cuda
