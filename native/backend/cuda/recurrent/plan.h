#pragma once
#include <map>
#include <memory>

#include "backend/cuda/recurrent/arrangement.h"
#include "backend/cuda/recurrent/call.h"
#include "backend/cuda/recurrent/choice.h"

namespace stm::cuda {

/// A pass with the calls of its chunks.
struct PassPlan {
  Pass pass;
  const Network* network = nullptr;
  std::vector<WeightRun> runs;               ///< the network's, in the blob of the whole problem
  std::vector<std::unique_ptr<Call>> calls;  ///< one for each chunk
  int64_t input_width = 0;                   ///< elements of a step that goes in
  int64_t output_width = 0;                  ///< and of one that comes out
};

/// What is known of a problem before its buffers are: the calls, and what must be moved for them. Without chunks there
/// is nothing for cuDNN to do.
struct Plan {
  RecurrentProblem problem;  ///< its lengths are those below
  std::vector<int32_t> lengths;
  Choice choice;
  Element element = Element::F32;
  Arrangement arrangement;
  std::vector<PassPlan> passes;
  RecurrentSizes sizes;

  bool moves_states = false;     ///< h and c do not go to cuDNN as the caller has them,
  bool moves_inputs = false;     ///< nor x and dy,
  bool moves_outputs = false;    ///< nor y and dx
  bool converts_states = false;  ///< h and c are moved as a whole: their numbers alone are not cuDNN's
  bool converts_steps = false;   ///< so are x, y and their gradients
  bool keeps_blocks = false;     ///< backward gets cuDNN's x and y of forward, in the reserve
  bool has_padding = false;      ///< some row ends before T; y and dx come back with zeros there

  bool lstm() const { return problem.cell == Cell::Lstm; }
  /// Whether the caller's buffers hold h and c, or their gradients, between calls that take some rows or layers of
  /// them.
  bool carries_states() const { return moves_states && !converts_states; }
  /// What a call gets in the place of the caller's state: `block` if it is moved; null stays null.
  template <class T>
  T* state_of_call(T* callers, void* block) const {
    return callers && moves_states ? block : callers;
  }
  bool packs() const { return sizes.packed != 0; }
  /// Whether the block of a call is [batch, steps, …].
  bool batch_major() const { return choice.batch_major; }
  bool same_order() const { return batch_major() == problem.batch_first; }
};

/// Makes plans, and keeps the networks that they share. Executor thread only.
class Planner {
 public:
  explicit Planner(Context& context) : context_(context) {}
  /// The network of this spec, made on first use.
  Status network(const NetworkSpec& spec, const Network** out);
  Status plan(const RecurrentProblem& problem, Arrangement arrangement, Choice choice, std::unique_ptr<Plan>* out);

 private:
  Status plan_pass(const Plan& plan, const Pass& pass, PassPlan* out);
  Context& context_;
  std::map<NetworkSpec, std::unique_ptr<Network>> networks_;
};

/// What an RNN descriptor says of a pass.
NetworkSpec spec_of(const RecurrentProblem& problem, const Pass& pass, Algorithm algorithm, int64_t batch);

}  // namespace stm::cuda
