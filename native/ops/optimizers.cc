#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {

void declare_optimizers(OpTable&) {}

}  // namespace stm::ops
