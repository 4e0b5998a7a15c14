#include "backend/cuda/device/completion.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace stm::cuda {
namespace {

constexpr auto kPatience = std::chrono::microseconds(100);

/// Asks for a while before it sleeps: to be woken takes longer than most reads.
Status wait_for(cudaEvent_t event) {
  static const bool others_can_run = std::thread::hardware_concurrency() > 1;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (others_can_run) {
    const cudaError_t state = query(event);
    if (state != cudaErrorNotReady) return describe(state, "cudaEventQuery");
    if (std::chrono::steady_clock::now() >= end) break;
    std::this_thread::yield();
  }
  return describe(cudaEventSynchronize(event), "cudaEventSynchronize");
}

}  // namespace

cudaError_t query(cudaEvent_t event) {
  const cudaError_t state = cudaEventQuery(event);
  if (state == cudaErrorNotReady) (void)cudaGetLastError();
  return state;
}

void Completion::submit(Items item) noexcept {
  {
    const std::lock_guard lock(mutex_);
    queue_.splice(queue_.end(), item);
    ++unsettled_;
  }
  filled_.notify_one();
}

Completion::Items Completion::take_returned() noexcept {
  Items returned;
  const std::lock_guard lock(mutex_);
  returned.swap(returned_);
  return returned;
}

bool Completion::wait_returned() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return !returned_.empty() || unsettled_ == 0; });
  return !returned_.empty();
}

void Completion::drain() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return unsettled_ == 0; });
}

int32_t Completion::number_of(const char* op) {
  const auto found = std::find(names_.begin(), names_.end(),
                               op);  // names are literals: the address is the name, and only this thread adds
  if (found != names_.end()) return static_cast<int32_t>(found - names_.begin());
  const std::lock_guard lock(mutex_);
  names_.push_back(op);
  return static_cast<int32_t>(names_.size()) - 1;
}

void Completion::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Completion::work() {
  (void)cudaSetDevice(device_);
  for (;;) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Items item;
    item.splice(item.end(), queue_, queue_.begin());
    lock.unlock();
    settle(std::move(item));
  }
}

/// What became of an item and of the pieces before it.
Status Completion::outcome(const Item& item) {
  Status status = item.failed;
  if (status.is_ok()) status = wait_for(item.event);
  if (!of_pieces_.is_ok()) status = of_pieces_;
  of_pieces_ = item.done ? Status::ok() : status;
  return status;
}

void Completion::settle(Items one) {
  const Item& item = one.front();
  Status status = outcome(item);
  const char* op = "";
  if (status.is_ok()) {
    for (const Arrival& arrival : item.arrivals) std::memcpy(arrival.host, arrival.staged, arrival.bytes);
    if (item.fault && item.fault->code != DeviceFault::kNone) {
      status = in_words(*item.fault);
      const std::lock_guard lock(mutex_);
      op = names_[static_cast<size_t>(item.fault->op)];
    }
  }
  const Done done = item.done;
  void* const context = item.context;
  if (item.event || item.fault || !item.arrivals.empty()) {
    const std::lock_guard lock(mutex_);
    returned_.splice(returned_.end(), one);
  }
  settled_.notify_one();
  if (done) done(context, status, op);
  {
    const std::lock_guard lock(mutex_);
    --unsettled_;
  }
  settled_.notify_one();
}

}  // namespace stm::cuda
