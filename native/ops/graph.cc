// The walk from a loss back to its leaves.
#include "core/graph.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm {
namespace {

/// All nodes below `root`, latest first: the order in which gradients are complete.
std::vector<Node*> nodes_latest_first(Node* root) {
  std::vector<Node*> found{root};
  std::unordered_set<Node*> seen{root};
  for (size_t i = 0; i < found.size(); ++i)
    for (const Edge& edge : found[i]->inputs)
      if (edge.node && seen.insert(edge.node.get()).second) found.push_back(edge.node.get());
  std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) { return a->order > b->order; });
  return found;
}

void check_usable(const Node& node) {
  for (size_t i = 0; i < node.saved.size(); ++i) {
    const Tensor& saved = node.saved[i];
    if (!saved) continue;
    STM_CHECK(saved->storage->version() == node.saved_versions[i], Kind::Stale,
              "backward: got {} saved by {} at version {}, but {} has changed it in place since (now version {}).\n  Fix: call backward before the change, or "
              "change a clone.",
              saved, node.op, node.saved_versions[i], saved->storage->last_writer(), saved->storage->version());
  }
}

/// A released root is a loss that was used before; anything else that is released was handed on from an earlier step, as the state of a recurrent layer is.
void check_not_released(const std::vector<Node*>& order) {
  const auto found = std::find_if(order.begin(), order.end(), [](const Node* node) { return !node->backward; });
  if (found == order.end()) return;
  const std::string_view op = (*found)->op;
  STM_CHECK(found != order.begin(), Kind::GraphReleased,
            "backward: got a graph whose {} was released by an earlier backward(), expected an unused one.\n"
            "  Fix: compute the loss again, add the losses and call backward once, or pass retainGraph: true the first time.",
            op);
  throw Error(
      Kind::GraphReleased,
      fmt::format("backward: got a loss that goes back to {} of an earlier forward pass, whose graph was released by its backward(), expected a graph that "
                  "no backward() has walked.\n  Fix: detach what one step hands to the next, as a recurrent state: state = detach(state). Of two losses "
                  "of one forward pass take the sum, or pass retainGraph: true to the first backward().",
                  op == "recurrent" ? std::string_view("the state of a recurrent layer") : op));
}

void accumulate(Tensor& into, const Tensor& grad) { into = into ? ops::add(into, grad) : grad; }

/// Whether storing `grad` in a leaf could let an in-place change of it be seen elsewhere: it is what came in, or given to two inputs.
bool shared_with_others(const Tensor& grad, const std::vector<Tensor>& incoming, const std::vector<Tensor>& outgoing, size_t index) {
  for (const Tensor& other : incoming)
    if (other && other->storage == grad->storage) return true;
  for (size_t i = 0; i < outgoing.size(); ++i)
    if (i != index && outgoing[i] && outgoing[i]->storage == grad->storage && outgoing[i]->offset == grad->offset) return true;
  return !grad.contiguous();
}

void deliver(const Node& node, const std::vector<Tensor>& incoming, const std::vector<Tensor>& outgoing,
             std::unordered_map<Node*, std::vector<Tensor>>& grads) {
  for (size_t i = 0; i < outgoing.size(); ++i) {
    const Tensor& grad = outgoing[i];
    if (!grad) continue;
    const Edge& edge = node.inputs[i];
    if (edge.node) {
      std::vector<Tensor>& slots = grads[edge.node.get()];
      slots.resize(edge.node->outputs);
      accumulate(slots[edge.output], grad);
    } else if (edge.leaf) {
      Tensor& slot = gradient_of(edge.leaf);
      const bool copy = !slot && shared_with_others(grad, incoming, outgoing, i);
      accumulate(slot, ops::to_device(copy ? ops::clone(grad) : grad, edge.leaf.device()));  // it may have moved since
    }
  }
}

}  // namespace

void backward(const Tensor& root, const Tensor& seed, bool retain) {
  STM_CHECK(seed || root.size() == 1, Kind::Shape,
            "backward: got {}, expected one element.\n  Fix: reduce it with sum() or mean() first, or pass the gradient: backward({{ gradient }}).", root);
  STM_CHECK(root->node || root->requires_grad, Kind::NoGraph,
            "backward: got {} that depends on no tensor with requiresGrad, expected a loss computed from parameters.\n  Fix: create parameters with "
            "requiresGrad: true, and compute the loss outside noGrad().",
            root);
  if (seed) {
    STM_CHECK(seed.shape() == root.shape(), Kind::Shape,
              "backward: got gradient {}, expected the shape {} of the tensor.\n  Fix: reshape or expand the gradient.", seed, root.shape());
    check_same_dtype("backward", seed, root);
  }
  Session& session = Session::current();
  const Session::NoGrad no_grad;
  const Tensor start = seed ? detached(seed) : ops::full(root.shape(), 1.0, root.dtype(), root.device());
  if (!root->node) {
    accumulate(gradient_of(root), ops::clone(start));
    return;
  }
  const std::shared_ptr<Node> root_node = root->node;
  const std::vector<Node*> order = nodes_latest_first(root_node.get());
  for (const Node* node : order) check_usable(*node);  // a user mistake leaves no half-done gradients
  check_not_released(order);

  struct Retaining {
    explicit Retaining(Session& session, bool retain) : session(session), before(std::exchange(session.retaining_graph, retain)) {}
    ~Retaining() { session.retaining_graph = before; }
    Session& session;
    bool before;  // a user-defined function may call backward inside backward
  } retaining(session, retain);
  std::unordered_map<Node*, std::vector<Tensor>> grads;
  grads[root_node.get()].resize(root_node->outputs);
  grads[root_node.get()][root->output] = start;
  std::vector<std::shared_ptr<Node>> alive{root_node};  // raw pointers in `order` stay valid while edges are cleared
  for (Node* node : order) {
    const auto found = grads.find(node);
    if (found != grads.end()) {
      const std::vector<Tensor> incoming = std::move(found->second);
      grads.erase(found);
      deliver(*node, incoming, node->backward(incoming, node->saved), grads);
    }
    if (retain) continue;
    for (Edge& edge : node->inputs)
      if (edge.node) alive.push_back(std::move(edge.node));
    node->inputs.clear();
    node->saved.clear();
    node->saved_versions.clear();
    node->backward = nullptr;
  }
}

namespace ops {
namespace {

void run_backward(const Tensor& root, const std::optional<Tensor>& gradient, bool retain_graph) { backward(root, gradient.value_or(Tensor()), retain_graph); }

bool grad_enabled() { return Session::current().grad_enabled; }
void set_grad_enabled(bool on) { Session::current().grad_enabled = on; }

}  // namespace

void declare_graph(OpTable& table) {
  table.add("backward", &run_backward, {"root", "gradient", "retainGraph"}, "Adds d(root)/d(leaf) to every leaf and releases the graph node by node.");
  table.add("isGradEnabled", &grad_enabled, "Whether ops are recorded for backward().");
  table.add("setGradEnabled", &set_grad_enabled, {"on"}, "Turns recording on or off.");
}

}  // namespace ops
}  // namespace stm
