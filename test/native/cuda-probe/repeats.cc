// The same bits again: run after run, and out of a captured graph.
#include <cstdlib>
#include <map>

#include "rnn.h"

namespace stm::probe {
namespace {

/// A number that stands for the bits of every result of a step.
unsigned long long fingerprint(const Rnn& rnn) {
  unsigned long long hash = 1469598103934665603ull;
  for (const Buffer* buffer : {&rnn.y, &rnn.hy, &rnn.cy, &rnn.dx, &rnn.dhx, &rnn.dcx, &rnn.dweights})
    for (const unsigned char byte : buffer->read()) hash = (hash ^ byte) * 1099511628211ull;
  return hash;
}

int repeats() {
  const char* wanted = std::getenv("STMNET_PROBE_REPEATS");
  return wanted ? std::atoi(wanted) : 100;
}

Setting typical(cudnnRNNAlgo_t algo, Type type) {
  const bool small = algo == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
  Setting s;
  s.algo = algo, s.type = type, s.T = 12, s.N = 32, s.D = 128, s.H = small ? 128 : 256, s.L = 2;
  return s;
}

Json determinism(cudnnRNNAlgo_t algo, Type type) {
  const char* workspace = std::getenv("CUBLAS_WORKSPACE_CONFIG");
  Json json;
  json.text("CUBLAS_WORKSPACE_CONFIG", workspace ? workspace : "not set");
  std::vector<Setting> settings(3, typical(algo, type));
  settings[1].N = 20, settings[1].H = settings[1].H * 3 / 4;
  if (algo == CUDNN_RNN_ALGO_STANDARD) settings[2].K = 2;
  else settings.resize(2);
  std::vector<Json> cases;
  for (const Setting& s : settings) {
    Json one;
    one.number("N", s.N).number("H", s.H).number("directions", s.K);
    const std::string result = outcome([&] {
      const Rnn rnn(s);
      std::map<unsigned long long, int> seen;
      for (int i = 0; i < repeats(); ++i) {
        rnn.step();
        ++seen[fingerprint(rnn)];
      }
      one.number("runs", repeats()).number("different results", static_cast<double>(seen.size()));
    });
    cases.push_back(one.text("outcome", result));
  }
  return json.list("cases", cases);
}

Json graph(const Setting& s) {
  Json json;
  const std::string result = outcome([&] {
    const Rnn rnn(s);
    rnn.step();  // whatever is set up at the first call
    const unsigned long long expected = fingerprint(rnn);
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t run = nullptr;
    STM_PROBE(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal));
    std::string failed;
    try {
      rnn.step();
    } catch (const Failure& failure) {
      failed = failure.what();
    }
    const cudaError_t ended = cudaStreamEndCapture(stream(), &graph);
    json.text("calls in the capture", failed.empty() ? "ok" : failed);
    STM_PROBE(ended);
    if (!failed.empty()) throw Failure("not captured");
    STM_PROBE(cudaGraphInstantiate(&run, graph, 0));
    for (const Buffer* buffer : {&rnn.y, &rnn.hy, &rnn.cy, &rnn.dx, &rnn.dhx, &rnn.dcx}) buffer->fill(0xFF);
    bool same = true;
    for (int i = 0; i < 10; ++i) {
      STM_PROBE(cudaGraphLaunch(run, stream()));
      same = fingerprint(rnn) == expected && same;
    }
    json.flag("replays give the eager bits", same);
    json.number("eager ms", milliseconds([&] { rnn.step(); })).number("replay ms", milliseconds([&] { STM_PROBE(cudaGraphLaunch(run, stream())); }));
    (void)cudaGraphExecDestroy(run);
    (void)cudaGraphDestroy(graph);
  });
  return json.text("outcome", result);
}

}  // namespace

std::vector<Question> repeat_questions() {
  std::vector<Question> all;
  for (const cudnnRNNAlgo_t algo : kAlgorithms)
    for (const Type type : {Type::F32, Type::Tf32, Type::F16, Type::Bf16}) {
      const std::string name = std::string(name_of(algo)) + "-" + name_of(type);
      all.push_back({"determinism-" + name, "does a step give the same bits each time; also asked under CUBLAS_WORKSPACE_CONFIG",
                     [=] { return determinism(algo, type); }});
      all.push_back({"graph-" + name, "can a step be captured, and do replays give the eager bits", [=] { return graph(typical(algo, type)); }});
    }
  all.push_back({"graph-lengths", "the same with lengths that differ", [] {
                   Setting s = typical(CUDNN_RNN_ALGO_STANDARD, Type::F32);
                   for (int n = 0; n < s.N; ++n) s.lengths.push_back(1 + n * 7 % s.T);
                   return graph(s);
                 }});
  return all;
}

}  // namespace stm::probe
