// The walk from a loss back to its leaves.
#include "core/history.h"

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

/// What to do about a change in place, by who made it.
const char* remedy_for(std::string_view writer) {
  if (!writer.ends_with(".step")) return "call backward before the change, or change a clone";
  return "call backward before the optimizer's step, and detach what one step hands to the next, as a recurrent state: "
         "state = detach(state)";
}

void check_unchanged(const Node& node) {
  for (size_t i = 0; i < node.saved.size(); ++i) {
    const Tensor& saved = node.saved[i];
    if (!saved) continue;
    STM_CHECK(
        saved->storage->version() == node.saved_versions[i], Kind::Stale, "backward",
        fmt::format("got {} saved by {} at version {}, but {} has changed it in place since (now version {})", saved,
                    node.op, node.saved_versions[i], saved->storage->last_writer(), saved->storage->version()),
        "", remedy_for(saved->storage->last_writer()));
  }
}

void check_usable(const Node& node) {
  STM_CHECK(
      !node.walked, Kind::GraphInUse, "backward",
      fmt::format("a graph whose {} belongs to a backward() that has not returned yet", node.op),
      "one that no other walks",
      "in a user-defined backward, compute from the gradient and what forward saved; those are outside the graph");
  check_unchanged(node);
}

/// A released root is a loss that was used before; anything else that is released was handed on from an earlier step,
/// as the state of a recurrent layer is.
void check_not_released(const std::vector<Node*>& order) {
  const auto found = std::find_if(order.begin(), order.end(), [](const Node* node) { return !node->backward; });
  if (found == order.end()) return;
  const std::string_view op = (*found)->op;
  STM_CHECK(found != order.begin(), Kind::GraphReleased, "backward",
            fmt::format("a graph whose {} was released by an earlier backward()", op), "an unused one",
            "compute the loss again, add the losses and call backward once, or pass retainGraph: true the first time");
  refuse(
      Kind::GraphReleased, "backward",
      fmt::format("a loss that goes back to {} of an earlier forward pass, whose graph was released by its backward()",
                  op == "recurrent" ? std::string_view("the state of a recurrent layer") : op),
      "a graph that no backward() has walked",
      "detach what one step hands to the next, as a recurrent state: state = detach(state). Of two losses of one "
      "forward pass take the sum, or pass retainGraph: true to the first backward()");
}

/// Nodes are taken while they are walked, so that a user-defined backward cannot release what the walk stands on.
class Taken {
 public:
  explicit Taken(const std::vector<Node*>& nodes) : nodes_(nodes) {
    for (Node* node : nodes_) node->walked = true;
  }
  ~Taken() {
    for (Node* node : nodes_) node->walked = false;
  }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

 private:
  const std::vector<Node*>& nodes_;
};

void accumulate(Tensor& into, const Tensor& grad) { into = into ? ops::add(into, grad) : grad; }

/// Whether storing `grad` in a leaf could let an in-place change of it be seen elsewhere: it is what came in, or given
/// to two inputs.
bool shared_with_others(const Tensor& grad, const std::vector<Tensor>& incoming, const std::vector<Tensor>& outgoing,
                        size_t index) {
  for (const Tensor& other : incoming)
    if (other && other->storage == grad->storage) return true;
  for (size_t i = 0; i < outgoing.size(); ++i)
    if (i != index && outgoing[i] && outgoing[i]->storage == grad->storage && outgoing[i]->offset == grad->offset)
      return true;
  return !grad.contiguous();
}

/// What the leaves get. It is put into them once the walk has come to its end: an error on the way, as in a
/// user-defined backward, leaves all of them alone.
class LeafGradients {
 public:
  void add(const Tensor& leaf, const Tensor& grad) {
    const auto [place, is_new] = places_.try_emplace(leaf.operator->(), found_.size());
    if (is_new) found_.push_back({leaf, {}});
    accumulate(found_[place->second].second, grad);
  }

  void store() {
    std::vector<Tensor> sums;
    sums.reserve(found_.size());
    for (auto& [leaf, grad] : found_) {
      const Tensor& before = gradient_of(leaf);
      const Tensor here =
          ops::to_device(std::exchange(grad, Tensor()), leaf.device());  // the leaf may have moved since
      sums.push_back(before ? ops::add(before, here) : here);
    }
    for (size_t i = 0; i < found_.size(); ++i) found_[i].first->grad = std::move(sums[i]);
  }

 private:
  std::vector<std::pair<Tensor, Tensor>> found_;
  std::unordered_map<const TensorState*, size_t> places_;  ///< in found_
};

/// One walk from a result back to the leaves.
class Walk {
 public:
  Walk(std::vector<Node*> order, bool retain) : order_(std::move(order)), taken_(order_), retain_(retain) {}

  void run(const std::shared_ptr<Node>& root, size_t output, const Tensor& start) {
    alive_.push_back(root);
    grads_[root.get()].resize(root->outputs);
    grads_[root.get()][output] = start;
    for (Node* node : order_) {
      pass(*node);
      if (!retain_) release(*node);
    }
    leaves_.store();
  }

