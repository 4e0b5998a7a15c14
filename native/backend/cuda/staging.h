#pragma once
#include <deque>
#include <map>
#include <vector>

#include "backend/cuda/context.h"

namespace stm::cuda {

/// Page-locked memory between host and device, so that copies need not be waited for. Executor thread only.
class Staging {
 public:
  explicit Staging(Context& context) : context_(context) {}

  /// Copies to the device; the host may change its bytes at once.
  Status upload(void* to, const void* host, size_t bytes);

  Status take(size_t bytes, void** buffer);
  void give_back(void* buffer);
  Status take_event(cudaEvent_t* event);
  void give_back(cudaEvent_t event) { events_.push_back(event); }

  /// Frees everything; nothing may be in flight.
  void release();

 private:
  struct Flight {
    cudaEvent_t landed;
    void* buffer;
    size_t bytes;
  };
  Status reclaim(size_t wanted);

  Context& context_;
  std::map<size_t, std::vector<void*>> free_;
  std::map<void*, size_t> sizes_;
  std::vector<cudaEvent_t> events_;
  std::deque<Flight> flights_;
  size_t in_flight_ = 0;
};

}  // namespace stm::cuda
