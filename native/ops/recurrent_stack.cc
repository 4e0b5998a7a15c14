#include "ops/recurrent_stack.h"

#include <algorithm>

#include "ops/packed_weights.h"
#include "ops/recurrent_weights.h"

namespace stm::ops {
namespace {

/// The tensors of a call by name: the operands of its command, in this order, inputs before outputs. What a call does
/// not have is empty.
enum Part : size_t {
  kX,
  kH0,
  kC0,
  kWeights,
  kPacked,
  kAhead,
  kScales,
  kY,
  kHn,
  kCn,
  kReserve,
  kSavedParts,  // what forward leaves for backward, but for the packed weights
  kForwardWorkspace = kSavedParts,
  kForwardParts,
  kDY = kSavedParts,
  kDHn,
  kDCn,
  kDX,
  kDH0,
  kDC0,
  kDWeights,
  kBackwardWorkspace,
  kBackwardParts,
  kForwardOutputs = kY,  // from here on
  kBackwardOutputs = kDX
};
using Parts = std::vector<Tensor>;

/// A call of the kernels. How it is computed, and how large its scratch outputs must be, the device says when the
/// command is about to run.
class StackCommand : public Command {
 public:
  StackCommand(const StackProblem& problem, std::vector<Operand> operands)
      : Command("recurrent", std::move(operands)), problem_(problem) {}

  Status prepare(Backend& backend) final {
    RecurrentSizes sizes;
    Status status = choose(backend);
    if (status.is_ok()) status = backend.recurrent().sizes(problem_, &sizes);
    if (!status.is_ok()) return status;
    resize_scratch(sizes);
    make_room(*storage(kPacked), sizes);
    return status;
  }
  Status run(Backend& backend) final {
    const void* packed = nullptr;
    const Status status = repacked(backend, problem_, data(kWeights), *storage(kPacked), &packed);
    return status.is_ok() ? call(backend.recurrent(), packed) : status;
  }

 protected:
  Storage* storage(Part part) const { return operands[part].storage.get(); }
  void* data(Part part) const { return operands[part].view.data; }
  StackProblem problem_;

 private:
  /// Sets the problem's choice.
  virtual Status choose(Backend& backend) = 0;
  virtual void resize_scratch(const RecurrentSizes& sizes) = 0;
  virtual Status call(RecurrentKernels& kernels, const void* packed) = 0;
};

class ForwardCommand final : public StackCommand {
 public:
  using StackCommand::StackCommand;

 private:
  Status choose(Backend& backend) override {
    uint64_t& choice = problem_.choice;
    Status status = Status::ok();
    if (recorded_) choice = storage(kPacked)->choice;
    else if (choice == 0) status = backend.recurrent().choose(problem_, false, &choice);
    if (choice == 0 && status.is_ok())
      status = Status::fail(StatusKind::Internal, "the weights have not been packed");  // for a fault of theirs
    if (storage(kReserve)) storage(kReserve)->choice = choice;
    return status;
  }
  void resize_scratch(const RecurrentSizes& sizes) override {
    if (storage(kReserve)) storage(kReserve)->resize(sizes.reserve);
    storage(kForwardWorkspace)->resize(sizes.forward_workspace);
  }
  Status call(RecurrentKernels& kernels, const void* packed) override {
    return kernels.forward(
        problem_, {data(kX), data(kH0), data(kC0), data(kWeights), packed, data(kY), data(kHn), data(kCn),
                   data(kReserve), data(kForwardWorkspace), data(kAhead), static_cast<const float*>(data(kScales))});
  }
  const bool recorded_ = Session::current().recording() != nullptr;
};

class BackwardCommand final : public StackCommand {
 public:
  using StackCommand::StackCommand;

 private:
  Status choose(Backend&) override {
    problem_.choice = storage(kReserve)->choice;
    return Status::ok();
  }
  void resize_scratch(const RecurrentSizes& sizes) override {
    storage(kBackwardWorkspace)->resize(sizes.backward_workspace);
  }
  Status call(RecurrentKernels& kernels, const void* packed) override {
    return kernels.backward(problem_, {data(kX), data(kH0), data(kC0), data(kWeights), packed, data(kY), data(kHn),
                                       data(kCn), data(kDY), data(kDHn), data(kDCn), data(kDX), data(kDH0), data(kDC0),
                                       data(kDWeights), data(kReserve), data(kBackwardWorkspace)});
  }
};

/// What the next step needs of its state: the operands are kH0 … kAhead of that step.
class AheadCommand final : public Command {
 public:
  AheadCommand(const StackProblem& problem, std::vector<Operand> operands)
      : Command("recurrentAhead", std::move(operands)), problem_(problem) {}

