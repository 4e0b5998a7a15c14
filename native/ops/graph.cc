#include "core/graph.h"

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
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

}  // namespace stm::ops
