// The same bits again: run after run, and out of a captured graph.
#include <cstdlib>
#include <cstring>
#include <map>

#include "heap.h"
#include "question.h"
#include "rnn.h"

namespace stm::probe {
namespace {

/// A number that stands for the bits of every result of a step.
unsigned long long fingerprint(const Rnn& rnn) {
  unsigned long long hash = 1469598103934665603ull;
  for (const Buffer* buffer : {&rnn.y, &rnn.hy, &rnn.cy, &rnn.dx, &rnn.dhx, &rnn.dcx, &rnn.dweights}) {
    std::vector<unsigned char> bytes = buffer->read();
    bytes.resize((bytes.size() + 7) / 8 * 8);
    for (size_t i = 0; i < bytes.size(); i += 8) {
      unsigned long long word;
      std::memcpy(&word, &bytes[i], 8);
      hash = (hash ^ word) * 1099511628211ull;
      hash ^= hash >> 32;
    }
  }
  return hash;
}

Setting typical(cudnnRNNAlgo_t algo, Type type) {
  Setting s;
  s.algo = algo, s.type = type, s.L = 2;
  if (small()) return s.T = 6, s.D = 24, s.H = 32, s;
  s.T = 12, s.N = 32, s.D = 128, s.H = algo == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H ? 128 : 256;
  return s;
}

Json determinism(cudnnRNNAlgo_t algo) {
  const int repeats = small() ? 5 : 100;
  for (const Type type : {Type::F32, Type::Tf32, Type::F16, Type::Bf16}) {
    std::vector<Setting> settings(3, typical(algo, type));
    settings[1].N = settings[1].N * 5 / 8, settings[1].H = settings[1].H * 3 / 4;
    if (algo == CUDNN_RNN_ALGO_STANDARD) settings[2].K = 2;
    else settings.resize(2);
    for (const Setting& s : settings)
      tell_case(tried(Json().text("type", name_of(type)).number("N", s.N).number("H", s.H).number("directions", s.K),
                      [&](Json& json) {
                        const Rnn rnn(s);
                        std::map<unsigned long long, int> seen;
                        for (int i = 0; i < repeats; ++i) {
                          rnn.step();
                          ++seen[fingerprint(rnn)];
                        }
                        json.number("runs", repeats).number("different results", static_cast<double>(seen.size()));
                      }));
  }
  const char* workspace = std::getenv("CUBLAS_WORKSPACE_CONFIG");
  return Json().text("CUBLAS_WORKSPACE_CONFIG", workspace ? workspace : "not set");
}

/// A step as a graph. `told` gets what the calls in the capture said.
cudaGraphExec_t captured(const Rnn& rnn, Json& told) {
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
  told.text("calls in the capture", failed.empty() ? "ok" : failed);
  STM_PROBE(ended);
  if (!failed.empty()) throw Failure("not captured");
  STM_PROBE(cudaGraphInstantiate(&run, graph, 0));
  (void)cudaGraphDestroy(graph);
  return run;
}

Json graph(const Setting& s) {
  return tried({}, [&](Json& json) {
    const Rnn rnn(s);
    rnn.step();  // whatever is set up at the first call
    const unsigned long long expected = fingerprint(rnn);
    const cudaGraphExec_t run = captured(rnn, json);
    dirty_heap(1);  // a length of 1 where a graph reads lengths out of memory that was freed
    for (const Buffer* buffer : {&rnn.y, &rnn.hy, &rnn.cy, &rnn.dx, &rnn.dhx, &rnn.dcx}) buffer->fill(0xFF);
    bool same = true;
    for (int i = 0; i < 10; ++i) {
      STM_PROBE(cudaGraphLaunch(run, stream()));
      same = fingerprint(rnn) == expected && same;
    }
    json.flag("replays give the eager bits", same);
    json.number("eager ms", milliseconds([&] { rnn.step(); })).number("replay ms", milliseconds([&] {
                                                                        STM_PROBE(cudaGraphLaunch(run, stream()));
                                                                      }));
    (void)cudaGraphExecDestroy(run);
  });
}

Json graph_lengths() {
  Setting s = typical(CUDNN_RNN_ALGO_STANDARD, Type::F32);
  for (int n = 0; n < s.N; ++n) s.lengths.push_back(1 + n * 7 % s.T);
  return graph(s);
}

}  // namespace

std::vector<Question> repeat_questions() {
  std::vector<Question> all;
  for (const cudnnRNNAlgo_t algo : kAlgorithms) {
    const auto add = [&](const std::string& rest, std::vector<std::pair<std::string, std::string>> environment) {
      all.push_back({std::string("determinism-") + name_of(algo) + rest, "does a step give the same bits each time",
                     "no, without CUBLAS_WORKSPACE_CONFIG: deterministic mode has to set it, or refuse this algorithm",
                     [=] { return determinism(algo); }, false, std::move(environment)});
    };
    add("", {});
    add("-with-16-8", {{"CUBLAS_WORKSPACE_CONFIG", ":16:8"}});
    add("-with-4096-2", {{"CUBLAS_WORKSPACE_CONFIG", ":4096:2"}});
    for (const Type type : {Type::F32, Type::Tf32, Type::F16, Type::Bf16})
      all.push_back({std::string("graph-") + name_of(algo) + "-" + name_of(type),
                     "can a step be captured, and do replays give the eager bits",
                     "no: a compiled program must not capture this algorithm",
                     [=] { return graph(typical(algo, type)); }, true});
  }
  all.push_back({"graph-lengths", "can a step with lengths that differ be captured, and do replays give the eager bits",
                 "no: a compiled program must not capture calls whose lengths differ", graph_lengths, true});
  return all;
}

}  // namespace stm::probe
