// The trials of cuDNN's algorithms: those that fail or disagree, choices that are refused, and what keeps a trial from
// being made. usage: cuda_recurrent_trials_test [seed]
#include "backend/cuda/recurrent/trial.h"
#include "cuda_tuning.h"

namespace stm::cuda::test {
namespace {

/// A forward and its backward are one, whatever is found out between them.
void check_switch(Device& device) {
  const CacheFolder folder;
  const Algorithms algorithms("standard/batch=9000,standard/time=3000,persistStatic=9000,persistStaticSmallH=9000");
  CudaRecurrent kernels(device.context);
  Case before, after;
  before.p = after.p = plain_problem();
  before.draw_values();
  after.draw_values();
  before.p.choice = use(kernels, before.p).choice;
  OnDevice first(device, before, kernels);
  require(first.prepare(), "prepare");
  require(first.forward(), "forward");
  after.p.choice = use(kernels, after.p, kEnough).choice;
  require(before.p.choice != after.p.choice, "nothing is found out");
  OnDevice second(device, after, kernels);
  require(second.prepare(), "prepare");
  require(second.sizes.reserve != 0 && second.forward().is_ok(), "forward");
  require(first.backward(), "backward");
  require(second.backward(), "backward");
  compare(before, first.results(), expected_of(before), "before the switch");
  compare(after, second.results(), expected_of(after), "after the switch");
  RecurrentSizes sizes;
  require(kernels.sizes(before.p, &sizes), "sizes");
  require(sizes.reserve == first.sizes.reserve && sizes.layout == first.sizes.layout &&
              sizes.backward_workspace == first.sizes.backward_workspace,
          "sizes() changes its answer");
}

/// An algorithm that fails while it is tried is not chosen, and nothing comes of it. Without memory for a trial,
/// nothing is written down.
void check_failing_trials(Device& device) {
  char text[512];
  for (const char* fault : {"cudnnRNNForward:4+=5000", "cudnnRNNBackwardWeights_v8:4+=3000",
                            "cudnnBuildRNNDynamic:1=3000", "cudaMallocAsync:1=2", "cudnnGetRNNTempSpaceSizes:2+=3000",
                            "cudaLaunchKernel:1=1", "cudaEventElapsedTime:3+=1"}) {
    const CacheFolder folder;
    const Setting all("STMNET_CUDNN_AUTOTUNE", "all");
    const Algorithms algorithms(
        "standard/batch=9000,persistDynamic=9000");  // what is tried after it would be chosen, but for the faults
    const int before = standin_leaks(text, sizeof text);
    {
      CudaRecurrent kernels(device.context);
      standin_reset_counts();
      standin_set_faults(fault);
      uint64_t choice = 0;
      const Status status = kernels.choose(plain_problem(), true, &choice);
      standin_set_faults("");
      device.wait();
      const bool fatal = std::strstr(fault, "cudaLaunchKernel");  // then nothing can be computed
      require(status.is_ok() == !fatal, std::string(fault) + ": " + text_of(status));
      require(fatal || std::strstr(fault, "BuildRNN") || Choice::of(choice).text() == "standard/batch",
              std::string("an algorithm is chosen that failed: ") + fault);
      const bool written = !fatal && !std::strstr(fault, "cudaMalloc");
      require(written == !folder.contents().empty(), std::string("the file after ") + fault + ": " + folder.contents());
    }
    device.wait();
    require(standin_leaks(text, sizeof text) == before, std::string(fault) + " leaks: " + text);
  }
}

/// A file that came from elsewhere may name what cuDNN refuses here: then it is as if it named the standard algorithm.
/// Only what the caller names fails.
void check_refused_choice(Device& device) {
  for (const char* how :
       {"persistStatic=refused", "persistStatic=failing", "persistStatic/batch=failing", "persistStatic=wrong"}) {
    const CacheFolder folder;
    const RecurrentProblem p = plain_problem();
    {
      const Algorithms algorithms(
          "standard=9000,persistStatic/batch=2000,persistStatic/time=5000,persistStaticSmallH=5000");
      CudaRecurrent maker(device.context);
      require(use(maker, p, 1, true).name() == "persistStatic/batch", "a new problem is not measured");
    }
    const std::string contents = folder.contents();
    const Algorithms algorithms(how);
    CudaRecurrent kernels(device.context);
    Case c;
    c.p = p;
    c.draw_values();
    const Outcome found = use(kernels, p);
    require(found.name() == "standard/batch",
            std::string(how) + " is not replaced by the standard algorithm, but by " + found.name());
    c.p.choice = found.choice;
    check_case(device, kernels, c, how);
    require(use(kernels, p).choice == found.choice && use(kernels, p, 1, true).runs == 0,
            std::string(how) + " is tried again");
    require(folder.contents() == contents, "what was refused in one process is written down for all");
    RecurrentProblem named = p;
    named.algorithm = Algorithm::PersistStatic;
    if (std::strchr(how, '/')) continue;
    named.choice = use(kernels, named).choice;
    RecurrentSizes sizes;
    if (std::strstr(how, "refused")) require(!kernels.sizes(named, &sizes).is_ok(), "a named algorithm is replaced");
    require(Choice::of(named.choice).algorithm == Algorithm::PersistStatic, "a named algorithm is replaced");
  }
  const CacheFolder folder;  // refused for this number of steps alone: found when it is planned
  const Algorithms algorithms(
      "standard=9000,persistStatic=9000,persistStaticSmallH/batch=2000,persistStaticSmallH/time=5000");
  const RecurrentProblem p = plain_problem();
  {
    CudaRecurrent maker(device.context);
    require(use(maker, p, 1, true).name() == "persistStaticSmallH/batch", "a new problem is not measured");
  }
  CudaRecurrent kernels(device.context);
  standin_reset_counts();
  standin_set_faults("cudnnGetRNNTempSpaceSizes:3=3000");  // after the proof
  uint64_t choice = 0;
  require(kernels.choose(p, false, &choice), "choose");
  standin_set_faults("");
  require(Choice::of(choice).text() == "standard/batch" && use(kernels, p).choice == choice,
          "what cannot be planned is chosen: " + Choice::of(choice).text());
}

/// Persistent kernels of two backends could wait for each other.
void check_company(Device& device) {
  const CacheFolder folder;
  const Algorithms algorithms(
      "standard=9000,persistStatic/batch=2000,persistStatic/time=5000,persistStaticSmallH=5000");
  const Presence mine(0), elsewhere(1);
  device.context.presence = &mine;
  CudaRecurrent kernels(device.context);
  {
    const Presence other(0);
    const Outcome found = use(kernels, plain_problem(), 2 * kEnough), recorded = use(kernels, plain_problem(), 1, true);
    require(
        found.name() == "standard/batch" && found.runs == 0 && recorded.choice == found.choice && recorded.runs == 0,
        "measured beside another worker");
  }
  require(use(kernels, plain_problem(), kEnough).name() == "persistStatic/batch", "the other worker is not forgotten");
  {
    const Presence other(0);
    require(use(kernels, plain_problem()).name() == "standard/batch", "a worker that comes later is not noticed");
  }
  require(use(kernels, plain_problem()).name() == "persistStatic/batch", "the other worker is not forgotten");
  device.context.presence = nullptr;
}

/// While a graph is captured nothing can be measured.
void check_capture(Device& device) {
  const CacheFolder folder;
  const Algorithms algorithms(
      "standard=9000,persistStatic/batch=2000,persistStatic/time=5000,persistStaticSmallH=5000");
  CudaRecurrent kernels(device.context);
  require(use(kernels, plain_problem(), 1, true).runs > 0, "a new problem is not measured");
  const RecurrentProblem p = with([](RecurrentProblem& q) { q.H = 7; });
  must(cudaStreamBeginCapture(device.context.stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  const Outcome during = use(kernels, p, 2 * kEnough, true), known = use(kernels, plain_problem());
  cudaGraph_t graph = nullptr;
  must(cudaStreamEndCapture(device.context.stream, &graph), "cudaStreamEndCapture");
  must(cudaGraphDestroy(graph), "cudaGraphDestroy");
  require(during.runs == 0 && during.name() == "standard/batch", "a problem is measured while a graph is captured");
  require(known.name() == "persistStatic/batch", "what is known is forgotten while a graph is captured");
  require(folder.contents().find(":H7:") == std::string::npos, "what was not measured is written down");
  require(use(kernels, p, 1, true).name() == "persistStatic/batch", "a problem is not measured after a capture");
}

/// Results that are not those of the standard algorithm are noticed, in every one of them.
void check_agreement(Device& device) {
  Context& context = device.context;
  Planner planner(context);
  RecurrentProblem p = plain_problem();
  p.K = 2;
  std::unique_ptr<Plan> standard, dynamic, turned;
  require(planner.plan(p, arrange(p, p.T), {Algorithm::Standard, true}, &standard), "standard");
  require(planner.plan(p, arrange(p, p.T), {Algorithm::PersistDynamic, true}, &dynamic), "dynamic");
  require(planner.plan(p, arrange(p, p.T), {Algorithm::Standard, false}, &turned), "turned");
  const auto agrees = [&](Trial& trial, const Plan& plan) {
    bool result = false;
    require(trial.enter(plan), "enter");
    require(trial.run(), "run");
    require(trial.agrees(&result), "agrees");
    return result;
  };
  const float number = 0.75f, nan = std::numeric_limits<float>::quiet_NaN();
  const auto operand = [](const Trial& trial, int i) {
    const Trial::Operands& o = trial.operands();
    void* const all[] = {o.x, o.weights, o.dhn, o.dcn};
    return all[i];
  };
  for (int spoiled = -1; spoiled < 4; ++spoiled) {
    Trial trial(context, p);
    require(trial.begin({standard.get(), dynamic.get(), turned.get()}), "begin");
    require(trial.enter(*standard), "enter");
    require(trial.run(), "run");
    trial.keep_results();
    for (const Plan* plan : {dynamic.get(), turned.get(), standard.get()})
      require(agrees(trial, *plan), "equal results are said to differ");
    if (spoiled < 0) continue;
    device.upload(operand(trial, spoiled), &number, sizeof number);
    require(!agrees(trial, *dynamic), "different results are said to be equal");
    device.upload(operand(trial, 3), &nan, sizeof nan);
    require(!agrees(trial, *standard), "NaN is said to be a result");
    device.wait();
  }
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  DeviceWithLibraries device;
  check_switch(device);
  check_failing_trials(device);
  check_refused_choice(device);
  check_company(device);
  check_capture(device);
  check_agreement(device);
  return finish("cuda_recurrent_trials_test");
}
