#include "core/storage.h"

namespace stm {
namespace {
// Made when the addon is loaded, because it is wanted when nothing can be made any more; never destroyed, because the
// executors of workers may outlive a static.
const FaultPtr& without_memory = *new FaultPtr(std::make_shared<const Fault>(Fault{
    "an op", StatusKind::OutOfMemory, {"the host is out of memory", "", "use a smaller batch, or free tensors"}}));
}  // namespace

FaultPtr fault_of(const char* op, const Status& status) noexcept try {
  return std::make_shared<const Fault>(Fault{op, status.kind, status.message()});
} catch (const std::exception&) {
  return without_memory;
}

}  // namespace stm
