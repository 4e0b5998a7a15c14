#pragma once
#include <deque>
#include <map>
#include <vector>

#include "backend/cuda/completion.h"
#include "backend/cuda/context.h"

namespace stm::cuda {

/// Page-locked memory between host and device, so that copies need not be waited for. Executor thread only.
class Staging {
 public:
  Staging(Context& context, Completion& completion) : context_(context), completion_(completion) {}

  /// Copies to the device; the host may change its bytes at once.
  Status upload(void* to, const void* host, size_t bytes);
  /// Copies to the host, which has the bytes once an item that is marked later has been called back for. If this fails,
  /// nothing will be written there any more.
  Status download(void* host, const void* from, size_t bytes);
  /// Makes `item` wait for all work so far, with what has been downloaded and the fault as it then stands.
  Status mark(Completion::Item& item);

  /// Frees everything; nothing may be in flight.
  void release();

 private:
  struct Flight {
    cudaEvent_t landed;
    void* buffer;
    size_t bytes;
  };
  void collect();
  Status take(size_t bytes, void** buffer);
  void give_back(void* buffer);
  Status take_event(cudaEvent_t* event);
  void give_back(cudaEvent_t event) { events_.push_back(event); }
  Status reclaim(size_t wanted);
  Status record(cudaEvent_t* event);
  Status fetch(void* host, const void* from, size_t bytes);
  Status submit_piece();
  Status watch(Completion::Item& item);
  void land();

  Context& context_;
  Completion& completion_;
  std::map<size_t, std::vector<void*>> free_;
  std::map<void*, size_t> sizes_;
  std::vector<cudaEvent_t> events_;
  std::deque<Flight> flights_;  ///< uploads
  size_t in_flight_ = 0;
  std::vector<Completion::Arrival> arrivals_;  ///< downloads since the last item
};

}  // namespace stm::cuda
