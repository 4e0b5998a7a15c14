#pragma once
#include <deque>
#include <list>
#include <map>
#include <vector>

#include "backend/cuda/device/completion.h"
#include "backend/cuda/device/context.h"

namespace stm::cuda {

/// Page-locked memory between host and device, so that copies need not be waited for. Executor thread only.
///
/// There are 256 MiB of it at most, unless reads that have not been marked yet hold all that: nothing could bring a
/// buffer back then. What copies are done with is kept for those to come. Where there is no room for
/// another buffer, the longest idle ones go while a quarter is idle, in sizes that are not wanted; otherwise a copy
/// under way will bring one back, and is waited for: to free and make buffers again and again would stop the device
/// each time.
class Staging {
 public:
  Staging(Context& context, Completion& completion) : context_(context), completion_(completion) {}

  /// Copies to the device; the host may change its bytes at once.
  Status upload(void* to, const void* host, size_t bytes);
  /// Copies to the host, which has the bytes once an item that is marked later has been called back for. If this fails,
  /// nothing will be written there any more.
  Status download(void* host, const void* from, size_t bytes);
  /// Makes `item` wait for all work so far, with what has been downloaded and the fault as it then stands.
  Status mark(Completion::Item& item) noexcept;
  /// Waits for what is under way, where nothing can be marked.
  void land();

  /// Frees what no copy needs.
  void trim();
  /// Frees everything; nothing may be in flight.
  void release();

 private:
  struct Flight {
    cudaEvent_t landed;
    void* buffer;
    size_t bytes;
  };
  struct Idle {
    void* buffer;
    uint64_t since;
  };
  void collect();
  Status take(size_t bytes, void** buffer);
  bool take_idle(size_t size, void** buffer);
  bool make_room();
  void free_oldest();
  void give_back(void* buffer) noexcept;
  Status take_event(cudaEvent_t* event);
  void give_back(cudaEvent_t event) noexcept;
  Status reclaim(size_t wanted);
  Status reclaim_oldest();
  Status record(cudaEvent_t* event);
  Status upload_pieces(void* to, const void* host, size_t bytes);
  Status fetch(void* host, const void* from, size_t bytes);
  Status submit_piece();
  Status watch(Completion::Item& item);

  Context& context_;
  Completion& completion_;
  std::map<size_t, std::deque<Idle>> idle_;  ///< by size, the longest idle first; none is empty
  std::map<void*, size_t> sizes_;            ///< of all buffers
  size_t pinned_ = 0, idle_bytes_ = 0;
  uint64_t clock_ = 0;
  std::vector<cudaEvent_t> events_;
  std::list<Flight> flights_;  ///< uploads
  size_t in_flight_ = 0;
  std::vector<Completion::Arrival> arrivals_;  ///< downloads since the last item
};

}  // namespace stm::cuda
