#include "binding/environment_ops.h"

#include "binding/environment.h"
#include "binding/source_hash.h"

namespace stm::binding {

/// Summed over devices.
struct MemoryReport {
  int64_t handles = 0, collected_by_gc = 0, used_bytes = 0, peak_bytes = 0, cached_bytes = 0, queued_commands = 0, queued_bytes = 0, peak_commands = 0,
          stalls = 0;
  double stalled_ms = 0;
};

}  // namespace stm::binding

namespace stm {
template <>
struct RecordFields<binding::MemoryReport> {
  using M = binding::MemoryReport;
  static constexpr auto fields =
      std::tuple{std::pair{"handles", &M::handles},          std::pair{"collectedByGc", &M::collected_by_gc}, std::pair{"usedBytes", &M::used_bytes},
                 std::pair{"peakBytes", &M::peak_bytes},     std::pair{"cachedBytes", &M::cached_bytes},      std::pair{"queuedCommands", &M::queued_commands},
                 std::pair{"queuedBytes", &M::queued_bytes}, std::pair{"peakCommands", &M::peak_commands},    std::pair{"stalls", &M::stalls},
                 std::pair{"stalledMs", &M::stalled_ms}};
};
}  // namespace stm

namespace stm::binding {
namespace {

void dispose(HandleId id) { Environment::current().handles.dispose(id.value); }

MemoryReport memory() {
  Environment& environment = Environment::current();
  MemoryReport report;
  report.handles = environment.handles.stats().live;
  report.collected_by_gc = environment.handles.stats().collected_by_gc;
  for (const auto& device : environment.session.devices()) {
    const QueueStats queue = device->executor.stats();
    report.used_bytes += device->allocator->used_bytes();
    report.peak_bytes += device->allocator->peak_bytes();
    report.cached_bytes += device->allocator->cached_bytes();
    report.queued_commands += queue.commands;
    report.queued_bytes += queue.bytes;
    report.peak_commands += queue.peak_commands;
    report.stalls += queue.stalls;
    report.stalled_ms += queue.stalled_ms;
  }
  return report;
}

void shut_down() { Environment::current().stop(); }

void set_queue_limits(int64_t commands, int64_t bytes) {
  for (const auto& device : Environment::current().session.devices()) device->executor.set_limits({static_cast<size_t>(commands), static_cast<size_t>(bytes)});
}

Fence synchronize(const std::string& device) { return {&Session::current().device(device)}; }

ReadBack data(const Tensor& x) { return {x}; }

Device& cpu() { return Session::current().device("cpu"); }
int64_t num_threads() { return cpu().backend.num_threads(); }
void set_num_threads(int64_t count) {
  STM_CHECK(count >= 0 && count <= 1024, Kind::Option, "setNumThreads: got {}, expected a whole number in 0..1024.\n  Fix: 0 goes back to the default.", count);
  cpu().backend.set_num_threads(static_cast<int32_t>(count));
}

Device& device_at(int64_t index) {
  const auto& devices = Session::current().devices();
  STM_CHECK(index >= 0 && index < static_cast<int64_t>(devices.size()), Kind::Option, "device: got number {}, expected 0..{}.\n  Fix: ask deviceCount() first.",
            index, devices.size() - 1);
  return *devices[static_cast<size_t>(index)];
}
int64_t device_count() { return static_cast<int64_t>(Session::current().devices().size()); }
std::string device_name(int64_t index) { return device_at(index).name; }
std::string device_description(int64_t index) { return device_at(index).backend.description(); }

std::string source_hash() { return stmnet_source_hash(); }

}  // namespace

void declare_environment(OpTable& ops) {
  ops.add("dispose", &dispose, {"x"}, "Gives up a handle. Commands and graph nodes that hold the storage keep it until they are done.");
  ops.add("data", &data, {"x"}, "A copy of the elements in row-major order, once every earlier command has run.");
  ops.add("synchronize", &synchronize, {"device"}, "Resolves once every earlier command of the device has run.");
  ops.add("memory", &memory, "What is alive, allocated and queued now.");
  ops.add("shutDown", &shut_down, "Finishes the running command, drops the queue and joins the executor; later ops do nothing.");
  ops.add("setQueueLimits", &set_queue_limits, {"commands", "bytes"}, "What may wait in the queue before an op call waits for room.");
  ops.add("numThreads", &num_threads, "Threads that the CPU computes with.");
  ops.add("setNumThreads", &set_num_threads, {"count"}, "Sets the threads that the CPU computes with; 0 goes back to the default.");
  ops.add("deviceCount", &device_count, "How many devices this environment has.");
  ops.add("deviceName", &device_name, {"index"}, "Name of a device.");
  ops.add("deviceDescription", &device_description, {"index"}, "How a device computes, for people.");
  ops.add("sourceHash", &source_hash, "Hash of the sources that this addon was built from.");
}

}  // namespace stm::binding
