#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

class MatmulKernels {
 protected:
  ~MatmulKernels() = default;
};

}  // namespace stm
