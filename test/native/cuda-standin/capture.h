#pragma once
#include "cuda-standin/streams.h"

namespace stm::standin {

/// cudaStreamWaitEvent where the stream captures, or the event was recorded by one that did. state_mutex() is held.
cudaError_t join_capture(const std::shared_ptr<Stream>& stream, const Mark& mark);

/// Captures that a fatal error kept from ending.
void forget_captures();

}  // namespace stm::standin
