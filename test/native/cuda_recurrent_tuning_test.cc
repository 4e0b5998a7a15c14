// How the recurrent kernels choose cuDNN's algorithm: what is measured, what is remembered, and which is taken.
// usage: cuda_recurrent_tuning_test [seed]
#include "cuda_tuning.h"

namespace stm::cuda::test {
namespace {

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
  return finish("cuda_recurrent_tuning_test");
}
