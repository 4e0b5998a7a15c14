#include "backend/cpu/recurrent.h"

#include "backend/check_recurrent.h"
#include "backend/cpu/denormals.h"
#include "backend/cpu/stopping.h"
#include "backend/cpu/recurrent/reference.h"
#include "backend/cpu/recurrent/stack.h"

namespace stm {
namespace {

class CpuRecurrent final : public RecurrentKernels {
 public:
  Status check(const RecurrentProblem& problem) noexcept override { return check_sizes(problem); }
  Status choose(const RecurrentProblem&, bool, uint64_t* choice) noexcept override {
    *choice = 1;  // the only way
    return Status::ok();
  }
  Status sizes(const RecurrentProblem& problem, RecurrentSizes* out) noexcept override {
    return checked(problem, [&] {
      return problem.dtype == DType::F64 ? reference_sizes(problem, out) : fused_sizes(problem, out);
    });
  }
  Status pack(const RecurrentProblem& problem, const void* weights, void* packed) noexcept override {
    return checked(problem,
                   [&] { return problem.dtype == DType::F64 ? Status::ok() : fused_pack(problem, weights, packed); });
  }
  Status forward(const RecurrentProblem& problem, const RecurrentForward& buffers) noexcept override {
    return checked(problem, [&] {
      return problem.dtype == DType::F64 ? reference_forward(problem, buffers) : fused_forward(problem, buffers);
    });
  }
  Status backward(const RecurrentProblem& problem, const RecurrentBackward& buffers) noexcept override {
    return checked(problem, [&] {
      return problem.dtype == DType::F64 ? reference_backward(problem, buffers) : fused_backward(problem, buffers);
    });
  }

  bool computes_ahead(const RecurrentProblem& problem) const noexcept override {
    return problem.dtype == DType::F32 && fused_ahead_pays(problem);
  }
  Status ahead(const RecurrentProblem& problem, const void* packed, const void* h0, void* sums) noexcept override {
    return checked(problem, [&] { return fused_ahead(problem, packed, h0, sums); });
  }

 private:
  template <class F>
  static Status checked(const RecurrentProblem& problem, F function) noexcept {
    return guarded_until_stopped([&] {
      const Status status = check_sizes(problem);
      const FlushDenormals flush;
      return status.is_ok() ? function() : status;
    });
  }
};

}  // namespace

RecurrentKernels& cpu_recurrent() noexcept {
  static CpuRecurrent kernels;
  return kernels;
}

}  // namespace stm
