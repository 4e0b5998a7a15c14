#pragma once
#include <string>

namespace stm {

/// What an error says, without the op that says it.
struct Message {
  std::string given;  ///< with its value, as in "input f32[2, 3] on cpu"; the whole of it where nothing was expected
  std::string expected;
  std::string fix;

  /// "got <given>, expected <expected>." and on a second line "Fix: <fix>.", as far as there are such parts. The one
  /// place where native messages are laid out; src/tensor/errors.ts lays out those of TypeScript.
  std::string sentence() const {
    if (expected.empty() && fix.empty()) return given;  // the words of a library or of the system, as they came
    std::string text = expected.empty() ? given : "got " + given + ", expected " + expected;
    text += '.';
    return fix.empty() ? text : text + "\n  Fix: " + fix + ".";
  }
};

}  // namespace stm
