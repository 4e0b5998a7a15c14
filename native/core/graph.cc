#include "core/graph.h"

#include <algorithm>

#include "core/recording.h"

namespace stm {
// Long chains (an RNN unrolled by hand) must not be freed by recursion: children are unhooked first and let go one by one.
Node::~Node() {
  std::vector<std::shared_ptr<Node>> pending;
  const auto unhook_children = [&pending](Node& node) {
    for (Edge& edge : node.inputs)
      if (edge.node) pending.push_back(std::move(edge.node));
  };
  unhook_children(*this);
  while (!pending.empty()) {
    const std::shared_ptr<Node> node = std::move(pending.back());
    pending.pop_back();
    if (node.use_count() == 1) unhook_children(*node);
  }
}

bool needs_grad(const Tensor& x) {
  if (!x || !Session::current().grad_enabled) return false;
  if (x->node) return true;
  if (Recording* recording = Session::current().recording()) recording->notice_leaf(x);
  return x->requires_grad;
}

void on_backward(const char* op, const std::vector<Tensor>& outputs, std::vector<Tensor> inputs, SavedTensors saved, Backward backward) {
  Session& session = Session::current();
  if (std::none_of(inputs.begin(), inputs.end(), needs_grad)) return;
  auto node = std::make_shared<Node>();
  node->op = op;
  node->order = session.next_node++;
  node->outputs = outputs.size();
  node->backward = std::move(backward);
  for (const Tensor& x : inputs) node->inputs.push_back(x ? Edge{x->node, x->output, x->requires_grad && !x->node ? x : Tensor()} : Edge{});
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

void on_backward(const char* op, const Tensor& output, std::vector<Tensor> inputs, SavedTensors saved, Backward1 backward) {
  on_backward(op, std::vector<Tensor>{output}, std::move(inputs), std::move(saved),
              [backward = std::move(backward)](const std::vector<Tensor>& grads, const SavedTensors& kept) { return backward(grads[0], kept); });
}

}  // namespace stm
