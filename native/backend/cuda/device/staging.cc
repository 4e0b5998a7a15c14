#include "backend/cuda/device/staging.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/guard.h"
#include "backend/cuda/device/locks.h"

namespace stm::cuda {
namespace {
constexpr size_t kSmallest = size_t{4} << 10, kPiece = size_t{4} << 20, kMostInFlight = size_t{64} << 20;
constexpr size_t kMostPinned = size_t{256} << 20, kMuchIdle = kMostPinned / 4;
}  // namespace

/// Takes back what the completion thread is done with.
void Staging::collect() {
  for (const Completion::Item& item : completion_.take_returned()) {
    if (item.event) give_back(item.event);
    if (item.fault) give_back(item.fault);
    for (const Completion::Arrival& arrival : item.arrivals) give_back(arrival.staged);
  }
}

Status Staging::take(size_t bytes, void** buffer) {
  size_t size = kSmallest;
  while (size < bytes) size *= 2;
  do {
    if (take_idle(size, buffer)) return Status::ok();
  } while (pinned_ + size > kMostPinned && make_room());
  const ExclusiveLock lock(context_.device);
  STM_CUDA(context_, cudaMallocHost(buffer, size));
  const Status kept = guarded([&] {
    sizes_[*buffer] = size;
    return Status::ok();
  });
  if (kept.is_ok()) pinned_ += size;
  else ignore(cudaFreeHost(std::exchange(*buffer, nullptr)));
  return kept;
}

bool Staging::take_idle(size_t size, void** buffer) {
  const auto found = idle_.find(size);
  if (found == idle_.end()) return false;
  *buffer = found->second.back().buffer;  // the warmest
  found->second.pop_back();
  if (found->second.empty()) idle_.erase(found);
  idle_bytes_ -= size;
  return true;
}

/// A step towards room for more, or a buffer that comes back. False if there is none to take.
bool Staging::make_room() {
  if (idle_bytes_ >= kMuchIdle) {
    free_oldest();
    return true;
  }
  if (completion_.wait_returned()) {
    collect();
    return true;
  }
  return !flights_.empty() && reclaim_oldest().is_ok();
}

/// CUDA may wait for the whole device here.
void Staging::free_oldest() {
  auto oldest = idle_.begin();
  for (auto at = idle_.begin(); at != idle_.end(); ++at)
    if (at->second.front().since < oldest->second.front().since) oldest = at;
  void* const buffer = oldest->second.front().buffer;
  idle_bytes_ -= oldest->first;
  pinned_ -= oldest->first;
  oldest->second.pop_front();
  if (oldest->second.empty()) idle_.erase(oldest);
  sizes_.erase(buffer);
  const ExclusiveLock lock(context_.device);
  ignore(cudaFreeHost(buffer));
}

void Staging::give_back(void* buffer) noexcept {
  const auto known = sizes_.find(buffer);
  const size_t size = known->second;
  const Status kept = guarded([&] {
    idle_[size].push_back({buffer, ++clock_});
    return Status::ok();
  });
  if (kept.is_ok()) {
    idle_bytes_ += size;
    return;
  }
  // Where the host is out of memory it is not kept for later.
  if (const auto empty = idle_.find(size); empty != idle_.end() && empty->second.empty()) idle_.erase(empty);
  sizes_.erase(known);
  pinned_ -= size;
  const ExclusiveLock lock(context_.device);
  ignore(cudaFreeHost(buffer));
}

void Staging::give_back(cudaEvent_t event) noexcept {
  const Status kept = guarded([&] {
    events_.push_back(event);
    return Status::ok();
  });
  if (!kept.is_ok()) ignore(cudaEventDestroy(event));
}

Status Staging::take_event(cudaEvent_t* event) {
  if (events_.empty())
    return context_.check(cudaEventCreateWithFlags(event, cudaEventDisableTiming | cudaEventBlockingSync),
                          "cudaEventCreateWithFlags");
  *event = events_.back();
  events_.pop_back();
  return Status::ok();
}

/// An event after all work so far.
Status Staging::record(cudaEvent_t* event) {
  cudaEvent_t taken = nullptr;
  STM_TRY(take_event(&taken));
  const Status status = context_.check(cudaEventRecord(taken, context_.stream), "cudaEventRecord");
  if (status.is_ok()) *event = taken;
  else give_back(taken);
  return status;
}

/// Takes back what has landed; waits for the oldest while `wanted` more bytes would be too many.
Status Staging::reclaim(size_t wanted) {
  while (!flights_.empty()) {
    if (in_flight_ + wanted <= kMostInFlight) {
      const cudaError_t state = query(flights_.front().landed);
      if (state == cudaErrorNotReady) return Status::ok();
      STM_TRY(context_.check(state, "cudaEventQuery"));
    }
    STM_TRY(reclaim_oldest());
  }
  return Status::ok();
}

/// Waits for it, if need be.
Status Staging::reclaim_oldest() {
  const Flight oldest = flights_.front();
  STM_CUDA(context_, cudaEventSynchronize(oldest.landed));
  in_flight_ -= oldest.bytes;
  give_back(oldest.buffer);
  give_back(oldest.landed);
  flights_.pop_front();
  return Status::ok();
}

Status Staging::upload(void* to, const void* host, size_t bytes) {
  return guarded([&] { return upload_pieces(to, host, bytes); });
}

Status Staging::upload_pieces(void* to, const void* host, size_t bytes) {
  for (size_t at = 0; at < bytes; at += kPiece) {
    const size_t size = std::min(kPiece, bytes - at);
    STM_TRY(reclaim(size));
    std::list<Flight> one{{nullptr, nullptr, size}};  // before anything is under way: it may find no memory
    Flight& flight = one.front();
    STM_TRY(take(size, &flight.buffer));
    std::memcpy(flight.buffer, static_cast<const char*>(host) + at, size);
    Status status = context_.check(
        cudaMemcpyAsync(static_cast<char*>(to) + at, flight.buffer, size, cudaMemcpyHostToDevice, context_.stream),
        "cudaMemcpyAsync");
    if (status.is_ok()) status = record(&flight.landed);
    if (!status.is_ok()) {
      ignore(cudaStreamSynchronize(context_.stream));  // the copy may be under way all the same
      give_back(flight.buffer);
      return status;
    }
    flights_.splice(flights_.end(), one);
    in_flight_ += size;
  }
  return Status::ok();
}

/// One piece after the other: while the device copies one, the completion thread hands on those before it.
Status Staging::download(void* host, const void* from, size_t bytes) {
  collect();
  const Status status = guarded([&] {
    for (size_t at = 0; at < bytes; at += kPiece) {
      if (at > 0) STM_TRY(submit_piece());
      STM_TRY(fetch(static_cast<char*>(host) + at, static_cast<const char*>(from) + at, std::min(kPiece, bytes - at)));
    }
    return Status::ok();
  });
  if (!status.is_ok()) land();
  return status;
}

Status Staging::fetch(void* host, const void* from, size_t bytes) {
  arrivals_.push_back({nullptr, host, bytes});  // before anything is under way: it may find no memory
  void* staged = nullptr;
  Status status = take(bytes, &staged);
  arrivals_.back().staged = staged;
  if (status.is_ok())
    status = context_.check(cudaMemcpyAsync(staged, from, bytes, cudaMemcpyDeviceToHost, context_.stream),
                            "cudaMemcpyAsync");
  if (status.is_ok()) return status;
  arrivals_.pop_back();
  if (staged) give_back(staged);
  return status;
}

/// Of a download that goes on.
Status Staging::submit_piece() {
  Completion::Items piece(1);
  STM_TRY(record(&piece.front().event));
  piece.front().arrivals = std::exchange(arrivals_, {});
  completion_.submit(std::move(piece));
  return Status::ok();
}

void Staging::land() {
  const cudaError_t waited = cudaStreamSynchronize(context_.stream);
  ignore(waited);
  for (const Completion::Arrival& arrival : std::exchange(arrivals_, {})) {
    if (waited == cudaSuccess) std::memcpy(arrival.host, arrival.staged, arrival.bytes);
    give_back(arrival.staged);
  }
  completion_.drain();
}

Status Staging::mark(Completion::Item& item) noexcept {
  collect();
  item.arrivals = std::exchange(arrivals_, {});
  const Status status = guarded([&] { return watch(item); });
  if (!status.is_ok())
    ignore(cudaStreamSynchronize(context_.stream));  // its memory comes back at once, and copies may be under way
  return status;
}

Status Staging::watch(Completion::Item& item) {
  void* fault = nullptr;
  STM_TRY(take(sizeof(DeviceFault), &fault));
  item.fault = static_cast<DeviceFault*>(fault);
  STM_CUDA(context_,
           cudaMemcpyAsync(item.fault, context_.fault, sizeof(DeviceFault), cudaMemcpyDeviceToHost, context_.stream));
  STM_CUDA(context_, cudaMemsetAsync(context_.fault, 0, sizeof(DeviceFault), context_.stream));
  return record(&item.event);
}

void Staging::trim() {
  completion_.drain();
  collect();
  while (!flights_.empty() && reclaim_oldest().is_ok()) continue;
  while (!idle_.empty()) free_oldest();
}

void Staging::release() {
  collect();
  for (const Flight& flight : flights_) ignore(cudaEventDestroy(flight.landed));
  for (cudaEvent_t event : events_) ignore(cudaEventDestroy(event));
  for (const auto& [buffer, size] : sizes_) ignore(cudaFreeHost(buffer));
  flights_.clear();
  events_.clear();
  sizes_.clear();
  idle_.clear();
  pinned_ = idle_bytes_ = 0;
}

}  // namespace stm::cuda
