#pragma once
#include <shared_mutex>

namespace stm::cuda {

/// Keep captures apart from calls that wait for a whole device, as cudnnDestroy, cudaFree and the page-locking of
/// memory do: made on any thread, such a call ends every capture on its device, whatever the capture's mode. There is
/// one lock for a device in the whole process, because workers have backends of their own.
///
/// A thread that asks for one of a device while it holds one gets nothing. Inside of an ExclusiveLock nobody is left to
/// be kept away; inside of a CaptureLock the call spoils the thread's own capture, which can be survived, while to wait
/// for itself could not. A capture waits for no other thread on its way, so whoever waits for its end gets there.
class CaptureLock {
 public:
  /// From before the begin of a capture until after its end; any number of threads.
  explicit CaptureLock(int device);
  ~CaptureLock();
  CaptureLock(const CaptureLock&) = delete;
  CaptureLock& operator=(const CaptureLock&) = delete;

 private:
  const int device_;
  std::shared_mutex* const mutex_;  ///< null: the thread holds it already
};

class ExclusiveLock {
 public:
  /// Around calls that wait for the device, or may; one thread, and no capture.
  explicit ExclusiveLock(int device);
  ~ExclusiveLock();
  ExclusiveLock(const ExclusiveLock&) = delete;
  ExclusiveLock& operator=(const ExclusiveLock&) = delete;

 private:
  const int device_;
  std::shared_mutex* const mutex_;
};

}  // namespace stm::cuda
