#pragma once

namespace stm::standin {

/// Whether NVRTC is in the process, with its symbols for everybody. cuDNN's libraries do not name it among what they
/// depend on.
bool compiler_is_there();
/// Whether it finds all that it needs to compile.
bool compiler_compiles();

}  // namespace stm::standin
