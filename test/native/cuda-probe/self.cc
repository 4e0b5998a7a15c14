// Questions about the asking itself, for its test: what becomes of one that crashes, hangs or fails. They come last of all with STMNET_PROBE_SELF=1.
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

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

}  // namespace

std::vector<Question> self_questions() {
  const char* const wanted = std::getenv("STMNET_PROBE_SELF");
  if (!wanted || *wanted != '1') return {};
  return {question("crash", [] { std::abort(); }), question("hang", [] { (void)sleep(1000); }), question("throw", [] { throw std::runtime_error("thrown"); }),
          question("leave", [] { _exit(0); }), question("answer", [] {})};
}

}  // namespace stm::probe
