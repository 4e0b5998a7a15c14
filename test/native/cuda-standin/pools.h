#pragma once
#include <functional>

#include "cuda-standin/memory.h"

namespace stm::standin {

/// Default pools and those that were made.
std::vector<std::shared_ptr<Pool>> all_pools();
std::shared_ptr<Pool> default_pool(int device);
std::shared_ptr<Pool> find_pool(cudaMemPool_t handle);

/// cudaErrorNotSupported where the devices have no pools.
cudaError_t refuse_without_pools();

/// Calls `change` while nobody else looks at the pools. False if there is none of that handle.
bool with_pool(cudaMemPool_t handle, const std::function<void(Pool&)>& change);

}  // namespace stm::standin
