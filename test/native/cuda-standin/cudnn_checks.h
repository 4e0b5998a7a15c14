#pragma once
#include "cuda-standin/cudnn_types.h"

namespace stm::standin {

/// What only the size queries and the calls find: limits of the algorithms and of the device. Set time does not look
/// (cudnnSetRNNDescriptor_v8).
cudnnStatus_t check_config(const RnnConfig& config);
/// Likewise of a configuration and its input.
cudnnStatus_t check_input(const RnnConfig& config, const RnnData& x);

}  // namespace stm::standin
