#pragma once
#include <exception>
#include <new>

#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"

namespace stm {

/// Calls `function()`, which may end at a stop point; memory that it cannot get for its own bookkeeping is a Status,
/// because no exception leaves a kernel.
template <class F>
Status guarded(F function) noexcept {
  try {
    Status status = Status::ok();
    stoppable([&] { status = function(); });
    return status;
  } catch (const std::bad_alloc&) {
    return Status::fail(StatusKind::OutOfMemory, "the host is out of memory", "use a smaller batch, or free tensors");
  } catch (const std::exception& error) {
    return Status::fail(StatusKind::Internal, {"%s", error.what()});
  }
}

}  // namespace stm
