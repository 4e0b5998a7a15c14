#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

class ReduceKernels {
 protected:
  ~ReduceKernels() = default;
};

}  // namespace stm
