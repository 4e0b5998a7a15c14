#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {

void declare_indexing(OpTable&) {}

}  // namespace stm::ops
