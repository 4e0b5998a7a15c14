// What errors are made of: the sentence of three parts, and how a Status carries them over the plug-in boundary.
#include <cstring>
#include <limits>
#include <type_traits>

#include "backend/data_fault.h"
#include "check.h"
#include "core/error.h"
#include "core/storage.h"

namespace {

using stm::DataFault;
using stm::Error;
using stm::Kind;
using stm::Message;
using stm::Status;
using stm::StatusKind;
using stm::testing::require;
using stm::testing::require_equal;
using stm::testing::require_text;
using stm::testing::text_of;

void check_sentences() {
  const Message whole{"x f32[2] on cpu", "2 axes", "reshape it"};
  require_text(whole.sentence(), "got x f32[2] on cpu, expected 2 axes.\n  Fix: reshape it.", "three parts");
  require_text(Message{"2 steps", "3", ""}.sentence(), "got 2 steps, expected 3.", "no fix");
  require_text(Message{"no memory is left", "", "wait"}.sentence(), "no memory is left.\n  Fix: wait.",
               "what went wrong by itself");
  require_text(Message{"std::bad_thing", "", ""}.sentence(), "std::bad_thing", "another's words");
}

Error thrown_by_check(int number) {
  try {
    STM_CHECK(number < 3, Kind::Index, "select", fmt::format("index {}", number), "0..2", "correct the index");
  } catch (const Error& error) {
    return error;
  }
  return Error(Kind::Index, "", {});
}

void check_mistakes() {
  require_text(thrown_by_check(2).op, "", "a check that holds");
  const Error error = thrown_by_check(7);
  require(error.kind == Kind::Index, "the kind of a check that fails");
  require_text(error.op, "select", "its op");
  require_text(error.message.sentence(), "got index 7, expected 0..2.\n  Fix: correct the index.", "its message");
  const auto never = []() -> std::string {
    stm::testing::fail("a check that holds makes its message");
    return "";
  };
  STM_CHECK(true, Kind::Index, "select", never(), never(), never());
}

void check_parts_of_status() {
  static_assert(std::is_trivially_copyable_v<Status> && std::is_standard_layout_v<Status>, "it crosses the boundary");
  const Status status =
      Status::refuse(StatusKind::OutOfRange, {"index %d of '%s'", 7, "x"}, {"0..%lld", 2LL}, "correct the index");
  require(status.kind == StatusKind::OutOfRange && !status.is_ok(), "the kind of a refusal");
  require_text(status.given(), "index 7 of 'x'", "given");
  require_text(status.expected(), "0..2", "expected");
  require_text(status.fix(), "correct the index", "fix");
  const Status copy = status;
  require_text(text_of(copy), "got index 7 of 'x', expected 0..2.\n  Fix: correct the index.", "the whole");
  const Status failure = Status::fail(StatusKind::Internal, {"%s failed: %d", "cudaMalloc", 2});
  require_text(text_of(failure), "cudaMalloc failed: 2", "no refusal");
  require_text(text_of(Status::fail(StatusKind::OutOfMemory, "no room", "wait")), "no room.\n  Fix: wait.",
               "with a fix");
  require(Status::ok().is_ok(), "ok");
  require_text(text_of(Status::ok()), "", "ok says nothing");
}

/// What is too long is cut, and no part is lost to another's memory.
void check_long_parts() {
  const std::string is_long(400, 'x');
  for (const size_t first : {size_t{0}, size_t{1}, size_t{100}, size_t{249}, size_t{250}, size_t{251}, size_t{400}}) {
    for (const size_t second : {size_t{0}, size_t{1}, size_t{150}, size_t{250}, size_t{400}}) {
      const std::string given = is_long.substr(0, first), expected = is_long.substr(0, second);
      const Status status = Status::refuse(StatusKind::Internal, {"%s", given.c_str()}, {"%s", expected.c_str()},
                                           {"%s", is_long.c_str()});
      const size_t lengths[] = {std::strlen(status.given()), std::strlen(status.expected()), std::strlen(status.fix())};
      require_equal(lengths[0], std::min(first, sizeof status.parts - 3), "the length of given");
      require_equal(lengths[1], std::min(second, sizeof status.parts - 3 - lengths[0]), "the length of expected");
      require_equal(lengths[2], std::min<size_t>(sizeof status.parts - 3 - lengths[0] - lengths[1], 251),
                    "the length of fix");
    }
  }
}

void check_fault() {
  const stm::FaultPtr fault = stm::fault_of(
      "gather",
      stm::in_words({.code = DataFault::kIndex, .value = std::numeric_limits<int64_t>::min(), .greatest = 4}));
  require(fault->op == "gather" && fault->kind == StatusKind::OutOfRange, "the op and kind of a fault");
  require_text(fault->message.given, "index -9223372036854775808", "what was given");
  require_text(fault->message.expected, "0..4", "what was expected");
  require_text(fault->message.fix, "correct the index", "how to fix it");
}

void check_words_of_data_faults() {
  const auto says = [](const DataFault& fault, const char* words) {
    require_text(text_of(in_words(fault)), words, "code " + std::to_string(fault.code));
  };
  says({.code = DataFault::kLabel, .value = 7, .place = 3, .greatest = 4, .except = -100},
       "got class label 7 at step 3, expected 0..4 (the last axis of the input) or ignoreIndex -100.\n  Fix: correct "
       "the label, or give the input more classes.");
  says({.code = DataFault::kSequenceLabel, .value = 7, .place = 1, .sequence = 2, .greatest = 4, .except = 0},
       "got label 7 at place 1 of sequence 2, expected 0..4 other than the blank 0.\n  Fix: correct the label, or "
       "choose another blank.");
  says({.code = DataFault::kProbability, .place = 9, .number = 1.5},
       "got 1.5 as element 9, expected probabilities in [0, 1].\n  Fix: clamp them, or pass scores through sigmoid() "
       "first.");
  says({.code = DataFault::kWeight, .place = 9, .number = -0.5},
       "got -0.5 as element 9, expected finite numbers of at least 0.\n  Fix: clamp them, or pass scores through "
       "softmax() first.");
  says({.code = DataFault::kTooFewWeights, .value = 1, .sequence = 4, .greatest = 3},
       "got 1 of the numbers of row 4 above 0, expected at least 3 of them.\n  Fix: draw fewer, leave such rows out, "
       "or look at what made them 0.");
  says({.code = DataFault::kInputNoProbability, .place = 9, .number = -0.25},
       "got input -0.25 at element 9, expected a probability in [0, 1].\n  Fix: apply sigmoid first, or use "
       "binaryCrossEntropyWithLogits.");
  says({.code = DataFault::kTargetNoProbability, .place = 0, .number = 2},
       "got target 2 at element 0, expected a probability in [0, 1].\n  Fix: give each target as 0, 1 or something "
       "between.");
  says(
      {.code = DataFault::kTargetNoDistribution, .place = 0, .number = 2},
      "got target 2 at element 0, expected a probability in [0, 1].\n  Fix: pass probabilities, or logTarget: true for "
      "their logarithms.");
  says({.code = DataFault::kNotWhole, .place = 5, .greatest = 16777216, .number = 16777217.5},
       "got 16777217.5 as element 5, expected whole numbers of at most 16777216.\n  Fix: correct the number; give "
       "larger ones in an Int32Array, or ask for dtype 'i32'.");
  says({.code = DataFault::kOverflow},
       "got a result outside -2^31..2^31-1, or none (NaN, division by 0), expected one that an i32 holds.\n  Fix: "
       "compute in f64: cast('f64').");
  says({.code = DataFault::kNothingCounts, .value = 6},
       "got 6 steps that are all ignored or weigh 0, expected one that counts for the mean.\n  Fix: leave such batches "
       "out, or use reduction: 'sum'.");
}

}  // namespace

int main() {
  check_sentences();
  check_mistakes();
  check_parts_of_status();
  check_long_parts();
  check_fault();
  check_words_of_data_faults();
  return stm::testing::finish("message_test");
}
