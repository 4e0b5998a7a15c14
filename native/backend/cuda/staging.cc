#include "backend/cuda/staging.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/cuda/device_lock.h"

namespace stm::cuda {
namespace {
constexpr size_t kSmallest = size_t{4} << 10, kPiece = size_t{4} << 20, kMostInFlight = size_t{64} << 20;
constexpr size_t kMostPinned = size_t{256} << 20, kMuchIdle = kMostPinned / 4;
}  // namespace

/// Takes back what the completion thread is done with.
void Staging::collect() {
  Completion::Returned returned = completion_.take_returned();
  for (cudaEvent_t event : returned.events) give_back(event);
  for (void* buffer : returned.staged) give_back(buffer);
}

Status Staging::take(size_t bytes, void** buffer) {
  size_t size = kSmallest;
  while (size < bytes) size *= 2;
  do {
    if (take_idle(size, buffer)) return Status::ok();
  } while (pinned_ + size > kMostPinned && make_room());
  const ExclusiveLock lock(context_.device);
  STM_CUDA(context_, cudaMallocHost(buffer, size));
  sizes_[*buffer] = size;
  pinned_ += size;
  return Status::ok();
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

void Staging::give_back(void* buffer) {
  const size_t size = sizes_[buffer];
  idle_[size].push_back({buffer, ++clock_});
  idle_bytes_ += size;
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
  for (size_t at = 0; at < bytes; at += kPiece) {
    const size_t size = std::min(kPiece, bytes - at);
    STM_TRY(reclaim(size));
    Flight flight{nullptr, nullptr, size};
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
    flights_.push_back(flight);
    in_flight_ += size;
  }
  return Status::ok();
}

/// One piece after the other: while the device copies one, the completion thread hands on those before it.
Status Staging::download(void* host, const void* from, size_t bytes) {
  collect();
  Status status = Status::ok();
  for (size_t at = 0; at < bytes && status.is_ok(); at += kPiece) {
    if (at > 0) status = submit_piece();
    if (status.is_ok())
      status = fetch(static_cast<char*>(host) + at, static_cast<const char*>(from) + at, std::min(kPiece, bytes - at));
  }
  if (!status.is_ok()) land();
  return status;
}

Status Staging::fetch(void* host, const void* from, size_t bytes) {
  Completion::Arrival arrival{nullptr, host, bytes};
  STM_TRY(take(bytes, &arrival.staged));
  const Status status = context_.check(
      cudaMemcpyAsync(arrival.staged, from, bytes, cudaMemcpyDeviceToHost, context_.stream), "cudaMemcpyAsync");
  if (status.is_ok()) arrivals_.push_back(arrival);
  else give_back(arrival.staged);
  return status;
}

/// Of a download that goes on.
Status Staging::submit_piece() {
  Completion::Item piece;
  STM_TRY(record(&piece.event));
  piece.arrivals = std::exchange(arrivals_, {});
  completion_.submit(std::move(piece));
  return Status::ok();
}

/// Waits for what is under way, after a failure.
void Staging::land() {
  const cudaError_t waited = cudaStreamSynchronize(context_.stream);
  ignore(waited);
  for (const Completion::Arrival& arrival : std::exchange(arrivals_, {})) {
    if (waited == cudaSuccess) std::memcpy(arrival.host, arrival.staged, arrival.bytes);
    give_back(arrival.staged);
  }
  completion_.drain();
}

Status Staging::mark(Completion::Item& item) {
  collect();
  item.arrivals = std::exchange(arrivals_, {});
  const Status status = watch(item);
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
