#pragma once
#include "backend/cuda/device/context.h"
#include "backend/folds.h"

namespace stm::cuda {

/// What was kept, as a T. An i32 that cannot hold it gets the nearest that it can, and the device reports it.
template <class T, class Acc>
STM_DEVICE T fitted(Acc acc, [[maybe_unused]] DeviceFault* fault, [[maybe_unused]] int32_t op) {
  if constexpr (std::is_same_v<T, int32_t> && std::is_same_v<Acc, int64_t>) {
    if (folds::overflows<T>(acc)) {
      report_fault(fault, op, {.code = DataFault::kOverflow, .value = acc});
      return acc > 0 ? INT32_MAX : INT32_MIN;
    }
  }
  return static_cast<T>(acc);
}

}  // namespace stm::cuda
