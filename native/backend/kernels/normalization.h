#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

class NormalizationKernels {
 protected:
  ~NormalizationKernels() = default;
};

}  // namespace stm