 private:
  void pass(Node& node) {
    const auto found = grads_.find(&node);
    if (found == grads_.end()) return;
    const std::vector<Tensor> incoming = std::move(found->second);
    grads_.erase(found);
    check_unchanged(node);  // again: a user-defined backward before it may have changed something
    deliver(node, incoming, node.backward(incoming, node.saved));
  }

  void deliver(const Node& node, const std::vector<Tensor>& incoming, const std::vector<Tensor>& outgoing) {
    for (size_t i = 0; i < outgoing.size(); ++i) {
      const Tensor& grad = outgoing[i];
      if (!grad) continue;
      const Edge& edge = node.inputs[i];
      if (edge.node) {
        std::vector<Tensor>& slots = grads_[edge.node.get()];
        slots.resize(edge.node->outputs);
        accumulate(slots[edge.output], grad);
      } else if (edge.leaf) {
        leaves_.add(edge.leaf, shared_with_others(grad, incoming, outgoing, i) ? ops::clone(grad) : grad);
      }
    }
  }

  void release(Node& node) {
    for (Edge& edge : node.inputs)
      if (edge.node) alive_.push_back(std::move(edge.node));
    node.inputs.clear();
    node.saved.clear();
    node.saved_versions.clear();
    node.backward = nullptr;
  }

  // `alive_` outlives `taken_`, which writes to the nodes.
  std::vector<std::shared_ptr<Node>> alive_;  ///< the pointers in order_ stay valid while edges are cleared
  const std::vector<Node*> order_;
  const Taken taken_;
  const bool retain_;
  std::unordered_map<Node*, std::vector<Tensor>> grads_;
  LeafGradients leaves_;
};

struct Retaining {
  Retaining(Session& session, bool retain) : session(session), before(std::exchange(session.retaining_graph, retain)) {}
  ~Retaining() { session.retaining_graph = before; }
  Session& session;
  bool before;  // a user-defined function may call backward inside backward
};

/// The gradient that the walk begins with. It is made by a command that reads the root as well, so that of a root which
/// was refused there is none: the gradients of many ops depend on their inputs alone and would otherwise change the
/// weights.
Tensor seed_of(const Tensor& root, const Tensor& given) {
  const Tensor seed = empty(root.shape(), root);
  if (given)
    enqueue("backward", {detached(given), detached(root)}, {seed},
            [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
  else
    enqueue("backward", {detached(root)}, {seed},
            [](Backend& b, Views v) { return b.elementwise().fill(1.0, v.out(0)); });
  return seed;
}

}  // namespace

void backward(const Tensor& root, const Tensor& seed, bool retain) {
  STM_CHECK(seed || root.size() == 1, Kind::Shape, "backward", fmt::format("{}", root), "one element",
            "reduce it with sum() or mean() first, or pass the gradient: backward({ gradient })");
  STM_CHECK(root->node || root->requires_grad, Kind::NoGraph, "backward",
            fmt::format("{} that depends on no tensor with requiresGrad", root), "a loss computed from parameters",
            "create parameters with requiresGrad: true, and compute the loss outside noGrad()");
  if (seed) {
    STM_CHECK(seed.shape() == root.shape(), Kind::Shape, "backward", fmt::format("gradient {}", seed),
              fmt::format("the shape {} of the tensor", root.shape()), "reshape or expand the gradient");
    check_same_dtype("backward", seed, root);
  }
  const Session::NoGrad no_grad;
  const Tensor start = seed_of(root, seed);
  if (!root->node) {
    const Tensor before = gradient_of(root);
    root->grad = before ? ops::add(before, start) : ops::clone(start);
    return;
  }
  const std::shared_ptr<Node> root_node = root->node;
  std::vector<Node*> order = nodes_latest_first(root_node.get());
  for (const Node* node : order) check_usable(*node);  // a user mistake changes nothing
  check_not_released(order);
  const Retaining retaining(Session::current(), retain);
  Walk(std::move(order), retain).run(root_node, root->output, start);
}

namespace ops {
namespace {

void run_backward(const Tensor& root, const std::optional<Tensor>& gradient, bool retain_graph) {
  backward(root, gradient.value_or(Tensor()), retain_graph);
}

bool grad_enabled() { return Session::current().grad_enabled; }
void set_grad_enabled(bool on) { Session::current().grad_enabled = on; }

}  // namespace

void declare_history(OpTable& table) {
  table.add("backward", &run_backward, {"root", "gradient", "retainGraph"},
            "Adds d(root)/d(leaf) to every leaf and releases the history node by node.");
  table.add("isGradEnabled", &grad_enabled, "Whether ops keep a history for backward().");
  table.add("setGradEnabled", &set_grad_enabled, {"on"}, "Turns keeping histories on or off.");
}

}  // namespace ops
}  // namespace stm
