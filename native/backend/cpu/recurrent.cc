#include "backend/cpu/recurrent.h"

#include "backend/cpu/denormals.h"
#include "backend/cpu/guarded.h"
#include "backend/cpu/recurrent/reference.h"
#include "backend/cpu/recurrent/stack.h"

namespace stm {
namespace {

Status check_problem(const RecurrentProblem& p) {
  const auto number = [](int64_t n) { return static_cast<long long>(n); };
  if (p.dtype != DType::F32 && p.dtype != DType::F64)
    return Status::refuse(StatusKind::Unsupported, "elements of another type", "f32 or f64",
                          "convert the input and the weights");
  if (p.N < 0 || p.T < 0 || p.D < 1 || p.H < 1 || p.L < 1 || p.K < 1 || p.K > 2)
    return Status::refuse(StatusKind::OutOfRange,
                          {"N %lld, T %lld, D %lld, H %lld, L %lld, K %lld", number(p.N), number(p.T), number(p.D),
                           number(p.H), number(p.L), number(p.K)},
                          "N and T from 0, D, H and L from 1, K 1 or 2", "correct the sizes");
  if (p.P < 0 || (p.P > 0 && p.cell != Cell::Lstm))
    return Status::refuse(StatusKind::Unsupported, {"a projection to %lld of %lld units", number(p.P), number(p.H)},
                          "fewer units, of an LSTM", "leave projSize out");
  return Status::ok();
}

class CpuRecurrent final : public RecurrentKernels {
 public:
  Status check(const RecurrentProblem& problem) noexcept override { return check_problem(problem); }
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
    return checked(problem, [&] {
      return problem.dtype == DType::F64 ? Status::ok()
                                         : fused_pack(problem, static_cast<const float*>(weights), packed);
    });
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

 private:
  template <class F>
  static Status checked(const RecurrentProblem& problem, F function) noexcept {
    return guarded([&] {
      const Status status = check_problem(problem);
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
