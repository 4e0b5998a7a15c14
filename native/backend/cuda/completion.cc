#include "backend/cuda/completion.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace stm::cuda {

void Completion::submit(Item item) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(item));
  }
  filled_.notify_one();
}

Completion::Returned Completion::take_returned() {
  const std::lock_guard lock(mutex_);
  return std::exchange(returned_, {});
}

int32_t Completion::number_of(const char* op) {
  const auto found = std::find(names_.begin(), names_.end(), op);  // names are literals: the address is the name, and only this thread adds
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
    Item item = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    settle(item);
  }
}

void Completion::settle(Item& item) {
  Status status = item.failed;
  if (status.is_ok()) status = describe(cudaEventSynchronize(item.event), "cudaEventSynchronize");
  const char* op = "";
  if (status.is_ok()) {
    for (const Arrival& arrival : item.arrivals) std::memcpy(arrival.host, arrival.staged, arrival.bytes);
    if (item.fault && item.fault->code != 0) {
      status = Status::fail(static_cast<StatusKind>(item.fault->code), "got the value %lld, expected %lld..%lld.\n  Fix: correct the value.",
                            static_cast<long long>(item.fault->value), static_cast<long long>(item.fault->least), static_cast<long long>(item.fault->greatest));
      const std::lock_guard lock(mutex_);
      op = names_[static_cast<size_t>(item.fault->op)];
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (item.event) returned_.events.push_back(item.event);
    if (item.fault) returned_.faults.push_back(item.fault);
    for (const Arrival& arrival : item.arrivals) returned_.staged.push_back(arrival.staged);
  }
  item.done(item.context, status, op);
}

}  // namespace stm::cuda
