#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

class IndexingKernels {
 protected:
  ~IndexingKernels() = default;
};

}  // namespace stm
