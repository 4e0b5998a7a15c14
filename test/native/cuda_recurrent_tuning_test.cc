// How the recurrent kernels choose cuDNN's algorithm: what is measured, what is remembered, and what becomes of
// measurements and files that fail. usage: cuda_recurrent_tuning_test [seed]
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "backend/cuda/recurrent/trial.h"
#include "cuda-standin/control.h"
#include "cuda_recurrent.h"

namespace stm::cuda::test {
namespace {

RecurrentProblem plain_problem() {
  RecurrentProblem p;
  p.N = 3, p.T = 5, p.D = 4, p.H = 6;
  p.training = true;
  return p;
}

/// A folder for the cache, gone at the end.
class CacheFolder {
 public:
  CacheFolder() {
    char name[] = "/tmp/stmnet-tuning-XXXXXX";
    require(mkdtemp(name) != nullptr, "mkdtemp");
    folder_ = name;
    setenv("STMNET_CACHE_DIR", (folder_ + "/of/its/own").c_str(), 1);
  }
  ~CacheFolder() { (void)std::system(("rm -rf " + folder_).c_str()); }
  std::string file() const { return folder_ + "/of/its/own/cudnn-algorithms.txt"; }
  std::string contents() const {
    std::ifstream stream(file());
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  std::string folder_;
};

/// What choosing has taken and given.
struct Outcome {
  unsigned long long runs;  ///< forward calls of cuDNN's
  uint64_t choice;
  std::string name() const { return Choice::of(choice).text(); }
};

/// So many calls of the problem come up.
Outcome use(RecurrentKernels& kernels, const RecurrentProblem& p, int times = 1, bool repeated = false) {
  Outcome outcome{};
  standin_reset_counts();
  for (int i = 0; i < times; ++i) require(kernels.choose(p, repeated, &outcome.choice), "choose");
  outcome.runs = standin_call_count("cudnnRNNForward");
  return outcome;
}

constexpr int kEnough = 4;                ///< uses, after which a problem is measured
constexpr unsigned long long kProof = 2;  ///< runs to see that a choice found in a file computes here, and what

/// What algorithms are like, until the end.
class Algorithms {
 public:
  explicit Algorithms(const std::string& text) { require(standin_set_algorithms(text.c_str()), text); }
  ~Algorithms() { (void)standin_set_algorithms(""); }
};

/// A variable of the environment, until the end.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name_); }

