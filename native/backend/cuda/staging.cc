#include "backend/cuda/staging.h"

#include <algorithm>
#include <cstring>

#include "backend/cuda/device_lock.h"

namespace stm::cuda {
namespace {
constexpr size_t kPiece = size_t{4} << 20, kMostInFlight = size_t{64} << 20;
}

Status Staging::take(size_t bytes, void** buffer) {
  size_t size = size_t{4} << 10;
  while (size < bytes) size *= 2;
  std::vector<void*>& candidates = free_[size];
  if (!candidates.empty()) {
    *buffer = candidates.back();
    candidates.pop_back();
    return Status::ok();
  }
  const ExclusiveLock lock(context_.device);
  STM_CUDA(context_, cudaMallocHost(buffer, size));
  sizes_[*buffer] = size;
  return Status::ok();
}

void Staging::give_back(void* buffer) { free_[sizes_[buffer]].push_back(buffer); }

Status Staging::take_event(cudaEvent_t* event) {
  if (events_.empty()) return context_.check(cudaEventCreateWithFlags(event, cudaEventDisableTiming | cudaEventBlockingSync), "cudaEventCreateWithFlags");
  *event = events_.back();
  events_.pop_back();
  return Status::ok();
}

/// Takes back what has landed; waits for the oldest while `wanted` more bytes would be too many.
Status Staging::reclaim(size_t wanted) {
  while (!flights_.empty()) {
    const Flight& oldest = flights_.front();
    if (in_flight_ + wanted > kMostInFlight) {
      STM_CUDA(context_, cudaEventSynchronize(oldest.landed));
    } else {
      const cudaError_t state = cudaEventQuery(oldest.landed);
      if (state == cudaErrorNotReady) {
        (void)cudaGetLastError();  // it is remembered as an error, and is none
        return Status::ok();
      }
      STM_TRY(context_.check(state, "cudaEventQuery"));
    }
    in_flight_ -= oldest.bytes;
    give_back(oldest.buffer);
    give_back(oldest.landed);
    flights_.pop_front();
  }
  return Status::ok();
}

Status Staging::upload(void* to, const void* host, size_t bytes) {
  for (size_t at = 0; at < bytes; at += kPiece) {
    const size_t size = std::min(kPiece, bytes - at);
    STM_TRY(reclaim(size));
    Flight flight{nullptr, nullptr, size};
    STM_TRY(take(size, &flight.buffer));
    std::memcpy(flight.buffer, static_cast<const char*>(host) + at, size);
    Status status = take_event(&flight.landed);
    if (!status.is_ok()) {
      give_back(flight.buffer);
      return status;
    }
    status = context_.check(cudaMemcpyAsync(static_cast<char*>(to) + at, flight.buffer, size, cudaMemcpyHostToDevice, context_.stream), "cudaMemcpyAsync");
    if (status.is_ok()) status = context_.check(cudaEventRecord(flight.landed, context_.stream), "cudaEventRecord");
    if (!status.is_ok()) {
      (void)cudaStreamSynchronize(context_.stream);  // the copy may be under way all the same
      give_back(flight.buffer);
      give_back(flight.landed);
      return status;
    }
    flights_.push_back(flight);
    in_flight_ += size;
  }
  return Status::ok();
}

void Staging::release() {
  for (const Flight& flight : flights_) (void)cudaEventDestroy(flight.landed);
  for (cudaEvent_t event : events_) (void)cudaEventDestroy(event);
  for (const auto& [buffer, size] : sizes_) (void)cudaFreeHost(buffer);
  flights_.clear();
  events_.clear();
  sizes_.clear();
  free_.clear();
}

}  // namespace stm::cuda
