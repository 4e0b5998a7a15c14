// The recurrent kernels on the stand-in, against the CPU's in f64: values and all gradients of random problems, whole
// and cut in time, with every algorithm and each precision; in graphs, without waiting, and with weights that lie as
// stmnet's do. usage: cuda_recurrent_test [seed]
#include "cuda_recurrent.h"

#include "backend/cuda/recurrent/plan.h"
#include "cuda-standin/control.h"

namespace stm::cuda::test {
namespace {

std::vector<int32_t> draw_lengths(int64_t N, int64_t T) {
  std::vector<int32_t> lengths(static_cast<size_t>(N));
  const int64_t kind = draw(0, 9), same = draw(0, T);
  for (int32_t& length : lengths)
    length = static_cast<int32_t>(kind == 0 ? 0 : kind == 1 ? same : kind == 2 ? T : chance(0.2) ? 0 : draw(0, T));
  if (kind == 3) std::sort(lengths.begin(), lengths.end(), std::greater<int32_t>());
  if (kind == 4) lengths[static_cast<size_t>(draw(0, N - 1))] = static_cast<int32_t>(T);
  return lengths;
}

/// Everything but the algorithm, which stays the standard one.
Case draw_case(Cell cell) {
  Case c;
  RecurrentProblem& p = c.p;
  p.algorithm = Algorithm::Standard;
  p.cell = cell;
  p.dtype = chance(0.5) ? DType::F32 : DType::F64;
  if (p.dtype == DType::F32)
    p.math = one_of<MathMode>({MathMode::Fma, MathMode::Fma, MathMode::Tf32, MathMode::F16, MathMode::Bf16});
  p.N = draw(1, 6);
  p.T = draw(1, 8);
  p.D = draw(1, 9);
  p.H = draw(1, 12);
  p.L = draw(1, 3);
  p.K = draw(1, 2);
  p.P = cell == Cell::Lstm && p.H > 1 && chance(0.35) ? draw(1, p.H - 1) : 0;
  p.bias = chance(0.75);
  p.batch_first = chance(0.5);
  p.training = chance(0.85);
  if (cell == Cell::RnnRelu && p.math != MathMode::Fma)
    p.training = false;  // a rounding that crosses the kink changes gradients by any amount
  if (chance(0.65)) c.lengths = draw_lengths(p.N, p.T);
  for (bool* given : {&c.with_h0, &c.with_c0, &c.with_dhn, &c.with_dcn}) *given = chance(0.7);
  c.with_dy = chance(0.85);
  for (bool* wanted : {&c.wants_x, &c.wants_h0, &c.wants_c0, &c.wants_weights}) *wanted = chance(0.75);
  c.crooked = chance(0.3);
  c.draw_values();
  return c;
}

/// The kernels as they are with that setting.
std::unique_ptr<CudaRecurrent> with_most_steps(Context& context, const char* steps) {
  setenv("STMNET_CUDNN_MAX_STEPS", steps, 1);
  auto kernels = std::make_unique<CudaRecurrent>(context);
  unsetenv("STMNET_CUDNN_MAX_STEPS");
  return kernels;
}

constexpr Cell kCells[] = {Cell::Lstm, Cell::Gru, Cell::RnnTanh, Cell::RnnRelu};

void check_cases(Device& device, RecurrentKernels& kernels, int count, const std::string& where) {
  for (const Cell cell : kCells) {
    for (int i = 0; i < count; ++i) {
      Case c = draw_case(cell);
      check_case(device, kernels, c, where, chance(0.3));
    }
  }
}

/// Zero in every position, all zero, all equal below T; both layouts.
void check_lengths(Device& device, RecurrentKernels& kernels) {
  for (const Cell cell : kCells) {
    for (const bool batch_first : {false, true}) {
      for (int shape = 0; shape < 8; ++shape) {
        Case c = draw_case(cell);
        c.p.N = 4, c.p.T = 5, c.p.batch_first = batch_first;
        c.lengths = {3, 5, 1, 4};
        if (shape < 4) c.lengths[static_cast<size_t>(shape)] = 0;
        if (shape == 4) c.lengths = {0, 0, 0, 0};
        if (shape == 5) c.lengths = {3, 3, 3, 3};
        if (shape == 6) c.lengths = {0, 4, 4, 0};
        if (shape == 7) c.lengths = {5, 5, 5, 5};
        c.draw_values();
        check_case(device, kernels, c, "lengths");
      }
    }
  }
}

void check_nothing_to_do(Device& device, RecurrentKernels& kernels) {
  for (const Cell cell : kCells) {
    for (const bool rows : {false, true}) {
      Case c = draw_case(cell);
      c.p.N = rows ? 3 : 0;
      c.p.T = rows ? 0 : 4;
      c.lengths.clear();
      c.draw_values();
      standin_reset_counts();
      check_case(device, kernels, c, "nothing to do");
      require(standin_call_count("cudnnRNNForward") == 0, "cuDNN is called for nothing");
    }
  }
}

/// Each algorithm, where it can compute the problem.
void check_algorithms(Device& device, RecurrentKernels& kernels) {
  for (const Algorithm algorithm :
       {Algorithm::PersistStatic, Algorithm::PersistDynamic, Algorithm::PersistStaticSmallH}) {
    for (const Cell cell : kCells) {
      for (int i = 0; i < 6; ++i) {
        Case c = draw_case(cell);
        c.p.algorithm = algorithm;
        c.p.P = 0;
        c.p.bias = true;
        if (algorithm != Algorithm::PersistDynamic) c.p.dtype = DType::F32;
        if (algorithm == Algorithm::PersistStatic) c.p.K = 1;
        c.lengths.clear();
        if (chance(0.4)) {  // they do not vary once rows without steps are gone
          c.lengths.assign(static_cast<size_t>(c.p.N), static_cast<int32_t>(draw(0, c.p.T)));
          c.lengths[0] = 0;
        }
        c.draw_values();
        check_case(device, kernels, c, "algorithm");
      }
    }
  }
}

/// Many calls with lengths of their own, and nobody waits in between.
void check_without_waiting(Device& device, RecurrentKernels& kernels) {
  std::vector<std::unique_ptr<Case>> cases;
  std::vector<std::unique_ptr<OnDevice>> running;
  for (int i = 0; i < 60; ++i) {
    auto c = std::make_unique<Case>(draw_case(kCells[i % 4]));
    c->p.N = 5, c->p.T = 6, c->p.training = true, c->p.dtype = DType::F32, c->p.math = MathMode::Fma;
    c->lengths = draw_lengths(5, 6);
    c->draw_values();
    running.push_back(std::make_unique<OnDevice>(device, *c, kernels));
    cases.push_back(std::move(c));
  }
  for (const auto& on : running) require(on->prepare(), "prepare");
  for (const auto& on : running) require(on->forward(), "forward");
  for (const auto& on : running) require(on->backward(), "backward");
  for (size_t i = 0; i < cases.size(); ++i)
    compare(*cases[i], running[i]->results(), expected_of(*cases[i]), "without waiting");
}

bool cell_has_kink(const Case& c) { return c.p.cell == Cell::RnnRelu; }

/// tf32 is used where it is allowed, and only there.
void check_tf32(Device& device, RecurrentKernels& kernels) {
  for (const MathMode math : {MathMode::Fma, MathMode::Tf32}) {
    Case c = draw_case(Cell::Lstm);
    c.p.dtype = DType::F32, c.p.math = math, c.p.N = 6, c.p.D = 9, c.p.H = 12, c.p.L = 1, c.p.T = 8, c.p.P = 0,
    c.p.training = false;
    c.lengths.clear();
    c.draw_values(24);
    OnDevice on(device, c, kernels);
    require(on.prepare(), "prepare");
    require(on.forward(), "forward");
    const Results got = on.results(), expected = expected_of(c);
    double apart = 0;
    for (size_t i = 0; i < got.y.size(); ++i) apart = std::max(apart, std::abs(got.y[i] - expected.y[i]));
    const bool tf32 = math == MathMode::Tf32;
    require(tf32 ? apart > 5e-6 && apart < 5e-3 : apart < 1e-6,
            std::string(tf32 ? "tf32" : "fma") + " is off by " + std::to_string(apart));
  }
}

/// Forward and backward in a graph, launched on other inputs; the plan must outlive others.
void check_graph(Device& device, RecurrentKernels& kernels) {
  for (int i = 0; i < 24; ++i) {
    Case c = draw_case(kCells[i % 4]);
    if (cell_has_kink(c)) c.p.math = MathMode::Fma;
    c.p.training = true;
    c.crooked = i % 3 == 0;
    c.draw_values();
    OnDevice on(device, c, kernels);
    require(on.prepare(), "prepare");
    require(on.forward(), "warming up");
    require(on.backward(), "warming up");
    device.wait();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    must(cudaStreamBeginCapture(device.context.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    require(on.forward(), "capturing forward");
    require(on.backward(), "capturing backward");
    must(cudaStreamEndCapture(device.context.stream, &graph), "cudaStreamEndCapture");
    must(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
    for (int run = 0; run < 2; ++run) {
      for (double& value : c.x) value = -value / 2;
      on.put_x(c.x);
      must(cudaGraphLaunch(executable, device.context.stream), "cudaGraphLaunch");
      compare(c, on.results(), expected_of(c), "graph");
    }
    must(cudaGraphExecDestroy(executable), "cudaGraphExecDestroy");
    must(cudaGraphDestroy(graph), "cudaGraphDestroy");
  }
}

/// Finds more problems than are remembered.
void find_others(RecurrentKernels& kernels) {
  RecurrentSizes sizes;
  Case other = draw_case(Cell::Gru);
  other.p.lengths = nullptr;
  for (other.p.T = 1; other.p.T < 2200; ++other.p.T) require(kernels.sizes(other.p, &sizes), "sizes");
}

/// What a graph was captured from stays as long as the graph, however many problems follow, and for a while after it.
void check_captured_plan(Device& device, CudaRecurrent& kernels) {
  Case c = draw_case(Cell::Lstm);
  c.p.N = 2, c.p.T = 3, c.p.training = true;
  c.lengths = {3, 1};
  c.draw_values();
  OnDevice on(device, c, kernels);
  (void)kernels.take_captured();  // of the tests before
  require(on.prepare(), "prepare");
  require(on.forward(), "warming up");
  require(on.backward(), "warming up");
  require(kernels.take_captured().empty(), "a plan is taken to be captured, and no graph was");
  device.wait();
  cudaGraph_t graph = nullptr;
  must(cudaStreamBeginCapture(device.context.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  require(on.forward(), "capturing forward");
  require(on.backward(), "capturing backward");
  must(cudaStreamEndCapture(device.context.stream, &graph), "cudaStreamEndCapture");
  must(cudaGraphDestroy(graph), "cudaGraphDestroy");
  CudaRecurrent::Held held = kernels.take_captured();
  require(held.size() == 1 && held[0]->lengths == c.lengths, "both calls hold the plan, once");
  const std::weak_ptr<const Plan> plan = held[0];
  find_others(kernels);
  require(plan.use_count() == 1, "a plan that only a graph reads is remembered as well");
  kernels.rest(std::move(held));
  require(!plan.expired(), "a plan is dropped although a launch of its graph may be under way");
  find_others(kernels);
  require(plan.expired(), "a plan stays although its graph is long gone");
}

/// More problems than are remembered leave no more descriptors than are.
void check_memory(Device& device, RecurrentKernels& kernels) {
  char text[512];
  Case c = draw_case(Cell::Gru);
  c.p.dtype = DType::F32, c.p.math = MathMode::Fma, c.p.L = 1, c.p.K = 1;
  RecurrentSizes sizes;
  const auto fill = [&](int64_t from) {
    for (int64_t T = from; T < from + 2100; ++T) {
      c.p.T = T;
      c.p.lengths = nullptr;
      require(kernels.sizes(c.p, &sizes), "sizes");
    }
  };
  fill(1);
  const int before = standin_leaks(text, sizeof text);
  fill(3000);
  require(standin_leaks(text, sizeof text) <= before, std::string("descriptors of old problems stay: ") + text);
  (void)device;
}

/// One process in which cuDNN's weights lie as stmnet's: they are not packed, and their gradients arrive in place.
void check_plain_layout(Device& device, RecurrentKernels& kernels) {
  for (int i = 0; i < 60; ++i) {
    Case c = draw_case(kCells[i % 4]);
    if (c.p.math != MathMode::Fma && c.p.math != MathMode::Tf32) c.p.math = MathMode::Fma;
    check_case(device, kernels, c, "plain layout", chance(0.3));
    RecurrentSizes sizes;
    require(kernels.sizes(c.p, &sizes), "sizes");
    require(sizes.packed == 0 && sizes.layout == 0, "weights that lie as stmnet's are packed: " + c.name());
  }
  const auto pieces = with_most_steps(device.context, "2");
  check_cases(device, *pieces, 20, "plain layout in pieces");
}

struct Counts {
  unsigned long long launches, memsets, copies;
  bool operator==(const Counts&) const = default;
};

/// What `call()` asks of the device besides cuDNN's work.
template <class F>
Counts counts_of(F call) {
  standin_reset_counts();
  require(call(), "a call to be counted");
  return {standin_call_count("cudaLaunchKernel"), standin_call_count("cudaMemsetAsync"),
          standin_call_count("cudaMemcpyAsync")};
}

void expect_counts(const char* what, const Counts& got, const Counts& expected, const Case& c) {
  require(got == expected, std::string(what) + " makes " + std::to_string(got.launches) + " launches, " +
                               std::to_string(got.memsets) + " memsets and " + std::to_string(got.copies) +
                               " copies: " + c.name());
}

/// 16-bit calls of whole rows convert all that goes in by one launch, and all that comes out by another; cuDNN adds to
/// gradients of weights that are cleared.
void check_launches(Device& device, RecurrentKernels& kernels) {
  for (const bool all : {true, false}) {
    for (const Cell cell : {Cell::Lstm, Cell::Gru}) {
      Case c = draw_case(cell);
      c.p.dtype = DType::F32, c.p.math = all ? MathMode::Bf16 : MathMode::F16, c.p.training = true, c.p.L = 2,
      c.p.K = 1, c.crooked = false;
      for (bool* each : {&c.with_h0, &c.with_c0, &c.with_dhn, &c.with_dcn, &c.wants_x, &c.wants_h0, &c.wants_c0})
        *each = all;
      c.with_dy = c.wants_weights = true;
      c.lengths.clear();
      c.draw_values();
      OnDevice on(device, c, kernels);
      expect_counts("packing", counts_of([&] { return on.prepare(); }), {1, 0, 0}, c);
      expect_counts("forward", counts_of([&] { return on.forward(); }), {2, 0, 0}, c);
      expect_counts("backward", counts_of([&] { return on.backward(); }), {2, 1, 0}, c);
      compare(c, on.results(), expected_of(c), "counted");

      c.p.N = 3, c.p.T = 4;
      c.lengths = {2, 4, 1};
      c.draw_values();
      OnDevice uneven(device, c, kernels);
      require(uneven.prepare(), "prepare");
      const Counts forward = counts_of([&] { return uneven.forward(); }),
                   backward = counts_of([&] { return uneven.backward(); });
      require(forward.memsets + forward.copies == 0 && backward.memsets == 1 && backward.copies == 0,
              "uneven rows are cleared or copied: " + c.name());
    }
  }
}

/// The layout names what pack() makes: problems of one layout may share it.
void check_layouts(Device& device, RecurrentKernels& kernels) {
  Case c = draw_case(Cell::Lstm);
  c.p.dtype = DType::F32, c.p.math = MathMode::Fma, c.p.P = 0, c.p.bias = true, c.p.K = 1;
  c.lengths.clear();
  c.draw_values();
  RecurrentSizes one, other, another;
  require(kernels.sizes(c.p, &one), "sizes");
  c.p.T += 3;
  require(kernels.sizes(c.p, &other), "sizes");
  c.p.algorithm = Algorithm::PersistDynamic;
  require(kernels.sizes(c.p, &another), "sizes");
  require(one.layout == other.layout && one.packed == other.packed, "the layout depends on T");
  require(one.layout != another.layout, "two layouts go by one number");
  (void)device;
}

void refuses(RecurrentKernels& kernels, const RecurrentProblem& p, const char* words) {
  const Status status = kernels.check(p);
  require(!status.is_ok() && says(status, words) && says(status, "Fix:"),
          std::string("expected a refusal with '") + words + "', got '" + text_of(status) + "'");
}

void check_refusals(Device& device) {
  const auto made = with_most_steps(device.context, "5");
  CudaRecurrent& kernels = *made;
  RecurrentProblem p;
  p.N = 2, p.T = 4, p.D = 3, p.H = 8;
  require(kernels.check(p), "a plain problem");
  const int32_t lengths[] = {4, 2}, wrong[] = {4, 5};
  const auto with = [&](auto change) {
    RecurrentProblem changed = p;
    change(changed);
    return changed;
  };
  refuses(kernels, with([](RecurrentProblem& q) { q.dtype = DType::I32; }), "expected f32 or f64");
  refuses(kernels, with([](RecurrentProblem& q) { q.P = 8; }), "projection to 8 of 8 units");
  refuses(kernels, with([](RecurrentProblem& q) { q.cell = Cell::Gru, q.P = 2; }), "of an LSTM");
  refuses(kernels, with([](RecurrentProblem& q) { q.N = int64_t{1} << 30; }), "below 2147483648");
  refuses(kernels, with([&](RecurrentProblem& q) { q.lengths = wrong; }), "lengths[1] = 5, expected 0 to 4");
  const auto persistent = [&](Algorithm algorithm, auto change) {
    return with([&](RecurrentProblem& q) {
      q.algorithm = algorithm;
      change(q);
    });
  };
  refuses(kernels, persistent(Algorithm::PersistStatic, [&](RecurrentProblem& q) { q.lengths = lengths; }),
          "'persistStatic' with rows of different lengths");
  refuses(kernels, persistent(Algorithm::PersistDynamic, [](RecurrentProblem& q) { q.P = 3; }),
          "'persistDynamic' with a projection");
  refuses(kernels, persistent(Algorithm::PersistDynamic, [](RecurrentProblem& q) { q.bias = false; }),
          "with no biases");
  refuses(kernels, persistent(Algorithm::PersistDynamic, [](RecurrentProblem& q) { q.T = 6; }), "so many steps");
  refuses(kernels, persistent(Algorithm::PersistStatic, [](RecurrentProblem& q) { q.dtype = DType::F64; }), "f64");
  refuses(kernels, persistent(Algorithm::PersistStaticSmallH, [](RecurrentProblem& q) { q.H = 200; }),
          "more than 192 hidden units");
  const int capability = device.context.capability;
  device.context.capability = 75;
  refuses(kernels, with([](RecurrentProblem& q) { q.math = MathMode::Bf16; }), "compute capability 7.5");
  require(kernels.check(with([](RecurrentProblem& q) { q.math = MathMode::Bf16, q.dtype = DType::F64; })),
          "f64 whatever the mode");
  device.context.capability = capability;
  RecurrentSizes sizes;  // what only cuDNN knows
  const Status status =
      kernels.sizes(persistent(Algorithm::PersistStatic, [](RecurrentProblem& q) { q.K = 2; }), &sizes);
  require(status.kind == StatusKind::Unsupported && says(status, "'persistStatic' does not compute this shape"),
          text_of(status));
}

int run(bool plain) {
  DeviceWithLibraries device;
  {
    setenv("STMNET_CUDNN_AUTOTUNE", "0", 1);
    CudaRecurrent kernels(device.context);
    if (plain) {
      check_plain_layout(device, kernels);
      return finish("cuda_recurrent_test, plain layout");
    }
    check_cases(device, kernels, 150, "whole");
    for (const char* steps : {"1", "2", "3", "5"}) {
      const auto pieces = with_most_steps(device.context, steps);
      check_cases(device, *pieces, 40, std::string("pieces of ") + steps);
      check_lengths(device, *pieces);
    }
    for (const char* layout : {"time", "batch"}) {  // whatever the caller's order is
      setenv("STMNET_CUDNN_LAYOUT", layout, 1);
      CudaRecurrent turned(device.context);
      const std::string name = std::string("steps by ") + layout;
      check_cases(device, turned, 60, name);
      check_lengths(device, turned);
      check_cases(device, *with_most_steps(device.context, "2"), 30, name + ", in pieces");
      unsetenv("STMNET_CUDNN_LAYOUT");
    }
    check_lengths(device, kernels);
    check_nothing_to_do(device, kernels);
    check_algorithms(device, kernels);
    check_without_waiting(device, kernels);
    check_tf32(device, kernels);
    check_graph(device, kernels);
    check_launches(device, kernels);
    check_layouts(device, kernels);
    check_captured_plan(device, kernels);
    check_memory(device, kernels);
    check_refusals(device);
  }
  std::printf("worst error: %.0f %% of what is allowed\n", 100 * worst_of_tolerance);
  return finish("cuda_recurrent_test");
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  if (std::getenv("STMNET_STANDIN_LAYOUT")) return run(true);
  const int whole = run(false);
  const std::string again = "STMNET_STANDIN_LAYOUT=plain '" + std::string(argv[0]) + "' " +
                            std::to_string(seed);  // the stand-in reads its settings once
  return std::system(again.c_str()) == 0 ? whole : 1;
}
