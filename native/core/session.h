#pragma once
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include "backend/math_mode.h"
#include "core/device.h"
#include "core/random.h"
#include "core/tensor.h"

namespace stm {

class DryRun;
class Recording;

/// Everything one JavaScript environment (main thread or worker) owns. Nothing in core or ops is global: an op finds
/// its session through `current()`, a thread-local that the binding sets for the length of one native call.
class Session {
 public:
  Session();
  ~Session();
  Device& device(
      const std::string& name);  ///< opens it at its first use; throws a DeviceError if there is none of that name
  const std::vector<std::unique_ptr<Device>>& devices() const { return devices_; }  ///< those that are open
  /// Stops all devices, and those that are opened later.
  void stop();

  bool grad_enabled = true;  ///< false inside backward() and noGrad
  bool retaining_graph =
      false;  ///< inside backward({ retainGraph: true }): a backward function must leave what it saved as it was
  uint64_t next_node = 0;
  Generator generator;             ///< begins with a seed of its own in each environment
  MathMode math = MathMode::Tf32;  ///< what the ops that follow may compute f32 products in
  bool deterministic = false;

  QueueLimits queue_limits;  ///< of every device
  /// Whether the environment goes on, asked now and then while its thread waits for room in a queue; null: it does.
  std::function<bool()> still_wanted;

  /// The step that is being recorded, if one is and that is not paused.
  Recording* recording() const { return recording_paused ? nullptr : recorder.get(); }
  std::unique_ptr<Recording> recorder;
  bool recording_paused = false;
  std::unordered_map<int64_t, std::unique_ptr<Recording>> recordings;  ///< finished ones by their numbers
  int64_t next_recording = 0;
  /// Takes commands in place of the queues, if it is there.
  std::unique_ptr<DryRun> dry_run;
  /// Ends a dry run by queueing what it holds, because somebody wants to see it. To be called before anything that goes
  /// into a queue by itself.
  void compute_dry_run();
  uint64_t moves = 0;  ///< how often tensors were given other storages: a recording made before knows only the old ones

  static Session& current() { return *current_; }

  class Entry {
   public:
    explicit Entry(Session& session) : previous_(std::exchange(current_, &session)) {}
    ~Entry() { current_ = previous_; }

   private:
    Session* previous_;
  };
  class NoGrad {
   public:
    NoGrad() : previous_(std::exchange(current().grad_enabled, false)) {}
    ~NoGrad() { current().grad_enabled = previous_; }

   private:
    bool previous_;
  };

 private:
  std::vector<std::unique_ptr<Device>> devices_;
  bool stopped_ = false;
  static inline thread_local Session* current_ = nullptr;
};

}  // namespace stm
