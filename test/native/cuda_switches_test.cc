// The environment's switches of the plug-in: what they mean, and that nothing else is taken for one.
#include "backend/cuda/device/switches.h"

#include <dlfcn.h>

#include "backend/cuda/device/backend.h"
#include "cuda-standin/control.h"
#include "cuda_kernels.h"

namespace stm::cuda::test {
namespace {

struct Variable {
  const char* name;
  std::vector<std::string> good, bad;
};
const Variable kVariables[] = {{"STMNET_CUDNN_AUTOTUNE", {"", "0", "1", "all"}, {"off", "ALL", "2"}},
                               {"STMNET_CUDNN_LAYOUT", {"", "any", "time", "batch"}, {"TIME", "batch "}},
                               {"STMNET_CUDNN_DROPOUT", {"", "set", "null"}, {"unset"}},
                               {"STMNET_CUDA_GRAPHS", {"", "0", "1"}, {"false", "no"}},
                               {"STMNET_CUBLASLT", {"", "0", "1"}, {"false"}},
                               {"STMNET_CUDNN_MAX_STEPS", {"", "1", "65535"}, {"0", "65536", "-1", "9x", "many"}}};

/// Of the first op on a device that is opened now.
Status first_op() {
  Backend* backend = nullptr;
  require(open_device(0, &backend), "open_device");
  const Status status = backend->entering("test");
  backend->close();
  return status;
}

void check_variable(const Variable& variable) {
  for (const std::string& word : variable.good) {
    setenv(variable.name, word.c_str(), 1);
    require(first_op(), std::string(variable.name) + "=" + word);
  }
  for (const std::string& word : variable.bad) {
    setenv(variable.name, word.c_str(), 1);
    const Status status = first_op();
    const std::string said = std::string("got ") + variable.name + "=" + word + ", expected ";
    require(status.kind == StatusKind::Unsupported && text_of(status).find(said) == 0 && says(status, ".\n  Fix: "),
            said + "…: " + text_of(status));
  }
  unsetenv(variable.name);
}

void check_words() {
  require(is(Switch::Layout, "any") && is(Switch::Graphs, "1") && most_steps() == 65'535, "defaults");
  setenv("STMNET_CUDNN_LAYOUT", "time", 1);
  setenv("STMNET_CUDNN_MAX_STEPS", "7", 1);
  require(is(Switch::Layout, "time") && most_steps() == 7, "what is asked for");
  unsetenv("STMNET_CUDNN_LAYOUT");
  unsetenv("STMNET_CUDNN_MAX_STEPS");
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  // The libraries are those that this program is linked with.
  Dl_info standin;
  if (!dladdr(reinterpret_cast<const void*>(&standin_reset_counts), &standin)) return 1;
  for (const char* name : {"STMNET_CUBLAS_LIB", "STMNET_CUDNN_LIB"}) setenv(name, standin.dli_fname, 1);
  check_words();
  for (const Variable& variable : kVariables) check_variable(variable);
  return finish("cuda_switches_test");
}
