#include "backend/cuda/device/locks.h"

#include <array>
#include <cstdint>

namespace stm::cuda {
namespace {

/// Those of the devices, which need no memory that could be short. Should there be more devices, some share one, and
/// wait for each other in vain.
constexpr size_t kLocks = 64;
std::array<std::shared_mutex, kLocks> locks;

/// Which of them this thread holds, as bits.
thread_local uint64_t held = 0;

size_t number_of(int device) { return static_cast<size_t>(device) % kLocks; }
uint64_t bit_of(int device) { return uint64_t{1} << number_of(device); }

/// Null if this thread holds it.
std::shared_mutex* unless_held(int device) { return held & bit_of(device) ? nullptr : &locks[number_of(device)]; }

}  // namespace

CaptureLock::CaptureLock(int device) : device_(device), mutex_(unless_held(device)) {
  if (!mutex_) return;
  mutex_->lock_shared();
  held |= bit_of(device_);
}

CaptureLock::~CaptureLock() {
  if (!mutex_) return;
  held &= ~bit_of(device_);
  mutex_->unlock_shared();
}

ExclusiveLock::ExclusiveLock(int device) : device_(device), mutex_(unless_held(device)) {
  if (!mutex_) return;
  mutex_->lock();
  held |= bit_of(device_);
}

ExclusiveLock::~ExclusiveLock() {
  if (!mutex_) return;
  held &= ~bit_of(device_);
  mutex_->unlock();
}

}  // namespace stm::cuda
