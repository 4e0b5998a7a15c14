#include "backend/cuda/device/presence.h"

#include <map>
#include <mutex>

namespace stm::cuda {
namespace {

/// The device's, which outlives everything.
std::atomic<int>* count_of(int device) {
  static std::mutex& mutex = *new std::mutex;
  static auto& all = *new std::map<int, std::atomic<int>>;
  const std::lock_guard lock(mutex);
  return &all[device];
}

}  // namespace

Presence::Presence(int device) : count_(count_of(device)) { ++*count_; }

}  // namespace stm::cuda