  Status prepare(Backend& backend) override {
    RecurrentSizes sizes;
    Status status = backend.recurrent().choose(problem_, false, &problem_.choice);
    if (status.is_ok()) status = backend.recurrent().sizes(problem_, &sizes);
    if (!status.is_ok()) return status;
    storage(kAhead)->resize(sizes.ahead);
    make_room(*storage(kPacked), sizes);
    return status;
  }
  Status run(Backend& backend) override {
    const void* packed = nullptr;
    const Status status = repacked(backend, problem_, data(kWeights), *storage(kPacked), &packed);
    return status.is_ok() ? backend.recurrent().ahead(problem_, packed, data(kH0), data(kAhead)) : status;
  }

 private:
  Storage* storage(Part part) const { return operands[part - kH0].storage.get(); }
  void* data(Part part) const { return operands[part - kH0].view.data; }
  StackProblem problem_;
};

/// The same bytes again, of scratch whose size only the executor knows.
class CopyScratch final : public Command {
 public:
  enum : size_t { kFrom, kTo };
  explicit CopyScratch(std::vector<Operand> operands) : Command("recurrent", std::move(operands)) {}

  Status prepare(Backend&) override {
    operands[kTo].storage->resize(operands[kFrom].storage->bytes());
    operands[kTo].storage->choice = operands[kFrom].storage->choice;
    return Status::ok();
  }
  Status run(Backend& backend) override {
    return backend.copy(operands[kTo].view.data, operands[kFrom].view.data, operands[kFrom].storage->bytes());
  }
};

Tensor copy_of_scratch(const Tensor& x) {
  const Tensor copy = scratch(0, x.device());
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("recurrent", {x}, {copy}, Access::Write, &device);
  device->push(std::make_unique<CopyScratch>(std::move(operands)));
  return copy;
}

template <class PassCommand>
void enqueue_call(const StackProblem& problem, const Parts& parts, Part outputs) {
  Device* device = nullptr;
  const Tensors all = parts;
  std::vector<Operand> operands =
      operands_of("recurrent", all.part(0, outputs), all.part(outputs, all.size()), Access::Write, &device);
  device->push(std::make_unique<PassCommand>(problem, std::move(operands)));
}

Tensor dense(const Tensor& tensor) { return tensor ? contiguous(tensor) : Tensor(); }

/// Which gradients are wanted.
struct Wanted {
  bool x, h0, c0, weights;
};

/// Gradients of x, h0, c0 and the weights, in this order.
std::vector<Tensor> run_backward(const StackProblem& problem, const Wanted& wanted, const std::vector<Tensor>& grads,
                                 const SavedTensors& saved) {
  Parts parts = saved;
  parts.resize(kBackwardParts);
  const Tensor &x = parts[kX], &reserve = saved[kReserve];
  parts[kDY] = dense(grads[0]);
  parts[kDHn] = dense(grads[1]);
  if (grads.size() > 2) parts[kDCn] = dense(grads[2]);
  parts[kPacked] = packed_weights(problem, saved[kWeights], reserve);
  // The kernel may overwrite the reserve; a history that is kept needs it again.
  if (Session::current().retaining_graph) parts[kReserve] = copy_of_scratch(reserve);
  if (wanted.x) parts[kDX] = empty_like(x);
  if (wanted.h0) parts[kDH0] = empty(problem.h_shape(), x);
  if (wanted.c0) parts[kDC0] = empty(problem.c_shape(), x);
  if (wanted.weights) parts[kDWeights] = empty({problem.weight_elements()}, x);
  parts[kBackwardWorkspace] = scratch(0, x.device());
  enqueue_call<BackwardCommand>(problem, parts, kBackwardOutputs);
  std::vector<Tensor> result{parts[kDX], parts[kDH0], parts[kDC0]};
  const std::vector<Tensor> of_weights = weights_in(parts[kDWeights], problem);
  result.insert(result.end(), of_weights.begin(), of_weights.end());
  return result;
}

/// Recorded steps have none: what they find must not depend on what ran before.
bool begins_ahead(const StackProblem& p, const Device& device) {
  return p.T == 1 && !p.training && !p.lengths && !Session::current().recording() &&
         device.backend.recurrent().computes_ahead(p);
}

}  // namespace

void run_ahead(const StackProblem& problem, const Tensor& given_h0, const std::vector<Tensor>& weights) {
  const Tensor h0 = dense(given_h0);
  // Of weights that lie apart a copy is made, another one at the next step, which would not find what is made of it.
  if (!begins_ahead(problem, h0.device()) || !in_one_blob(weights)) return;
  Parts parts(kAhead + 1);
  parts[kH0] = h0;
  parts[kWeights] = blob_of(weights, problem.weight_elements());
  parts[kPacked] = packed_weights(problem, parts[kWeights], Tensor());
  parts[kAhead] = new_sums_ahead(problem, parts[kWeights], h0);
  Device* device = nullptr;
  std::vector<Operand> operands =
      operands_of("recurrentAhead", Tensors(parts).part(kH0, kAhead), {parts[kAhead]}, Access::Write, &device);
  device->push(std::make_unique<AheadCommand>(problem, std::move(operands)));
}

StackOutput run_stack(StackProblem problem, const Tensor& given_x, const Tensor& given_h0, const Tensor& given_c0,
                      const std::vector<Tensor>& weights) {
  const Tensor x = dense(given_x), h0 = dense(given_h0), c0 = dense(given_c0);
  Wanted wanted{needs_grad(x), needs_grad(h0), needs_grad(c0), false};
  for (const Tensor& weight : weights) wanted.weights |= needs_grad(weight);  // asks for each, which a recording notes
  problem.training = wanted.x || wanted.h0 || wanted.c0 || wanted.weights;
  Parts parts(kForwardParts);
  parts[kX] = x;
  parts[kH0] = h0;
  parts[kC0] = c0;
  parts[kWeights] = blob_of(weights, problem.weight_elements());
  parts[kPacked] = packed_weights(problem, parts[kWeights], Tensor());
  if (h0 && begins_ahead(problem, x.device())) parts[kAhead] = sums_ahead(problem, parts[kWeights], h0);
  parts[kY] = empty(problem.output_shape(), x);
  parts[kHn] = empty(problem.h_shape(), x);
  if (problem.cell == Cell::Lstm) parts[kCn] = empty(problem.c_shape(), x);
  if (problem.training) parts[kReserve] = scratch(0, x.device());
  parts[kForwardWorkspace] = scratch(0, x.device());
  enqueue_call<ForwardCommand>(problem, parts, kForwardOutputs);
  const StackOutput out{parts[kY], parts[kHn], parts[kCn]};
  if (!problem.training) return out;
  std::vector<Tensor> inputs{x, h0, c0}, outputs{out.y, out.h};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  if (out.c) outputs.push_back(out.c);
  parts.resize(kSavedParts);
  parts[kPacked] = Tensor();
  on_backward("recurrent", outputs, std::move(inputs), std::move(parts),
              [problem, wanted](const std::vector<Tensor>& grads, const SavedTensors& saved) {
                return run_backward(problem, wanted, grads, saved);
              });
  return out;
}

StackOutput run_quantized_stack(const StackProblem& problem, const Tensor& x, const Tensor& h0, const Tensor& c0,
                                const std::vector<Tensor>& weights, const std::vector<Tensor>& scales) {
  std::vector<Tensor> bytes;
  int64_t numbers = 0, rows = 0;
  for (const Tensor& weight : weights) {
    bytes.push_back(as_bytes(weight));
    numbers += weight.size();
  }
  for (const Tensor& scale : scales) rows += scale.size();
  Parts parts(kForwardParts);
  parts[kX] = dense(x);
  parts[kH0] = dense(h0);
  parts[kC0] = dense(c0);
  parts[kWeights] = blob_of(bytes, numbers);
  parts[kPacked] = packed_weights(problem, parts[kWeights], Tensor());
  parts[kScales] = blob_of(scales, rows);
  parts[kY] = empty(problem.output_shape(), x);
  parts[kHn] = empty(problem.h_shape(), x);
  if (problem.cell == Cell::Lstm) parts[kCn] = empty(problem.c_shape(), x);
  parts[kForwardWorkspace] = scratch(0, x.device());
  enqueue_call<ForwardCommand>(problem, parts, kForwardOutputs);
  return {parts[kY], parts[kHn], parts[kCn]};
}

}  // namespace stm::ops