 private:
  const char* name_;
};

template <class F>
RecurrentProblem with(F change) {
  RecurrentProblem p = plain_problem();
  change(p);
  return p;
}

/// A choice is made at the fourth use, and then serves all problems of that size.
void check_memory_of_choices(Device& device) {
  const CacheFolder folder;
  const Algorithms algorithms(
      "standard=9000,persistStatic/batch=2000,persistStatic/time=5000,persistStaticSmallH=5000");
  {
    CudaRecurrent kernels(device.context);
    const Outcome first = use(kernels, plain_problem(), kEnough - 1), fourth = use(kernels, plain_problem()),
                  fifth = use(kernels, plain_problem());
    require(first.runs == 0 && first.name() == "standard/batch",
            "a problem is measured before it has come often: " + first.name());
    require(fourth.runs > 4 && fourth.name() == "persistStatic/batch",
            "a problem that has come often is not measured: " + fourth.name());
    require(fifth.runs == 0 && fifth.choice == fourth.choice, "a problem is measured twice");
    const auto at_once = [&](const RecurrentProblem& p) { return use(kernels, p).name() == "persistStatic/batch"; };
    const auto not_yet = [&](const RecurrentProblem& p) {
      const Outcome before = use(kernels, p, kEnough - 1);
      return before.runs == 0 && before.name().rfind("standard", 0) == 0 && use(kernels, p).runs > 4;
    };
    require(at_once(with([](RecurrentProblem& p) { p.T = 8; })), "T up to the same power of two is measured again");
    require(at_once(with([](RecurrentProblem& p) { p.N = 4; })), "N up to the same power of two is measured again");
    require(not_yet(with([](RecurrentProblem& p) { p.T = 9; })), "T beyond the power of two is not measured");
    require(not_yet(with([](RecurrentProblem& p) { p.N = 5; })), "N beyond the power of two is not measured");
    require(not_yet(with([](RecurrentProblem& p) { p.training = false; })), "inference is not measured");
    require(not_yet(with([](RecurrentProblem& p) { p.math = MathMode::Tf32; })), "another mode is not measured");
    require(not_yet(with([](RecurrentProblem& p) { p.batch_first = false; })), "the other order is not measured");
    for (int64_t rows = 2; rows > 0; --rows)  // the last batches of some epochs
      require(use(kernels, with([&](RecurrentProblem& p) { p.N = rows; })).runs == 0, "what comes once is measured");
  }
  const std::string contents = folder.contents();
  require(contents.find("lstm:f32:D4:H6:L1:K1:N4:T8:batchFirst:training persistStatic/batch standard/batch=270") !=
                  std::string::npos &&
              contents.find("lstm:tf32:") != std::string::npos,
          "the file does not say what was chosen: " + contents);
  CudaRecurrent other(device.context);
  const Outcome known = use(other, plain_problem());
  require(known.name() == "persistStatic/batch" && known.runs == kProof,
          "another process measures again, or chooses otherwise: " + known.name());
}

/// The file says of each candidate how fast it was, or why it was not.
void check_findings(Device& device) {
  const CacheFolder folder;
  const Algorithms algorithms(
      "standard/batch=7000,standard/time=3000,persistStatic/batch=refused,persistStatic/"
      "time=failing,persistStaticSmallH/batch=wrong,"
      "persistStaticSmallH/time=4000");
  CudaRecurrent kernels(device.context);
  const Outcome found = use(kernels, plain_problem(), 1, true);
  require(found.name() == "standard/time", "the order of time is not chosen where it is faster: " + found.name());
  const std::string contents = folder.contents();
  const std::string beginning =
      "2:CUDA-stand-in-(computes-on-the-CPU):sm90:multiprocessors132:mode0:mps0:cuda13:cudnn92400:nvrtc1:lstm:f32:";
  for (const std::string& part :
       {beginning, std::string(" standard/time standard/batch=210"), std::string(" standard/time=90"),
        std::string(" persistStatic/batch=refused(cudnnGetRNNTempSpaceSizes failed: CUDNN_STATUS_NOT_SUPPORTED"),
        std::string(" persistStatic/time=refused(cudnnRNNForward failed"),
        std::string(" persistStaticSmallH/batch=differs"), std::string(" persistStaticSmallH/time=120")})
    require(contents.find(part) != std::string::npos, "the file lacks '" + part + "': " + contents);
  require(contents.find('\n') == contents.size() - 1, "a verdict is not one line: " + contents);
}

void check_spoiled_files(Device& device) {
  for (const char* contents : {"", "\n\n  \n", "no sense", "\xff\xfe\x00", "KEY fastest\n", "KEY\n", "old KEY\n",
                               "1:KEY persistStatic/batch\n", "KEY persistStatic\n"}) {
    const CacheFolder folder;
    CudaRecurrent maker(device.context);
    require(use(maker, plain_problem(), kEnough).runs > 0, "a new problem is not measured");
    std::string key = folder.contents(), text = contents;
    key = key.substr(0, key.find(' '));
    if (const size_t at = text.find("KEY"); at != std::string::npos)
      text.replace(at, 3, text[0] == '1' ? key.substr(2) : key);
    std::ofstream(folder.file()) << text;
    CudaRecurrent kernels(device.context);
    require(use(kernels, plain_problem(), kEnough).runs > kProof,
            std::string("a spoiled file is believed: ") + contents);
    require(folder.contents().find(key + " ") == 0, "a spoiled file is not mended: " + folder.contents());
  }
  const CacheFolder folder;  // a folder lies in the file's place
  require(std::system(("mkdir -p " + folder.file()).c_str()) == 0, "mkdir");
  CudaRecurrent kernels(device.context);
  require(use(kernels, plain_problem(), kEnough).runs > 0, "a folder is read as a file");
  require(use(kernels, plain_problem(), kEnough).runs == 0, "without a file, nothing is remembered");
}

/// Only for what more than one algorithm computes.
void check_what_is_measured(Device& device) {
  const CacheFolder folder;
  CudaRecurrent kernels(device.context);
  const int32_t varying[] = {5, 2, 4}, equal[] = {4, 0, 4};
  const auto never = [&](auto change, const char* what) {
    require(use(kernels, with(change), 2 * kEnough).runs == 0 && use(kernels, with(change), 1, true).runs == 0,
            std::string(what) + " is measured");
  };
  never([](RecurrentProblem& p) { p.deterministic = true; }, "what must be deterministic");
  never([&](RecurrentProblem& p) { p.lengths = varying; }, "a batch of different lengths");
  never([](RecurrentProblem& p) { p.P = 2; }, "a projection");
  never([](RecurrentProblem& p) { p.bias = false; }, "no bias");
  never([](RecurrentProblem& p) { p.algorithm = Algorithm::Standard; }, "a given algorithm");
  never([](RecurrentProblem& p) { p.N = 0; }, "nothing");
  require(use(kernels, with([&](RecurrentProblem& p) { p.lengths = equal; }), kEnough).runs > 0,
          "rows of one length are not measured");
  require(use(kernels, with([](RecurrentProblem& p) { p.H = 7; }), 1, true).runs > 0,
          "a step that will be repeated is not measured at once");
  const Setting setting("STMNET_CUDNN_AUTOTUNE", "0");
  CudaRecurrent quiet(device.context);
  require(use(quiet, plain_problem(), 2 * kEnough).runs == 0, "STMNET_CUDNN_AUTOTUNE=0 is ignored");
}

/// What is compiled for a number of rows is tried for that number, in training, where nothing else is to be had.
void check_dynamic(Device& device) {
  const RecurrentProblem p =
      with([](RecurrentProblem& q) { q.H = 200, q.K = 2; });  // neither of the static ones takes that
  const auto compiled = [] { return standin_call_count("cudnnBuildRNNDynamic"); };
  {
    const CacheFolder folder;
    const Algorithms algorithms("standard=9000,persistDynamic/batch=3000,persistDynamic/time=5000");
    CudaRecurrent kernels(device.context);
    require(use(kernels, plain_problem(), 1, true).name().rfind("persistStatic", 0) == 0 && compiled() == 0,
            "something is compiled beside a static algorithm");
    RecurrentProblem inference = p;
    inference.training = false;
    require(use(kernels, inference, 1, true).name().rfind("standard", 0) == 0 && compiled() == 0,
            "something is compiled for inference");
    require(use(kernels, p, 1, true).name() == "persistDynamic/batch" && compiled() == 1,
            "nothing is compiled where nothing else is to be had");
    RecurrentProblem other = p;
    other.N = 4;  // in the same power of two
    require(use(kernels, other, kEnough - 1).name().rfind("standard", 0) == 0 && compiled() == 0,
            "something is compiled for an odd number of rows");
    require(use(kernels, other).name() == "persistDynamic/batch" && compiled() == 1,
            "nothing is compiled for another number of rows that comes often");
    CudaRecurrent again(device.context);
    require(use(again, p).name() == "persistDynamic/batch" && compiled() == 1, "another process measures again");
    device.context.compiles = false;
    CudaRecurrent without(device.context);
    require(use(without, p, 1, true).name().rfind("standard", 0) == 0 && compiled() == 0,
            "something is compiled without NVRTC, or believed to be");
    device.context.compiles = true;
  }
  const CacheFolder folder;
  const Algorithms algorithms("standard=9000,persistStatic=8000,persistStaticSmallH=7000,persistDynamic=5000");
  const Setting setting("STMNET_CUDNN_AUTOTUNE", "all");
  CudaRecurrent kernels(device.context);
  require(
      use(kernels, with([](RecurrentProblem& q) { q.training = false; }), kEnough).name().rfind("persistDynamic", 0) ==
          0,
      "STMNET_CUDNN_AUTOTUNE=all is ignored");
}

/// Choices are right whatever they are.
void check_results(Device& device) {
  for (const char* layout : {"", "time", "batch"}) {
    const CacheFolder folder;
    const Setting all("STMNET_CUDNN_AUTOTUNE", "all"), setting("STMNET_CUDNN_LAYOUT", layout);
    CudaRecurrent kernels(device.context);
    for (int i = 0; i < 12; ++i) {
      Case c;
      c.p = plain_problem();
      c.p.cell = static_cast<Cell>(i % 4);
      c.p.L = draw(1, 2), c.p.K = draw(1, 2), c.p.T = draw(1, 9), c.p.H = draw(2, 12), c.p.batch_first = chance(0.5);
      c.p.math = c.p.cell == Cell::RnnRelu
                     ? MathMode::Fma
                     : one_of<MathMode>({MathMode::Fma, MathMode::Tf32, MathMode::F16, MathMode::Bf16});
      c.draw_values();
      const Outcome found = use(kernels, c.p, 1, true);
      c.p.choice = found.choice;
      require(found.name().find(layout) != std::string::npos,
              std::string("got ") + found.name() + " where the order is to be " + layout);
      check_case(device, kernels, c, "auto, " + found.name());
    }
  }
}

/// The order that is asked for, or the only one that cuDNN takes.
void check_order(Device& device) {
  const RecurrentProblem time_first = with([](RecurrentProblem& p) { p.batch_first = false; });
  const auto named = [](bool batch_first) {
    return with([&](RecurrentProblem& p) { p.batch_first = batch_first, p.algorithm = Algorithm::PersistStatic; });
  };
  const CacheFolder folder;
  {
    CudaRecurrent kernels(device.context);
    require(
        use(kernels, plain_problem()).name() == "standard/batch" && use(kernels, time_first).name() == "standard/time",
        "steps are turned without a reason");
    require(use(kernels, named(true)).name() == "persistStatic/batch" &&
                use(kernels, named(false)).name() == "persistStatic/time",
            "a named algorithm");
  }
  for (const char* how : {"refused", "failing"}) {
    const Algorithms algorithms(std::string("persistStatic/batch=") + how);
    CudaRecurrent kernels(device.context);
    Case c;
    c.p = named(true);
    c.draw_values();
    const Outcome found = use(kernels, c.p);
    require(found.name() == "persistStatic/time",
            std::string("a named algorithm whose batch order is ") + how + ": " + found.name());
    c.p.choice = found.choice;
    check_case(device, kernels, c, "the order that is taken");
    require(use(kernels, named(false)).name() == "persistStatic/time", "a named algorithm");
  }
  for (const bool batch : {true, false}) {
    const Setting setting("STMNET_CUDNN_LAYOUT", batch ? "batch" : "time");
    const std::string name = batch ? "/batch" : "/time";
    const Algorithms algorithms(batch ? "any/batch=5000,standard/batch=9000" : "any/time=5000,standard/time=9000");
    CudaRecurrent kernels(device.context);
    require(use(kernels, plain_problem()).name() == "standard" + name &&
                use(kernels, time_first).name() == "standard" + name,
            "the order that is asked for");
    require(use(kernels, named(true)).name() == "persistStatic" + name &&
                use(kernels, named(false)).name() == "persistStatic" + name,
            "the order, named");
    for (const RecurrentProblem& p : {plain_problem(), time_first}) {
      const std::string found = use(kernels, p, kEnough).name();
      require(found.find("persist") == 0 && found.find(name) != std::string::npos,
              "the order that is asked for is not kept by " + found);
    }
  }
}

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
      require(status.is_ok() == !fatal, std::string(fault) + ": " + status.message);
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
  check_memory_of_choices(device);
  check_findings(device);
  check_spoiled_files(device);
  check_what_is_measured(device);
  check_dynamic(device);
  check_results(device);
  check_order(device);
  check_switch(device);
  check_failing_trials(device);
  check_refused_choice(device);
  check_company(device);
  check_capture(device);
  check_agreement(device);
  return finish("cuda_recurrent_tuning_test");
}
