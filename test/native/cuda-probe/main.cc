// Questions about cuDNN that only a GPU can answer. `cuda-probe list` prints their names; `cuda-probe NAME` answers one with a JSON object, in a process of its
// own, because a question may end it. scripts/gpu/questions.mjs builds it, asks them all and writes a report.
#include <cstring>

#include "rnn.h"

namespace {

/// What is asked; fails if there is nothing to ask.
stm::probe::Json device() {
  using namespace stm::probe;
  cudaDeviceProp facts;
  int driver = 0, runtime = 0;
  STM_PROBE(cudaDriverGetVersion(&driver));
  STM_PROBE(cudaRuntimeGetVersion(&runtime));
  STM_PROBE(cudaGetDeviceProperties(&facts, 0));
  (void)handle();
  Json json;
  json.text("device", facts.name).number("capability", facts.major * 10 + facts.minor).number("multiprocessors", facts.multiProcessorCount);
  json.number("driver", driver).number("CUDA", runtime).number("cuDNN", static_cast<double>(cudnn().cudnnGetVersion())).text("library", cudnn().path);
  return json.text("outcome", "ok");
}

std::vector<stm::probe::Question> all_questions() {
  using namespace stm::probe;
  std::vector<Question> all = {{"device", "what is asked", device}};
  for (const std::vector<Question>& some : {length_questions(), gradient_questions(), repeat_questions(), layout_questions(), speed_questions()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  const char* wanted = count > 1 ? arguments[1] : "list";
  for (const stm::probe::Question& question : all_questions()) {
    if (std::strcmp(wanted, "list") == 0) {
      std::printf("%s\t%s\n", question.name.c_str(), question.about.c_str());
    } else if (question.name == wanted) {
      try {
        std::printf("%s\n", question.answer().str().c_str());
        return 0;
      } catch (const stm::probe::Failure& failure) {
        std::printf("%s\n", stm::probe::Json().text("failed", failure.what()).str().c_str());
        return 1;
      }
    }
  }
  if (std::strcmp(wanted, "list") == 0) return 0;
  std::fprintf(stderr, "cuda-probe: got '%s', expected list or one of the names that it prints.\n", wanted);
  return 2;
}
