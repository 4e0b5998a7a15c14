#pragma once
#include "ops/recurrent_problem.h"

// The weights of a recurrent layer as the device wants them, kept beside the blob that they are packed from until it
// changes.

namespace stm::ops {

/// The buffer for them. The first call that uses it packs them; in a recorded step a command of their own does, since
/// what is the same at each replay need not be packed again. `reserve`: of the forward call, in backward.
Tensor packed_weights(const StackProblem& problem, const Tensor& blob, const Tensor& reserve);

// For commands that use them, on the executor.

/// Makes the buffer large enough; a smaller one loses what it holds.
void make_room(Storage& packed, const RecurrentSizes& sizes);

/// The packed weights for a problem that is about to run, null if the device takes them as they are: packed if they are
/// not, or for another layout.
Status repacked(Backend& backend, const RecurrentProblem& problem, const void* weights, Storage& packed,
                const void** out);

}  // namespace stm::ops
