// Questions about the asking itself, for its test: what becomes of one that crashes, hangs or fails. They come last of
// all with STMNET_PROBE_SELF=1.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "heap.h"
#include "question.h"

namespace stm::probe {
namespace {

Question question(const std::string& name, const std::function<void()>& end) {
  return {"self-" + name, "does it leave the others alone", "nothing", [end] {
            tell_case(Json().number("case", 1));
            end();
            tell_case(Json().number("case", 2));
            return Json().text("outcome", "ok");
          }};
}

/// Whether memory that was freed keeps what it held through dirty_heap().
Json heap() {
  constexpr unsigned kBefore = 0x5AFE5AFE;
  std::vector<std::pair<uintptr_t, size_t>> freed;
  for (const size_t words : {12, 32, 160, 384, 1024, 2048, 16384})
    for (int i = 0; i < 5; ++i) {
      unsigned* const block = new unsigned[words];
      std::fill_n(block, words, kBefore);
      freed.emplace_back(reinterpret_cast<uintptr_t>(block), words);
      delete[] block;
    }
  dirty_heap(1);
  size_t left = 0, all = 0;
  for (const auto& [block, words] : freed)
    for (size_t i = 0; i < words; ++i, ++all) left += reinterpret_cast<const volatile unsigned*>(block)[i] == kBefore;
  return Json()
      .number("words", static_cast<double>(all))
      .number("left", static_cast<double>(left))
      .text("outcome", "ok");
}

}  // namespace

std::vector<Question> self_questions() {
  const char* const wanted = std::getenv("STMNET_PROBE_SELF");
  if (!wanted || *wanted != '1') return {};
  return {question("crash", [] { std::abort(); }),
          question("hang",
                   [] {
                     std::printf("case {\"cut");  // no end of a line
                     std::fflush(stdout);
                     (void)sleep(1000);
                   }),
          question("throw",
                   [] {
                     std::printf("a library begins to say something: ");
                     throw std::runtime_error("thrown");
                   }),
          question("leave", [] { _exit(0); }),
          question("answer", [] {}),
          {"self-heap", "does dirty_heap() reach what was freed", "nothing", heap}};
}

}  // namespace stm::probe
