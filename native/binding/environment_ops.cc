#include "binding/environment_ops.h"

#include "backend/source_hash.h"
#include "binding/environment.h"
#include "core/allocation_faults.h"
#include "core/call_site.h"
#include "core/dry_run.h"
#include "core/plugins.h"
#include "core/recording.h"
#include "ops/ops.h"

namespace stm::binding {

/// Summed over devices.
struct MemoryReport {
  int64_t handles = 0, collected_by_gc = 0, used_bytes = 0, peak_bytes = 0, cached_bytes = 0, queued_commands = 0,
          queued_bytes = 0, peak_commands = 0, stalls = 0;
  double stalled_ms = 0;
};

/// What `devices()` says of one device.
struct DeviceReport {
  std::string name, model, description, vectors, products, limit, cudnn, reason;
  bool available = false;
  int64_t memory_bytes = 0;
};

/// What `doctor` says of one part.
struct PartReport {
  std::string name, version, path, problem, fix;
  bool found = false;
};

}  // namespace stm::binding

namespace stm {
template <>
struct RecordFields<binding::DeviceReport> {
  using D = binding::DeviceReport;
  static constexpr auto fields =
      std::tuple{std::pair{"name", &D::name},       std::pair{"available", &D::available},
                 std::pair{"model", &D::model},     std::pair{"description", &D::description},
                 std::pair{"vectors", &D::vectors}, std::pair{"products", &D::products},
                 std::pair{"limit", &D::limit},     std::pair{"memory", &D::memory_bytes},
                 std::pair{"cudnn", &D::cudnn},     std::pair{"reason", &D::reason}};
};
template <>
struct RecordFields<binding::PartReport> {
  using P = binding::PartReport;
  static constexpr auto fields =
      std::tuple{std::pair{"name", &P::name}, std::pair{"found", &P::found},     std::pair{"version", &P::version},
                 std::pair{"path", &P::path}, std::pair{"problem", &P::problem}, std::pair{"fix", &P::fix}};
};
template <>
struct EnumNames<MathMode> {
  static constexpr const char* names[] = {"fma", "tf32", "bf16", "f16"};
};
template <>
struct RecordFields<binding::MemoryReport> {
  using M = binding::MemoryReport;
  static constexpr auto fields = std::tuple{std::pair{"handles", &M::handles},
                                            std::pair{"collectedByGc", &M::collected_by_gc},
                                            std::pair{"usedBytes", &M::used_bytes},
                                            std::pair{"peakBytes", &M::peak_bytes},
                                            std::pair{"cachedBytes", &M::cached_bytes},
                                            std::pair{"queuedCommands", &M::queued_commands},
                                            std::pair{"queuedBytes", &M::queued_bytes},
                                            std::pair{"peakCommands", &M::peak_commands},
                                            std::pair{"stalls", &M::stalls},
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

void shut_down() { Session::current().stop(); }

void set_queue_limits(int64_t commands, int64_t bytes) {
  Session& session = Session::current();
  session.queue_limits = {static_cast<size_t>(commands), static_cast<size_t>(bytes)};
  for (const auto& device : session.devices()) device->executor.set_limits(session.queue_limits);
}

void set_max_memory(const std::string& device, int64_t bytes) {
  STM_CHECK(bytes >= 0, Kind::Option, "setMaxMemory", fmt::format("{}", bytes), "a number of bytes, or 0 for no limit",
            "pass one such as 8 * 2 ** 30");
  Session::current().device(device).allocator->set_limit(bytes);
}

MathMode math_mode() { return Session::current().math; }
void set_math_mode(MathMode math) { Session::current().math = math; }
bool is_deterministic() { return Session::current().deterministic; }
void set_deterministic(bool on) { Session::current().deterministic = on; }

bool begin_dry_run(const std::string& op, const std::string& given, const std::string& expected,
                   const std::string& fix) {
  std::unique_ptr<DryRun>& dry_run = Session::current().dry_run;
  if (dry_run) return false;
  dry_run = std::make_unique<DryRun>(op, Message{given, expected, fix});
  return true;
}

void end_dry_run() {
  if (const std::unique_ptr<DryRun> held = std::move(Session::current().dry_run)) held->discard();
}

Fence synchronize(const std::string& device) { return {&Session::current().device(device)}; }

Fence empty_cache(const std::string& name) {
  struct EmptyCache final : Command {
    explicit EmptyCache(Allocator& allocator) : Command("emptyCache", {}), allocator(allocator) {}
    Status run(Backend&) override {
      allocator.empty_cache();
      return Status::ok();
    }
    Allocator& allocator;
  };
  refuse_while_recording("emptyCache()", "call it outside the step");
  Device& device = Session::current().device(name);
  device.executor.push(std::make_unique<EmptyCache>(*device.allocator), Session::current().still_wanted);
  return {&device, false};
}

void test_fail_allocations(int64_t after, int64_t count) {
  STM_CHECK(after >= 0 && count >= 0, Kind::Option, "testFailAllocations", fmt::format("{} and {}", after, count),
            "numbers of 0 or more", "correct them");
  fail_allocations(after, count);
}
int64_t test_stop_failing() { return stop_failing(); }

void move_tensors(const std::vector<Tensor>& tensors, const std::string& device) {
  ops::move(tensors, Session::current().device(device));
  Environment::current().handles.recount();
}

ReadBack data(const Tensor& x) { return {x}; }

Device& cpu() { return Session::current().device("cpu"); }
int64_t num_threads() { return cpu().backend.num_threads(); }
void set_num_threads(int64_t count) {
  STM_CHECK(count >= 0 && count <= 1024, Kind::Option, "setNumThreads", fmt::format("{}", count),
            "a whole number in 0..1024", "0 goes back to the default");
  cpu().backend.set_num_threads(static_cast<int32_t>(count));
}

std::vector<DeviceReport> devices() {
  std::vector<DeviceReport> reports;
  for (const DeviceListing& d : list_devices()) {
    const DeviceFacts& facts = d.facts;
    reports.push_back({d.name, facts.model, facts.details, facts.vectors, facts.products, facts.limit, facts.cudnn,
                       d.reason, d.available, facts.memory_bytes});
  }
  return reports;
}

std::vector<PartReport> parts() {
  std::vector<PartReport> reports;
  for (const DevicePart& p : device_parts()) reports.push_back({p.name, p.version, p.path, p.problem, p.fix, p.found});
  return reports;
}

void use_plugin(const std::string& file) { set_plugin(file, stmnet_source_hash()); }

void tell_call_site(const std::string& site) { set_call_site(site); }

std::string source_hash() { return stmnet_source_hash(); }

}  // namespace

void declare_environment(OpTable& ops) {
  ops.add("dispose", &dispose, {"x"},
          "Gives up a handle. Commands and histories that hold the storage keep it until they are done.");
  ops.add("moveTensors", &move_tensors, {"tensors", "device"},
          "Moves leaves to a device, where they are the same tensors; those that share bytes still do.");
  ops.add("data", &data, {"x"}, "A copy of the elements in row-major order, once every earlier command has run.");
  ops.add("beginDryRun", &begin_dry_run, {"op", "given", "expected", "fix"},
          "Holds the commands of the ops that follow, until values are read; the message is for reads that come later. "
          "Returns false if there is a dry run already.");
  ops.add("endDryRun", &end_dry_run, "Drops what a dry run holds.");
  ops.add("synchronize", &synchronize, {"device"}, "Resolves once every earlier command of the device has run.");
  ops.add("emptyCache", &empty_cache, {"device"},
          "Gives what a device keeps for later back to the system, once every earlier command has run.");
  ops.add("testFailAllocations", &test_fail_allocations, {"after", "count"},
          "Counts allocations from here on; count of them fail, after the first few.");
  ops.add("testStopFailing", &test_stop_failing, "Ends that. Returns how many allocations there were.");
  ops.add("memory", &memory, "What is alive, allocated and queued now.");
  ops.add("shutDown", &shut_down,
          "Ends the running command, drops the queue and joins the executor; later ops do nothing.");
  ops.add("setQueueLimits", &set_queue_limits, {"commands", "bytes"},
          "What may wait in the queue before an op call waits for room.");
  ops.add("numThreads", &num_threads,
          "Threads that the CPU is to compute with: fewer, where the system gives no more.");
  ops.add("setNumThreads", &set_num_threads, {"count"},
          "Sets the threads that the CPU computes with; 0 goes back to the default.");
  ops.add("devices", &devices,
          "The devices of this machine, and the kinds that there could be and why they are missing.");
  ops.add("deviceParts", &parts, "What computing on a GPU needs: what was found, and what is missing.");
  ops.add("usePlugin", &use_plugin, {"file"},
          "Where the device plug-in lies, which is loaded when it is first needed.");
  ops.add("setMaxMemory", &set_max_memory, {"device", "bytes"},
          "What the tensors of a device may hold at most; 0: as much as there is.");
  ops.add("mathMode", &math_mode, "What products of f32 numbers may be computed in.");
  ops.add("setMathMode", &set_math_mode, {"math"},
          "Sets what products of f32 numbers may be computed in, for the calls that follow.");
  ops.add("isDeterministic", &is_deterministic,
          "Whether only algorithms are chosen that give the same bits in every run.");
  ops.add("setDeterministic", &set_deterministic, {"on"},
          "Chooses only algorithms that give the same bits in every run, or not.");
  ops.add("setCallSite", &tell_call_site, {"site"},
          "Where the calls that follow come from, for what the device reports later; empty: not known.");
  ops.add("sourceHash", &source_hash, "Hash of the sources that this addon was built from.");
}

}  // namespace stm::binding
