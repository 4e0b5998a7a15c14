#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/allocator.h"
#include "core/call_site.h"

namespace stm {

/// What went wrong on the executor, and in which op.
struct Fault {
  std::string op;  ///< with its call site, where that is known
  StatusKind kind;
  Message message;
};
using FaultPtr = std::shared_ptr<const Fault>;

/// What a failed call becomes; where there is no memory for it, one that says so.
FaultPtr fault_of(const char* op, const Status& status) noexcept;

/// The smallest and largest of integer values that came from the host, so that an index out of range is found at the
/// call.
struct HostRange {
  int64_t least, greatest;
};

/// Device bytes shared by tensors, nodes of the history and commands; freed when the last of them lets go.
///
///   JS thread only:   version, last_writer, host_range, derived, watchers (program order = queue order, so no atomics
///                     are needed)
///   executor only:    data, fault, layout, choice, resize, lend
class Storage {
 public:
  Storage(std::shared_ptr<Allocator> allocator, size_t bytes) : allocator_(std::move(allocator)), bytes_(bytes) {}
  ~Storage() {
    if (block_) allocator_->give_back(block_);
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  size_t bytes() const { return bytes_; }
  /// For scratch whose size is known only when its command runs: the bytes are lost if it grows.
  void resize(size_t bytes) {
    bytes_ = bytes;
    if (block_ && block_->bytes < bytes) allocator_->give_back(std::exchange(block_, nullptr));
    if (lent_bytes_ < bytes) lent_ = nullptr;
  }
  /// Memory that another owns, in place of a block of its own. The owner keeps it for as long as commands use these
  /// bytes.
  void lend(void* data) {
    if (block_) allocator_->give_back(std::exchange(block_, nullptr));
    lent_ = data;
    lent_bytes_ = bytes_;
  }

  uint64_t version() const { return version_; }
  std::string_view last_writer() const { return op_of(last_writer_); }
  void changed_by(const char* op) {
    ++version_;
    last_writer_ = op;
    host_range_.reset();
  }
  const std::optional<HostRange>& host_range() const { return host_range_; }
  void set_host_range(HostRange range) { host_range_ = range; }

  /// Bytes computed from these at one version, such as weights packed for a kernel. `key` says what for. Those that
  /// were computed from other bytes as well, a version of them, serve only with these.
  struct Derived {
    uint64_t key, version;
    std::shared_ptr<Storage> storage;
    std::weak_ptr<const Storage> other = {};
    uint64_t other_version = 0;
  };
  std::vector<Derived> derived;

  uint32_t watchers = 0;  ///< handles that the garbage collector is told of

  void* data() const { return lent_ ? lent_ : block_ ? block_->data : nullptr; }
  Status materialize() { return data() ? Status::ok() : allocator_->take(bytes_, &block_); }
  uint64_t layout = 0;  ///< of packed weights: RecurrentSizes::layout; 0 before they are there
  uint64_t choice =
      /// of a reserve, and of weights packed in a recorded step: RecurrentProblem::choice of the calls that it belongs
      /// to
      0;
  const FaultPtr& fault() const { return fault_; }
  void poison(FaultPtr fault) {
    fault_ = std::move(fault);
    failed_.store(true, std::memory_order_relaxed);
  }
  /// The bytes are about to be written anew, all of them.
  void heal() {
    fault_ = nullptr;
    failed_.store(false, std::memory_order_relaxed);
  }
  /// Any thread: whether the command that makes these bytes has failed already.
  bool failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<Allocator> allocator_;
  size_t bytes_;
  Allocator::Block* block_ = nullptr;
  void* lent_ = nullptr;
  size_t lent_bytes_ = 0;
  FaultPtr fault_;
  std::atomic<bool> failed_{false};
  uint64_t version_ = 0;
  const char* last_writer_ = "";
  std::optional<HostRange> host_range_;
};

}  // namespace stm
