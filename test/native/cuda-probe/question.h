#pragma once
// A question about CUDA's libraries, and how it is answered: a family of questions is one source file.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "json.h"

namespace stm::probe {

struct Question {
  std::string name;     ///< unlike all others
  std::string about;    ///< what is asked
  std::string changes;  ///< what in stmnet the answer may change
  /// The answer, from a process that has not touched CUDA before; throws Failure if there is none.
  std::function<Json()> answer;
  bool timed = false;  ///< it takes times, so nothing else may use the device meanwhile
  /// Variables that are set before the libraries are opened.
  std::vector<std::pair<std::string, std::string>> environment = {};
};

/// One of the cases of the question that is being answered, told as soon as it is known: what follows may end the
/// process. The answer gets them all, in their order, as its list "cases".
void tell_case(const Json& one);

// The families.
std::vector<Question> dropout_questions();
std::vector<Question> length_questions();
std::vector<Question> gradient_questions();
std::vector<Question> repeat_questions();
std::vector<Question> layout_questions();
std::vector<Question> speed_questions();
std::vector<Question> product_questions();
std::vector<Question> self_questions();

}  // namespace stm::probe
