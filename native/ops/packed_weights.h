#pragma once
#include "ops/recurrent_problem.h"

// The weights of a recurrent layer as the device wants them, kept beside the blob that they are packed from until it
// changes.

namespace stm::ops {

/// The buffer for them. The first call that uses it packs them; in a recorded step a command of their own does, since
/// what is the same at each replay need not be packed again. `reserve`: of the forward call, in backward.
Tensor packed_weights(const StackProblem& problem, const Tensor& blob, const Tensor& reserve);

/// What a step from a state needs of it, once begun ahead: RecurrentKernels::ahead(). Empty if there is none for this
/// problem and these weights, as they are now.
Tensor sums_ahead(const StackProblem& problem, const Tensor& blob, const Tensor& h);

/// The buffer for it, which the step finds.
Tensor new_sums_ahead(const StackProblem& problem, const Tensor& blob, const Tensor& h);

// For commands that use them, on the executor.

/// Makes the buffer large enough; a smaller one loses what it holds.
void make_room(Storage& packed, const RecurrentSizes& sizes);

/// The packed weights for a problem that is about to run, null if the device takes them as they are: packed if they are
/// not, or for another layout.
Status repacked(Backend& backend, const RecurrentProblem& problem, const void* weights, Storage& packed,
                const void** out);

}  // namespace stm::ops
