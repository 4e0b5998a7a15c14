#include "backend/cuda/device_lock.h"

#include <atomic>
#include <map>
#include <mutex>

namespace stm::cuda {
namespace {

std::atomic<int> waiters{0};
thread_local const std::shared_mutex* held = nullptr;

/// The device's, which outlives everything. Null if this thread holds it.
std::shared_mutex* unless_held(int device) {
  static std::mutex& mutex = *new std::mutex;
  static auto& all = *new std::map<int, std::shared_mutex>;
  const std::lock_guard lock(mutex);
  std::shared_mutex* const found = &all[device];
  return found == held ? nullptr : found;
}

}  // namespace

CaptureLock::CaptureLock(int device) : mutex_(unless_held(device)) {
  if (!mutex_) return;
  mutex_->lock_shared();
  held = mutex_;
}

CaptureLock::~CaptureLock() {
  if (!mutex_) return;
  held = nullptr;
  mutex_->unlock_shared();
}

ExclusiveLock::ExclusiveLock(int device) : mutex_(unless_held(device)) {
  if (!mutex_) return;
  if (!mutex_->try_lock()) {
    ++waiters;
    mutex_->lock();
    --waiters;
  }
  held = mutex_;
}

ExclusiveLock::~ExclusiveLock() {
  if (!mutex_) return;
  held = nullptr;
  mutex_->unlock();
}

int ExclusiveLock::waiting() { return waiters; }

}  // namespace stm::cuda
