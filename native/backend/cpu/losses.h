#pragma once
#include <atomic>
#include <limits>

#include "backend/cpu/stopping.h"
#include "backend/cpu/team.h"
#include "backend/data_fault.h"
#include "backend/dispatch.h"
#include "backend/kernels/losses.h"

namespace stm {

/// The first of the items that are wrong, whichever thread finds it.
class FirstWrong {
 public:
  void at(int64_t item) {
    int64_t seen = item_.load(std::memory_order_relaxed);
    while (item < seen && !item_.compare_exchange_weak(seen, item, std::memory_order_relaxed)) {
    }
  }
  bool any() const { return item_.load() != kNone; }
  int64_t item() const { return item_.load(); }

 private:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> item_{kNone};
};

// The groups of losses.cc, each in a file of its own.
Status cpu_cross_entropy(const CrossEntropyLoss& loss, const View& input, const View& target, const View& class_weight,
                         const View& step_weight, const View& result, const View& saved);
Status cpu_cross_entropy_backward(const CrossEntropyLoss& loss, const View& input, const View& target,
                                  const View& class_weight, const View& step_weight, const View& saved,
                                  const View& dresult, const View& dinput);
Status cpu_ctc(const CtcLoss& loss, const View& input, const View& target, const View& result, const View& losses,
               const View& alpha);
Status cpu_ctc_backward(const CtcLoss& loss, const View& input, const View& target, const View& losses,
                        const View& alpha, const View& dresult, const View& beta, const View& dinput);

}  // namespace stm
