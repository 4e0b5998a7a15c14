#pragma once
// Where a machine may have libraries.
#include <string>
#include <vector>

namespace stm::cuda {

/// A variable of the environment; nothing if it is unset.
std::string environment(const char* name);

/// Folders that fit a pattern with *.
std::vector<std::string> folders(const std::string& pattern);

/// Folders in which Python keeps packages: of the active environment, of the python3 on the PATH, the user's, the
/// system's. Asks the files alone and starts no Python, because a process must not start others for a library that it
/// loads.
std::vector<std::string> python_folders();

}  // namespace stm::cuda
