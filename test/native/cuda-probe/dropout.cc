// What stands for "no dropout" in a descriptor of a recurrent stack.
#include <map>

#include "heap.h"
#include "question.h"
#include "rnn.h"

namespace stm::probe {
namespace {

using Results = std::map<std::string, std::vector<double>>;

Results results_of(const Rnn& rnn) {
  rnn.step();
  Results out;
  for (const auto& [name, buffer] :
       {std::pair{"y", &rnn.y}, {"hy", &rnn.hy}, {"cy", &rnn.cy}, {"dx", &rnn.dx}, {"dhx", &rnn.dhx}})
    out[name] = get(*buffer, rnn.setting.type);
  out["gradients"] = rnn.weight_gradients();
  return out;
}

struct Variant {
  cudnnRNNAlgo_t algo;
  NoDropout form;
};
/// What was never set comes last: it may be the end of the process.
const std::vector<Variant> kVariants = {{CUDNN_RNN_ALGO_STANDARD, NoDropout::Set},
                                        {CUDNN_RNN_ALGO_STANDARD, NoDropout::Null},
                                        {CUDNN_RNN_ALGO_PERSIST_STATIC, NoDropout::Set},
                                        {CUDNN_RNN_ALGO_PERSIST_STATIC, NoDropout::Null},
                                        {CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, NoDropout::Set},
                                        {CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, NoDropout::Null},
                                        {CUDNN_RNN_ALGO_STANDARD, NoDropout::Unset}};

/// The three ways to say it, against the first: of two layers and in training, where dropout would show.
Json dropout_forms() {
  static const char* const names[] = {"set to 0 without states", "NULL", "created and not set"};
  std::map<cudnnRNNAlgo_t, Results> expected;
  for (const Variant& variant : kVariants)
    tell_case(tried(
        Json().text("algorithm", name_of(variant.algo)).text("form", names[static_cast<int>(variant.form)]),
        [&](Json& json) {
          Setting s;
          s.algo = variant.algo, s.L = 2, s.H = s.D = 32, s.dropout = variant.form;
          dirty_heap(0x3F000000);  // 0.5: what a descriptor that is not cleared as it is made holds, and drops out with
          const Rnn rnn(s);
          const Results results = results_of(rnn);
          for (const auto& [name, values] : expected.try_emplace(s.algo, results).first->second)
            json.number(name + " against the first form", distance(results.at(name), values));
          json.flag("the same twice", results_of(rnn) == results);
        }));
  return {};
}

}  // namespace

std::vector<Question> dropout_questions() {
  return {{"dropout-forms",
           "do all ways to say that there is no dropout compute the same: a descriptor set to 0, none, one that was "
           "never set",
           "set or NULL refused or unlike: recurrent/network.cc has to take the other; all alike: either will do",
           dropout_forms}};
}

}  // namespace stm::probe
