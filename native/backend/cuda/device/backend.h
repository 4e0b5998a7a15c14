#pragma once
#include "backend/backend.h"
#include "backend/status.h"

namespace stm::cuda {

/// A device for one environment. It is set up on the executor's thread, at its first command; until then only what any
/// thread may ask is there.
Status open_device(int device, Backend** out);

void describe_device(int device, DeviceFacts* out);

}  // namespace stm::cuda
