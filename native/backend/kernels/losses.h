#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

class LossKernels {
 protected:
  ~LossKernels() = default;
};

}  // namespace stm
