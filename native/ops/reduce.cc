#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {

void declare_reduce(OpTable&) {}

}  // namespace stm::ops
