#include "binding/handle_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace stm::binding {
namespace {
constexpr double kGeneration = 16'777'216.0;  // 2^24 slots
constexpr uint32_t kLastGeneration = 1u << 28;
constexpr int64_t kHandleBytes = 1'024;  // slot, weak reference, tensor state, storage header
constexpr int64_t kReportStep = int64_t{1} << 20;

}  // namespace

HandleTable::~HandleTable() {
  for (const Slot& slot : slots_)
    if (slot.watcher) napi_delete_reference(env_, slot.watcher);
  if (sentinel_) napi_delete_reference(env_, sentinel_);
}

double HandleTable::put(Tensor tensor) {
  // Here, because the op has taken its operands and no id is in flight.
  if (++puts_since_look_ >= 32 || bytes_since_look_ >= kReportStep) collect();
  uint32_t index;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    STM_CHECK(index < kGeneration, Kind::Option, "", fmt::format("{} tensors that are alive", index), "fewer",
              "let go of tensors that are not needed: scope(), dispose(), or fewer in arrays");
    if (slots_.size() == slots_.capacity()) grow();
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  slots_[index].tensor = std::move(tensor);
  ++stats_.live;
  return index + slots_[index].generation * kGeneration;
}

/// All lists at once, so that neither watching a handle nor giving it up needs memory.
void HandleTable::grow() {
  const size_t room = std::max<size_t>(64, 2 * slots_.capacity());
  free_.reserve(room);
  watched_.reserve(room);
  slots_.reserve(room);
}

HandleTable::Slot& HandleTable::slot(double id) {
  const double generation = std::floor(id / kGeneration), index = id - generation * kGeneration;
  const bool known = id >= 0 && index < static_cast<double>(slots_.size());  // false for NaN too
  STM_CHECK(
      known && slots_[static_cast<size_t>(index)].generation == generation && slots_[static_cast<size_t>(index)].tensor,
      Kind::Disposed, "", "a tensor that was disposed", "a live one",
      "keep it alive, by returning it from scope() or disposing of it later");
  return slots_[static_cast<size_t>(index)];
}

const Tensor& HandleTable::get(double id) { return slot(id).tensor; }

void HandleTable::dispose(double id) {
  Slot& entry = slot(id);
  if (entry.watcher) {
    slots_[watched_.back()].watched_at = entry.watched_at;
    watched_[entry.watched_at] = watched_.back();
    watched_.pop_back();
  }
  release(static_cast<uint32_t>(&entry - slots_.data()));
}

void HandleTable::release(uint32_t index) {
  Slot& entry = slots_[index];
  if (entry.watcher) {
    ok(napi_delete_reference(env_, std::exchange(entry.watcher, nullptr)));
    report(-cost_of_last(entry));
  }
  entry.tensor = {};
  if (++entry.generation < kLastGeneration) free_.push_back(index);  // beyond it an id is no longer a whole number
  --stats_.live;
}

void HandleTable::watch(napi_value object, double id) {
  Slot& entry = slot(id);
  if (entry.watcher) return;
  entry.watched_at = watched_.size();
  watched_.push_back(static_cast<uint32_t>(&entry - slots_.data()));
  if (const napi_status status = napi_create_reference(env_, object, 0, &entry.watcher); status != napi_ok) {
    watched_.pop_back();
    throw NapiFailure(status);
  }
  const int64_t cost = cost_of_first(entry);
  bytes_since_look_ += cost;
  report(cost);
}

// Without this V8 sees objects of a few bytes and collects far too late. Only watched tensors count: a scope needs no
// collections. In steps, because each report may start one. Bytes count once for each storage, with its first watched
// handle: many results are views of a buffer that has no handle of its own. A queued tensor counts in full although
// nothing is allocated yet.
int64_t HandleTable::cost_of_first(Slot& entry) {
  entry.counted = entry.tensor->storage;
  return kHandleBytes + (entry.counted->watchers++ == 0 ? static_cast<int64_t>(entry.counted->bytes()) : 0);
}
int64_t HandleTable::cost_of_last(Slot& entry) {
  const std::shared_ptr<Storage> storage = std::move(entry.counted);
  return kHandleBytes + (--storage->watchers == 0 ? static_cast<int64_t>(storage->bytes()) : 0);
}

void HandleTable::recount() {
  for (const uint32_t index : watched_) {
    Slot& entry = slots_[index];
    if (entry.counted == entry.tensor->storage) continue;
    const int64_t before = cost_of_last(entry);
    report(cost_of_first(entry) - before);
  }
}

void HandleTable::report(int64_t bytes) {
  unreported_bytes_ += bytes;
  if (std::abs(unreported_bytes_) < kReportStep) return;
  int64_t total;
  ok(napi_adjust_external_memory(env_, std::exchange(unreported_bytes_, 0), &total));
}

// The scope matters: a handle left in the caller's scope would keep the sentinel alive through a collection started by
// this call.
void HandleTable::collect() {
  puts_since_look_ = 0;
  bytes_since_look_ = 0;
  const HandleScope scope(env_);
  napi_value object = nullptr;
  if (sentinel_) ok(napi_get_reference_value(env_, sentinel_, &object));
  if (object) return;
  if (sentinel_) {
    ok(napi_delete_reference(env_, std::exchange(sentinel_, nullptr)));
    sweep();
  }
  ok(napi_create_object(env_, &object));
  ok(napi_create_reference(env_, object, 0, &sentinel_));
}

void HandleTable::sweep() {
  size_t kept = 0;
  for (const uint32_t index : watched_) {
    napi_value object = nullptr;
    ok(napi_get_reference_value(env_, slots_[index].watcher, &object));
    if (object) {
      slots_[index].watched_at = kept;
      watched_[kept++] = index;
    } else {
      release(index);
      ++stats_.collected_by_gc;
    }
  }
  watched_.resize(kept);
}

}  // namespace stm::binding
