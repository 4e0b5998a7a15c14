#pragma once
#include <vector>

#include "binding/napi.h"
#include "core/tensor.h"

namespace stm::binding {

struct HandleStats {
  int64_t live = 0, collected_by_gc = 0;
};

/// Tensors that JavaScript can name, and the net under them.
///
/// An id is `slot + generation · 2^24`: a stale or invented id is a DisposedError, never a wrong tensor.
///
/// The net: each watched JS object has a weak reference here. Finalizers and FinalizationRegistry callbacks wait for
/// the event loop, which a loop without `await` never reaches; weak references are cleared by the collection itself, so
/// we look at them during op calls. One look is a pass over all of them, so a sentinel (an unreachable object) tells us
/// when a collection has happened.
class HandleTable {
 public:
  explicit HandleTable(napi_env env) : env_(env) {}
  ~HandleTable();  ///< Node does not free references that addons made, not even when the environment goes
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;

  double put(Tensor tensor);
  const Tensor& get(double id);
  void dispose(double id);
  void watch(napi_value object, double id);

  /// Releases tensors whose objects are gone, if a collection has happened since the last call. Only safe when no raw
  /// id is in use: call it after an op has taken its operands.
  void collect();

  /// After tensors have moved to other storages.
  void recount();
  const HandleStats& stats() const { return stats_; }

 private:
  struct Slot {
    Tensor tensor;
    std::shared_ptr<Storage> counted;  ///< whose bytes the collector was told of
    uint32_t generation = 0;
    napi_ref watcher = nullptr;
    size_t watched_at = 0;
  };
  Slot& slot(double id);
  void grow();
  void release(uint32_t index);
  static int64_t cost_of_first(Slot& entry);
  static int64_t cost_of_last(Slot& entry);
  void report(int64_t bytes);
  void sweep();

  napi_env env_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_, watched_;
  napi_ref sentinel_ = nullptr;
  int64_t unreported_bytes_ = 0;
  uint32_t puts_since_look_ = 0;
  int64_t bytes_since_look_ = 0;
  HandleStats stats_;
};

}  // namespace stm::binding
