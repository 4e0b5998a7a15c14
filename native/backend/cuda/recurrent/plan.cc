#include "backend/cuda/recurrent/plan.h"

#include <algorithm>

#include "backend/cuda/recurrent/buffers.h"
#include "backend/hash.h"

namespace stm::cuda {
namespace {

/// The network's runs, moved to where the pass's weights lie among those of the whole problem.
std::vector<WeightRun> place_runs(const RecurrentProblem& p, const Pass& pass, const Network& network) {
  std::vector<WeightRun> runs = network.runs;
  if (pass.layers == p.L && pass.directions == p.K) return runs;
  int64_t matrices = 0, biases = 0;  // where those of the pass begin
  for_each_weight(p, [&](const RecurrentWeight& weight) {
    if (weight.layer != pass.layer || weight.direction != pass.direction) return;
    if (weight.role == RecurrentWeight::Input) matrices = weight.first;
    if (weight.role == RecurrentWeight::InputBias) biases = weight.first;
  });
  for (WeightRun& run : runs)
    run.blob = run.blob < network.matrices ? matrices + run.blob : biases + run.blob - network.matrices;
  return runs;
}

/// What must be moved for the calls to get what they can take.
void decide_moves(Plan& plan) {
  const RecurrentProblem& p = plan.problem;
  const Arrangement& a = plan.arrangement;
  const bool all_rows = a.single() && a.all_rows(), whole = all_rows && a.chunks[0].steps == p.T;
  const bool rows_as_they_are = all_rows && !converts(p);
  // With the time first, the steps up to the longest row are a buffer of their own.
  const bool in_place = rows_as_they_are && plan.same_order() && (whole || !p.batch_first);
  plan.moves_states = !rows_as_they_are;
  plan.moves_outputs = !in_place;
  plan.moves_inputs = !in_place || a.varies();  // padding may hold anything, and cuDNN does not promise not to look
  plan.converts_states = all_rows && converts(p);
  plan.converts_steps = whole && !a.varies() && plan.same_order() && converts(p);
  plan.keeps_blocks = p.training && a.single() && converts(p);
  plan.has_padding =
      std::any_of(plan.lengths.begin(), plan.lengths.end(), [&p](int32_t length) { return length < p.T; });
}

void measure(Plan& plan) {
  RecurrentSizes& sizes = plan.sizes;
  DeviceCarver packed(nullptr);
  Hash layout;
  for (const PassPlan& pass : plan.passes) {
    if (!pass.network) continue;
    packed.take(pass.network->weight_bytes);
    layout.add(pass.network->layout);
  }
  const bool as_they_are =
      plan.arrangement.chunks.empty() || (plan.passes.size() == 1 && plan.passes[0].network->as_blob);
  sizes.packed = as_they_are ? 0 : packed.bytes();
  sizes.layout = as_they_are ? 0 : layout.value();
  sizes.reserve = plan.problem.training ? ReserveParts(plan, nullptr).bytes : 0;
  sizes.forward_workspace = ForwardParts(plan, nullptr).bytes;
  sizes.backward_workspace = plan.problem.training ? BackwardParts(plan, nullptr).bytes : 0;
}

}  // namespace

NetworkSpec spec_of(const RecurrentProblem& p, const Pass& pass, Algorithm algorithm, int64_t batch) {
  NetworkSpec spec;
  spec.cell = p.cell;
  spec.element = element_of(p);
  spec.tf32 = spec.element == Element::F32 && p.math == MathMode::Tf32;
  spec.algorithm = algorithm;
  spec.D = p.input_size(pass.layer);
  spec.H = p.H;
  spec.P = p.P;
  spec.L = pass.layers;
  spec.K = pass.directions;
  spec.bias = p.bias;
  spec.batch = algorithm == Algorithm::PersistDynamic ? batch : 0;
  return spec;
}

Status Planner::network(const NetworkSpec& spec, const Network** out) {
  const auto found = networks_.find(spec);
  if (found != networks_.end()) {
    *out = found->second.get();
    return Status::ok();
  }
  auto made = std::make_unique<Network>(spec);
  STM_TRY(made->describe(context_));
  STM_TRY(made->lay_out(context_));
  *out = made.get();
  networks_.emplace(spec, std::move(made));
  return Status::ok();
}

Status Planner::plan_pass(const Plan& plan, const Pass& pass, PassPlan* out) {
  const RecurrentProblem& p = plan.problem;
  out->pass = pass;
  out->input_width = p.input_size(pass.layer);
  out->output_width = pass.directions * p.width();
  if (plan.arrangement.chunks.empty()) return Status::ok();
  STM_TRY(network(spec_of(p, pass, plan.choice.algorithm, plan.arrangement.chunks[0].batch), &out->network));
  out->runs = place_runs(p, pass, *out->network);
  for (const Chunk& chunk : plan.arrangement.chunks) {
    auto call =
        std::make_unique<Call>(*out->network, chunk.batch, chunk.steps, chunk.lengths, plan.batch_major(), p.training);
    STM_TRY(call->describe(context_));
    STM_TRY(call->measure(context_));
    out->calls.push_back(std::move(call));
  }
  return Status::ok();
}

Status Planner::plan(const RecurrentProblem& problem, Arrangement arrangement, Choice choice,
                     std::unique_ptr<Plan>* out) {
  auto plan = std::make_unique<Plan>();
  plan->choice = choice;
  plan->problem = problem;
  if (problem.lengths) plan->lengths.assign(problem.lengths, problem.lengths + problem.N);
  plan->problem.lengths = problem.lengths ? plan->lengths.data() : nullptr;
  plan->element = element_of(problem);
  plan->arrangement = std::move(arrangement);
  for (const Pass& pass : plan->arrangement.passes) {
    plan->passes.emplace_back();
    STM_TRY(plan_pass(*plan, pass, &plan->passes.back()));
  }
  decide_moves(*plan);
  measure(*plan);
  *out = std::move(plan);
  return Status::ok();
}

}  // namespace stm::cuda
