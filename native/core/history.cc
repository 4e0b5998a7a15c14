#include "core/history.h"

#include <algorithm>

#include "core/recording.h"

namespace stm {
// Long chains (an RNN unrolled by hand) must not be freed by recursion: children that nobody else holds are put into a
// list and let go one by one. The list runs through the nodes themselves, because what frees memory must not need any.
Node::~Node() {
  std::shared_ptr<Node> pending;
  const auto unhook_children = [&pending](Node& node) {
    for (Edge& edge : node.inputs) {
      const std::shared_ptr<Node> child = std::move(edge.node);
      if (!child || child.use_count() > 1) continue;
      child->later = std::move(pending);
      pending = child;
    }
  };
  unhook_children(*this);
  while (pending) {
    const std::shared_ptr<Node> node = std::move(pending);
    pending = std::move(node->later);
    unhook_children(*node);
  }
}

namespace {

bool none_needs_grad(const std::vector<Tensor>& inputs) {
  return std::none_of(inputs.begin(), inputs.end(), needs_grad);
}

}  // namespace

bool needs_grad(const Tensor& x) {
  if (!x || !Session::current().grad_enabled) return false;
  if (x->node) return true;
  if (Recording* recording = Session::current().recording()) recording->notice_leaf(x);
  return x->requires_grad;
}

void on_backward(const char* op, const std::vector<Tensor>& outputs, std::vector<Tensor> inputs, SavedTensors saved,
                 Backward backward) {
  Session& session = Session::current();
  if (none_needs_grad(inputs)) return;
  auto node = std::make_shared<Node>();
  node->op = op;
  node->order = session.next_node++;
  node->outputs = outputs.size();
  node->backward = std::move(backward);
  node->inputs.reserve(inputs.size());
  for (const Tensor& x : inputs)
    node->inputs.push_back(x ? Edge{x->node, x->output, x->requires_grad && !x->node ? x : Tensor()} : Edge{});
  node->saved.reserve(saved.size());
  node->saved_versions.reserve(saved.size());
  for (const Tensor& x : saved) {
    node->saved.push_back(x ? detached(x) : Tensor());
    node->saved_versions.push_back(x ? x->storage->version() : 0);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i]) continue;
    outputs[i]->node = node;
    outputs[i]->output = i;
  }
}

void on_backward(const char* op, const Tensor& output, std::vector<Tensor> inputs, SavedTensors saved,
                 Backward1 backward) {
  if (none_needs_grad(inputs)) return;
  on_backward(op, std::vector<Tensor>{output}, std::move(inputs), std::move(saved),
              [backward = std::move(backward)](const std::vector<Tensor>& grads, const SavedTensors& kept) {
                return backward(grads[0], kept);
              });
}

}  // namespace stm
