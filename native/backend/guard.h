#pragma once
#include <exception>
#include <new>

#include "backend/status.h"

namespace stm {

/// What `work()` returns; what it throws as a Status, because no exception leaves a kernel or a command.
template <class Work>
Status guarded(const Work& work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Status::without_memory();
  } catch (const std::exception& error) {
    return Status::fail(StatusKind::Internal, {"%s", error.what()});
  }
}

}  // namespace stm
