// Questions about CUDA's libraries that only a GPU can answer. scripts/gpu/questions.mjs asks them and writes a report.
//
//   cuda-probe list [--all] [START…]                                the questions: a line of JSON each
//   cuda-probe ask [--limit=S] [--each=S] [--at-once=N] [--all] [START…]   asks them; a line of JSON for each answer
//   cuda-probe here NAME                                            answers one in this very process, for a debugger
//
// START is the beginning of names. Without any, the default list is meant; --all adds all others after it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "asking.h"
#include "device.h"

namespace stm::probe {
namespace {

/// The default list: beginnings of names in order of worth. Answers that change code come first, then those that choose
/// between two ways.
const std::vector<std::string> kDefault = {
    "dropout-forms",
    "graph-standard-f32",
    "graph-standard-bf16",
    "graph-persistStaticSmallH-f32",
    "graph-persistStaticSmallH-bf16",
    "graph-persistStatic-f32",
    "graph-persistStatic-bf16",
    "graph-lengths",
    "padding-",
    "zero-lengths-two-",
    "weight-layout",
    "determinism-standard",
    "products-bias-PTB-large",
    "products-forms-PTB-large",
    "batch-major-S5",
    "per-layer-S3",
    "algorithms-S1",
    "algorithms-S3",
    "algorithms-S5",
    "algorithms-PTB-large",
};

/// What is asked; fails if there is nothing to ask.
Json device() {
  cudaDeviceProp facts;
  int driver = 0, runtime = 0;
  STM_PROBE(cudaDriverGetVersion(&driver));
  STM_PROBE(cudaRuntimeGetVersion(&runtime));
  STM_PROBE(cudaGetDeviceProperties(&facts, 0));
  (void)handle();
  const auto words = [](const cuda::LibraryReport& of) {
    return of.version + (of.path.empty() ? "" : ", " + of.path) + (of.problem.empty() ? "" : ": " + of.problem);
  };
  const cuda::LoadedLibraries& loaded = cuda::libraries();
  return Json()
      .text("device", facts.name)
      .number("capability", facts.major * 10 + facts.minor)
      .number("multiprocessors", facts.multiProcessorCount)
      .number("driver", driver)
      .number("CUDA", runtime)
      .text("cuDNN", words(loaded.cudnn))
      .text("cuBLAS", words(loaded.cublas))
      .text("NVRTC", words(loaded.nvrtc));
}

std::vector<Question> all_questions() {
  std::vector<Question> all;
  for (std::vector<Question> (*const family)() :
       {dropout_questions, length_questions, gradient_questions, repeat_questions, layout_questions, speed_questions,
        product_questions, self_questions})
    for (Question& question : family()) all.push_back(std::move(question));
  return all;
}

struct Command {
  std::string name;
  Limits limits;
  bool all = false;
  std::vector<std::string> starts;
};

/// False if it makes no sense; then a line says why.
bool parse(int count, char** arguments, Command* command) {
  command->name = count > 1 ? arguments[1] : "";
  for (int i = 2; i < count; ++i) {
    const std::string argument = arguments[i];
    const auto value = [&](const char* option) -> const char* {
      const size_t length = std::strlen(option);
      return argument.compare(0, length, option) == 0 ? arguments[i] + length : nullptr;
    };
    if (argument == "--all") command->all = true;
    else if (const char* limit = value("--limit=")) command->limits.all = std::atof(limit);
    else if (const char* each = value("--each=")) command->limits.each = std::atof(each);
    else if (const char* at_once = value("--at-once=")) command->limits.at_once = std::atoi(at_once);
    else if (argument.compare(0, 2, "--") != 0) command->starts.push_back(argument);
    else return std::fprintf(stderr, "cuda-probe: got %s, expected an option that there is.\n", arguments[i]), false;
  }
  const Limits& limits = command->limits;
  if (limits.all > 0 && limits.each > 0 && limits.at_once > 0) return true;
  return std::fprintf(stderr, "cuda-probe: got a limit of 0 or none, expected numbers above 0.\n"), false;
}

/// The questions that are meant, in the order of what they were named by. Empty, with a line that says why, if a name
/// means none.
std::vector<Question> chosen(const Command& command) {
  const std::vector<Question> all = all_questions();
  std::vector<std::string> starts = command.starts.empty() ? kDefault : command.starts;
  if (command.all) starts.emplace_back("");
  std::vector<Question> out;
  std::set<std::string> taken;
  for (const std::string& start : starts) {
    bool any = false;
    for (const Question& question : all) {
      if (question.name.compare(0, start.size(), start) != 0) continue;
      any = true;
      if (taken.insert(question.name).second) out.push_back(question);
    }
    if (any) continue;
    std::fprintf(stderr,
                 "cuda-probe: got '%s', expected the beginning of a name that `cuda-probe list --all` prints.\n",
                 start.c_str());
    return {};
  }
  return out;
}

int list(const std::vector<Question>& questions) {
  for (const Question& question : questions)
    std::printf("%s\n", Json()
                            .text("name", question.name)
                            .text("about", question.about)
                            .text("changes", question.changes)
                            .str()
                            .c_str());
  return 0;
}

/// The device comes first: without one there is nothing to ask.
int ask_all(const std::vector<Question>& questions, Limits limits) {
  const auto started = std::chrono::steady_clock::now();
  const Limits first{limits.all, std::max(limits.each, 30.0),
                     1};  // it reads gigabytes of libraries that nobody may have read before
  if (ask({{"device", "what is asked", "", device}}, first) == 0) return 1;
  limits.all -= std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return ask(questions, limits) > 0 ? 0 : 1;
}

int run(const Command& command) {
  const std::vector<Question> questions = chosen(command);
  if (questions.empty()) return 2;
  if (command.name == "list") return list(questions);
  if (command.name == "ask") return ask_all(questions, command.limits);
  if (command.name == "here" && questions.size() == 1) return answer_here(questions.front());
  std::fprintf(stderr, "cuda-probe: got '%s', expected list, ask, or here and one name.\n", command.name.c_str());
  return 2;
}

}  // namespace
}  // namespace stm::probe

int main(int count, char** arguments) {
  stm::probe::Command command;
  return stm::probe::parse(count, arguments, &command) ? stm::probe::run(command) : 2;
}
