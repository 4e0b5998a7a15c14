#pragma once
#include <string>
#include <string_view>

namespace stm {

/// Where the op calls of this thread come from in the user's program, as text; empty: not known. Under `debug` the
/// binding is told before each call.
void set_call_site(std::string site);
const std::string& call_site();

/// The name that a command of this thread bears: `op` itself, or, where the call site is known, op and site with a line
/// break between them. What the executor and a device report about a command, they report by this name, however late,
/// and from recorded steps too. Lives as long as the process.
const char* with_call_site(const char* op);

/// The two parts of such a name.
inline std::string_view op_of(std::string_view name) { return name.substr(0, name.find('\n')); }
inline std::string_view site_of(std::string_view name) {
  return name.size() > op_of(name).size() ? name.substr(op_of(name).size() + 1) : std::string_view();
}

}  // namespace stm
