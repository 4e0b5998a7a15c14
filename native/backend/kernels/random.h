#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

class RandomKernels {
 protected:
  ~RandomKernels() = default;
};

}  // namespace stm
