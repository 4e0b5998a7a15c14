#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

class OptimizerKernels {
 protected:
  ~OptimizerKernels() = default;
};

}  // namespace stm
