#include "backend/cuda/device/folders.h"

#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace stm::cuda {
namespace {

namespace fs = std::filesystem;

/// Nothing for an empty text, so that two in a row are no entry.
std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

/// The versions that pyenv would run, from its variable, a file .python-version here or above, or its own file.
std::vector<std::string> pyenv_versions(const fs::path& pyenv) {
  if (const std::string chosen = environment("PYENV_VERSION"); !chosen.empty()) return split(chosen, ':');
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::path folder = fs::current_path(error); !error && !folder.empty(); folder = folder.parent_path()) {
    files.push_back(folder / ".python-version");
    if (folder == folder.root_path()) break;
  }
  files.push_back(pyenv / "version");
  for (const fs::path& name : files) {
    std::ifstream file(name);
    std::vector<std::string> versions;
    for (std::string version; file >> version;) versions.push_back(version);
    if (!versions.empty()) return versions;
  }
  return {};
}

/// What lies above the bin folder of the first python3 on the PATH: of the name there, which may be a link in a virtual
/// environment, and of the file that it leads to. Where that is a script of pyenv's, the versions that it would choose
/// from.
std::vector<std::string> roots_on_path() {
  for (const std::string& entry : split(environment("PATH"), ':')) {
    const fs::path folder(entry), program = folder / "python3";
    std::error_code error;
    if (!folder.is_absolute() || !fs::is_regular_file(program, error) || access(program.c_str(), X_OK) != 0) continue;
    const fs::path root = folder.lexically_normal().parent_path(), file = fs::canonical(program, error);
    std::vector<std::string> roots;
    if (folder.filename() == "shims" && fs::is_directory(root / "versions", error)) {
      for (const std::string& version : pyenv_versions(root))
        for (const char* const patch : {"", ".*"})  // 3.12 is the last of 3.12.*
          for (std::string& found : folders((root / "versions" / version).string() + patch))
            roots.push_back(std::move(found));
      if (roots.empty()) continue;  // the system's, further on
    } else {
      roots.push_back(root.string());
      if (!file.empty()) roots.push_back(file.parent_path().parent_path().string());
    }
    return roots;
  }
  return {};
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::vector<std::string> folders(const std::string& pattern) {
  std::vector<std::string> found;
  glob_t paths{};
  if (glob(pattern.c_str(), GLOB_ONLYDIR, nullptr, &paths) == 0)
    for (size_t i = 0; i < paths.gl_pathc; ++i) found.emplace_back(paths.gl_pathv[i]);
  globfree(&paths);
  return found;
}

std::vector<std::string> python_folders() {
  std::vector<std::string> roots;
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (std::string root = environment(variable); !root.empty()) roots.push_back(std::move(root));
  for (std::string& root : roots_on_path()) roots.push_back(std::move(root));
  if (const std::string home = environment("HOME"); !home.empty()) roots.push_back(home + "/.local");
  std::vector<std::string> patterns;
  for (const std::string& root : roots) patterns.push_back(root + "/lib/python3*/site-packages");
  for (const char* pattern :
       {"/usr/local/lib/python3*/site-packages", "/usr/local/lib/python3*/dist-packages",
        "/usr/lib/python3*/site-packages", "/usr/lib/python3/dist-packages", "/opt/conda/lib/python3*/site-packages"})
    patterns.emplace_back(pattern);
  std::vector<std::string> found;
  for (const std::string& pattern : patterns)
    for (std::string& folder : folders(pattern))
      if (std::find(found.begin(), found.end(), folder) == found.end()) found.push_back(std::move(folder));
  return found;
}

}  // namespace stm::cuda
