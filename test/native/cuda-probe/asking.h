#pragma once
#include <vector>

#include "question.h"

namespace stm::probe {

/// Seconds for all questions together and for each, and how many may be asked at a time.
struct Limits {
  double all = 3600, each = 30;
  int at_once = 4;
};

/// Asks `questions` in their order. Each has a process of its own, so that one that fails, crashes or hangs leaves the
/// others alone. An answer is a line of JSON on stdout as soon as it is there; questions that time does not suffice for
/// are left out.
/// @returns how many were answered
int ask(const std::vector<Question>& questions, const Limits& limits);

/// Answers one question in this process, for a debugger: lines as a process of ask() gives them.
int answer_here(const Question& question);

}  // namespace stm::probe
