// Ops that only the tests call: faults and delays on the executor.
#include <chrono>
#include <thread>

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

Tensor fail(const Tensor& x) {
  Tensor y = empty_like(x);
  enqueue("fail", {x}, {y}, [](Backend&, Views) { return Status::fail(StatusKind::Internal, "asked to fail"); });
  return y;
}

Tensor slow(const Tensor& x, double milliseconds) {
  Tensor y = empty_like(x);
  enqueue("slow", {x}, {y}, [milliseconds](Backend& b, Views v) {
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(milliseconds));
    return b.elementwise().copy(v.in(0), v.out(0));
  });
  return y;
}

Tensor allocate(int64_t bytes, const std::string& device) {
  STM_CHECK(bytes >= 0, Kind::Option, "testAllocate", fmt::format("{} bytes", bytes), "0 or more",
            "correct the number");
  Tensor y = scratch(static_cast<size_t>(bytes), Session::current().device(device));
  enqueue("allocate", {}, {y}, [](Backend&, Views) { return Status::ok(); });
  return y;
}

}  // namespace

void declare_testing(OpTable& table) {
  table.add("testFail", &fail, {"x"}, "Fails on the executor.");
  table.add("testSlow", &slow, {"x", "milliseconds"}, "Copies after a pause on the executor.");
  table.add("testAllocate", &allocate, {"bytes", "device"}, "Asks the device for memory and leaves it as it is.");
}

}  // namespace stm::ops
