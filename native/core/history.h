#pragma once
#include <functional>
#include <vector>

#include "core/session.h"

namespace stm {

/// Operands kept for backward; indexing gives them back, without history.
using SavedTensors = std::vector<Tensor>;

/// Gradients of the inputs from those of the outputs (empty where an output was not used); an empty Tensor in the
/// result means "none needed".
using Backward = std::function<std::vector<Tensor>(const std::vector<Tensor>& grads, const SavedTensors& saved)>;
/// The same for an op with one output, whose gradient is always there.
using Backward1 = std::function<std::vector<Tensor>(const Tensor& grad, const SavedTensors& saved)>;

/// Where a gradient goes: to the node that made the input, or into the leaf itself. Never both.
struct Edge {
  std::shared_ptr<Node> node;
  size_t output = 0;
  Tensor leaf;
};

/// One op of a history: what tensors came from, for backward. There is no list of all nodes: a node lives as long as a
/// handle of its outputs or a later node holds it, and a forward pass without backward is freed with its handles.
struct Node {
  ~Node();
  const char* op;
  uint64_t order;
  size_t outputs;
  std::vector<Edge> inputs;
  SavedTensors saved;
  std::vector<uint64_t> saved_versions;
  Backward backward;            ///< empty once backward() has passed
  bool walked = false;          ///< while a backward() that is to pass here has not returned
  std::shared_ptr<Node> later;  ///< the next of those that are being let go
};

/// Whether a gradient with respect to `x` (which may be empty) is wanted: what an op asks before it saves or computes
/// anything for backward.
bool needs_grad(const Tensor& x);

/// Gives `output` a history if an input needs a gradient and gradients are on. Inputs and saved tensors may be
/// empty. Call it last, after enqueue.
void on_backward(const char* op, const Tensor& output, std::vector<Tensor> inputs, SavedTensors saved,
                 Backward1 backward);
void on_backward(const char* op, const std::vector<Tensor>& outputs, std::vector<Tensor> inputs, SavedTensors saved,
                 Backward backward);

}  // namespace stm
