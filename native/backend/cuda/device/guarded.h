#pragma once
#include <exception>
#include <new>

#include "backend/status.h"

namespace stm::cuda {

/// What `function` returns; what it throws as a Status. No exception leaves the plug-in.
template <class F>
Status guarded(F function) noexcept {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return Status::fail(StatusKind::OutOfMemory, "the host is out of memory", "use a smaller batch, or free tensors");
  } catch (const std::exception& error) {
    return Status::fail(StatusKind::Internal, {"%s", error.what()});
  }
}

}  // namespace stm::cuda
