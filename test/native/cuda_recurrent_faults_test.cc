// Every call that the recurrent kernels make fails once, at each of its turns: the failure is reported by name, nothing
// leaks, and the next call works. usage: cuda_recurrent_faults_test [seed]
#include "cuda-standin/control.h"
#include "cuda_recurrent.h"

namespace stm::cuda::test {
namespace {

/// All that can be moved is: unsorted lengths with zeros, pieces, crooked inputs.
Case moved_case() {
  Case c;
  c.p.dtype = DType::F32;
  c.p.math = MathMode::Bf16;
  c.p.N = 4, c.p.T = 5, c.p.D = 3, c.p.H = 6, c.p.L = 2, c.p.K = 2;
  c.p.training = true;
  c.lengths = {3, 0, 5, 1};
  c.crooked = true;
  c.draw_values();
  return c;
}

/// Nothing is, but for what begins crookedly.
Case direct_case() {
  Case c;
  c.p.N = 3, c.p.T = 4, c.p.D = 3, c.p.H = 6, c.p.L = 2;
  c.p.training = true;
  c.p.algorithm = Algorithm::PersistDynamic;
  c.crooked = true;
  c.with_dy = false;
  c.draw_values();
  return c;
}

/// What the plug-in is asked for. `fault` holds for the kernels' own calls, not for those of the test around them.
Status run(Device& device, Case& c, const std::string& fault, unsigned long long* calls, const char* name) {
  CudaRecurrent kernels(device.context);
  OnDevice on(device, c, kernels);
  const auto counted = [&](auto f) {
    const unsigned long long before = standin_call_count(name);
    const Status status = f();
    *calls += standin_call_count(name) - before;
    return status;
  };
  standin_reset_counts();
  *calls = 0;
  standin_set_faults(fault.c_str());
  RecurrentSizes sizes;
  Status status = counted([&] { return kernels.sizes(c.p, &sizes); });
  if (status.is_ok()) status = counted([&] { return on.prepare(); });
  if (status.is_ok()) status = counted([&] { return on.forward(); });
  if (status.is_ok()) status = counted([&] { return on.backward(); });
  standin_set_faults("");
  device.wait();
  if (!status.is_ok()) return status;
  compare(c, on.results(), expected_of(c), fault.empty() ? "without a fault" : fault);
  return status;
}

void check_faults(Device& device, Case c, const char* steps) {
  setenv("STMNET_CUDNN_MAX_STEPS", steps, 1);
  unsigned long long calls = 0;
  char text[512];
  require(run(device, c, "", &calls, "cudnnRNNForward"), "without a fault");
  require(calls > 0, "nothing is called");
  for (int i = 0; const char* const name = standin_functions(i); ++i) {
    if (std::strcmp(name, "cudaMalloc") == 0 || std::strcmp(name, "cudaFree") == 0) continue;  // the test's own
    const bool destroys = std::strstr(name, "Destroy") != nullptr;
    for (int turn = 1; turn <= 40; ++turn) {
      const std::string fault =
          std::string(name) + ":" + std::to_string(turn) + (std::strncmp(name, "cudnn", 5) == 0 ? "=3000" : "=2");
      const int before = standin_leaks(text, sizeof text);
      const Status status = run(device, c, fault, &calls, name);
      const bool failed = calls >= static_cast<unsigned long long>(turn) && !destroys &&
                          std::strcmp(name, "cudnnGetLastErrorString") != 0 &&
                          std::strcmp(name, "cudnnGetErrorString") != 0;
      require(failed == !status.is_ok(), fault + ": " + (failed ? "no failure is reported" : text_of(status)));
      const bool launch = std::strcmp(name, "cudaLaunchKernel") == 0 ||
                          std::strcmp(name, "cudaGetLastError") == 0;  // reported by the kernel's name
      const char* const kind = launch ? "failed" : name;
      if (failed && !std::strstr(name, "Descriptor"))
        require(says(status, kind), fault + " is reported as " + text_of(status));
      if (!destroys) require(standin_leaks(text, sizeof text) == before, fault + " leaks: " + text);
      if (calls < static_cast<unsigned long long>(turn)) break;
    }
  }
  unsetenv("STMNET_CUDNN_MAX_STEPS");
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  setenv("STMNET_CUDNN_AUTOTUNE", "0", 1);
  DeviceWithLibraries device;
  check_faults(device, direct_case(), "9");
  check_faults(device, moved_case(), "9");
  check_faults(device, moved_case(), "2");
  return finish("cuda_recurrent_faults_test");
}
