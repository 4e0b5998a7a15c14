// Captures of one back end while others on the device, those of workers, go about their business.
// usage: cuda_capture_test [seed]
#include <dlfcn.h>

#include <chrono>
#include <future>

#include "backend/cuda/device/backend.h"
#include "backend/cuda/device/locks.h"
#include "cuda-standin/control.h"
#include "cuda_recurrent.h"

namespace stm::cuda::test {
namespace {

/// A back end as the addon opens it, on its executor's thread.
class Opened {
 public:
  Opened() {
    require(open_device(0, &backend_), "open_device");
    require(backend_->entering("test"), "entering");
  }
  ~Opened() { close(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  void close() {
    if (backend_) std::exchange(backend_, nullptr)->close();
  }
  Backend* operator->() const { return backend_; }

  /// Waits for all that was asked for.
  void settle() {
    std::promise<Status> settled;
    backend_->notify(
        [](void* to, const Status& status, const char*) { static_cast<std::promise<Status>*>(to)->set_value(status); },
        &settled);
    require(settled.get_future().get(), "notify");
  }
  int32_t read(const void* from) {
    int32_t value = -1;
    require(backend_->download(&value, from, sizeof value), "download");
    settle();
    return value;
  }
  int32_t* number(int32_t value) {
    void* data = nullptr;
    require(backend_->allocate(sizeof value, &data), "allocate");
    require(backend_->upload(data, &value, sizeof value), "upload");
    return static_cast<int32_t*>(data);
  }

 private:
  Backend* backend_ = nullptr;
};

/// Whether another thread's action is still under way after a while, which is many times what it takes.
template <class T>
bool waits(const std::future<T>& action) {
  return action.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout;
}

/// What another thread does in the middle of a capture must wait for its end, and be done then.
void check_waits(const std::string& name, const std::function<void()>& action) {
  Opened device;
  int32_t *const from = device.number(7), *const to = device.number(0);
  require(device->begin_capture(), "begin_capture");
  std::future<void> other = std::async(std::launch::async, action);
  require(waits(other), name + " does not wait for the end of a capture");
  require(device->copy(to, from, sizeof *to), name + ": a call that is captured");
  void* graph = nullptr;
  require(device->end_capture(&graph), name + ": the capture");
  other.get();
  require(device.read(to) == 0, name + ": a capture runs what it captures");
  if (graph) require(device->launch(graph), name + ": the graph");
  require(device.read(to) == 7, name + ": the graph does nothing");
  device->release_graph(graph);
  device->release(from);
  device->release(to);
}

RecurrentProblem problem(Algorithm algorithm) {
  RecurrentProblem p;
  p.N = 3, p.T = 5, p.D = 4, p.H = 6;
  p.algorithm = algorithm;
  return p;
}

void check_whole_device() {
  check_waits("setting up", [] { const Opened other; });
  {
    Opened other;
    check_waits("ending", [&] { other.close(); });
  }
  {
    Opened other;
    int32_t value = 0, *const data = other.number(3);
    check_waits("page-locking memory for a read",
                [&] { require(other->download(&value, data, sizeof value), "download"); });
    check_waits("page-locking memory for faults", [&] { other.settle(); });
    require(value == 3, "the read");
    check_waits("emptying the pool", [&] { other->trim(); });
    RecurrentSizes sizes;
    uint64_t choice = 0;
    check_waits("trying an algorithm", [&] {
      require(other->recurrent().choose(problem(Algorithm::PersistStatic), false, &choice), "choose");
    });
    check_waits("compiling a network", [&] {
      RecurrentProblem p = problem(Algorithm::PersistDynamic);
      p.N = 4;
      require(other->recurrent().sizes(p, &sizes), "sizes");
    });
    other->release(data);
  }
}

/// Layers in graphs, some of which could not be captured, leave nothing behind once these are gone.
void check_plans() {
  constexpr int64_t kProblems = 2100;  // more than are remembered
  Device device;
  Opened opened;
  RecurrentKernels& kernels = opened->recurrent();
  Case c;
  c.p.cell = Cell::Lstm, c.p.N = 1, c.p.D = 1, c.p.H = 1, c.p.T = kProblems;
  c.p.algorithm = Algorithm::Standard;
  c.draw_values();
  OnDevice on(device, c, kernels);
  require(on.prepare(), "prepare");
  device.wait();
  RecurrentSizes sizes;
  char text[512];
  const auto descriptors = [&](int64_t hidden) {  // once these problems are all that is remembered
    RecurrentProblem p = c.p;
    p.H = hidden;
    for (p.T = 1; p.T <= kProblems; ++p.T) require(kernels.sizes(p, &sizes), "sizes");
    return standin_leaks(text, sizeof text);
  };
  opened.settle();
  (void)descriptors(3);
  const int before = descriptors(2);
  std::vector<void*> graphs;
  for (c.p.T = 1; c.p.T <= kProblems; ++c.p.T) {
    require(on.forward(), "warming up");
    const bool fails = c.p.T % 3 == 0;
    standin_reset_counts();
    if (fails) standin_set_faults("cudaStreamEndCapture:1=901");
    void* graph = nullptr;
    require(opened->begin_capture(), "begin_capture");
    require(on.forward(), "capturing");
    require(opened->end_capture(&graph).is_ok() != fails && fails == !graph, "end_capture");
    standin_set_faults("");
    if (graph) graphs.push_back(graph);
  }
  opened.settle();
  const int during = descriptors(3);
  for (void* graph : graphs) {
    require(opened->launch(graph), "launch");
    opened->release_graph(graph);
  }
  opened.settle();
  require(during >= before + 2 * static_cast<int>(graphs.size()),
          "graphs do not keep the descriptors that they may read");
  const int after = descriptors(2);
  require(after == before, "descriptors of graphs that are gone stay: " + std::to_string(after - before) + ", " + text);
}

/// One layer that a graph calls often is one plan to keep, which displaces no others when the graph is gone.
void check_calls_of_one_plan() {
  Device device;
  Opened opened;
  RecurrentKernels& kernels = opened->recurrent();
  Case c;
  c.p.N = 1, c.p.D = 1, c.p.H = 1, c.p.T = 2;
  c.p.algorithm = Algorithm::Standard;
  c.draw_values();
  OnDevice on(device, c, kernels);
  require(on.prepare(), "prepare");
  device.wait();
  require(on.forward(), "warming up");
  RecurrentProblem other = c.p;
  other.T = 3;
  RecurrentSizes sizes;
  require(kernels.sizes(other, &sizes), "sizes");
  void* graph = nullptr;
  require(opened->begin_capture(), "begin_capture");
  for (int i = 0; i < 2100; ++i) require(on.forward(), "capturing");
  require(opened->end_capture(&graph), "end_capture");
  opened->release_graph(graph);
  standin_reset_counts();
  require(kernels.sizes(other, &sizes), "sizes");
  require(standin_call_count("cudnnSetRNNDataDescriptor") == 0, "many calls of one layer displace another's plan");
  opened.settle();
}

/// Whom the lock keeps apart, and whom it must not.
void check_lock() {
  const auto elsewhere = [](auto work) { return std::async(std::launch::async, work); };
  const auto exclusive = [](int device) { const ExclusiveLock lock(device); };
  const auto capture = [](int device) { const CaptureLock lock(device); };
  std::future<void> later;
  {
    const CaptureLock outer(0);
    { const ExclusiveLock other_device(1); }
    { const CaptureLock own(0); }
    const ExclusiveLock own(0);  // would wait for itself, if what is held were forgotten
    elsewhere([&] { capture(0), exclusive(1); }).get();
    later = elsewhere([&] { exclusive(0); });
    require(waits(later), "somebody else has a device that is being captured on");
  }
  later.get();
  {
    const ExclusiveLock outer(0), inner(0);
    later = elsewhere([&] { capture(0); });
    require(waits(later), "a capture begins on a device that somebody has alone");
  }
  later.get();
}

/// Who waits for the end of a capture comes after its graph has been made.
void check_instantiation() {
  Opened device;
  int32_t *const from = device.number(7), *const to = device.number(0);
  standin_reset_counts();
  require(device->begin_capture(), "begin_capture");
  std::future<unsigned long long> later = std::async(std::launch::async, [] {
    const ExclusiveLock lock(0);
    return standin_call_count("cudaGraphUpload");
  });
  require(waits(later), "nobody waits");
  // So many that it takes longer to make the graph than to wake up.
  for (int i = 0; i < 20'000; ++i) require(device->copy(to, from, sizeof *to), "copy");
  void* graph = nullptr;
  require(device->end_capture(&graph), "end_capture");
  require(later.get() == 1, "another thread has the device before the graph is on it");
  device->release_graph(graph);
  device->release(from);
  device->release(to);
}

int run() {
  // The libraries are those that this program is linked with.
  Dl_info standin;
  if (!dladdr(reinterpret_cast<const void*>(&standin_reset_counts), &standin)) return 1;
  for (const char* name : {"STMNET_CUBLAS_LIB", "STMNET_CUDNN_LIB"}) setenv(name, standin.dli_fname, 1);
  setenv("STMNET_CACHE_DIR", "/dev/null/none", 1);  // what was measured before is measured again
  check_lock();
  check_instantiation();
  check_whole_device();
  check_plans();
  check_calls_of_one_plan();
  char text[512];
  require(standin_leaks(text, sizeof text) == 0, std::string("left behind: ") + text);
  return finish("cuda_capture_test");
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  stm::cuda::test::begin(argc, argv);
  return stm::cuda::test::run();
}
