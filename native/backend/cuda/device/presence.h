#pragma once
#include <atomic>

namespace stm::cuda {

/// That a device is open here. In one process it may be open more than once, because workers have backends of their
/// own.
class Presence {
 public:
  explicit Presence(int device);
  ~Presence() { --*count_; }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  /// Whether it is open nowhere else in the process. Any thread.
  bool alone() const { return *count_ == 1; }

 private:
  std::atomic<int>* count_;
};

}  // namespace stm::cuda
