// The real cuDNN, without a device: it must accept every descriptor that the recurrent kernels make. Passes over it
// where there is none: STMNET_CUDA_LIBS names the folder that `npm run cuda:sdk -- --libs` fills. usage:
// cuda_descriptors_test [seed]
#include <dlfcn.h>

#include "backend/cuda/recurrent/call.h"
#include "backend/cuda/recurrent/plan.h"
#include "backend/cuda/recurrent/tuning.h"
#include "cuda_kernels.h"

namespace stm::cuda::test {
namespace {

/// Bound to itself, although this program is linked with the stand-in, whose functions have the same names.
void* open_cudnn() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return nullptr;  // sanitizers do not go with RTLD_DEEPBIND
#endif
  std::vector<std::string> paths;
  if (const char* const root = std::getenv("STMNET_CUDA_LIBS"))
    paths.push_back(std::string(root) + "/nvidia/cudnn/lib/libcudnn.so.9");
  paths.emplace_back("libcudnn.so.9");
  for (const std::string& path : paths)
    if (void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)) return library;
  return nullptr;
}

bool find_functions(void* library, Libraries& functions) {
  bool all = true;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    all = all && function;
  };
#define STM_FIND(name) find(#name, functions.name);
  STM_CUDNN_FUNCTIONS(STM_FIND)
#undef STM_FIND
  return all;
}

RecurrentProblem draw_problem(std::vector<int32_t>& lengths) {
  RecurrentProblem p;
  p.cell = static_cast<Cell>(draw(0, 3));
  p.dtype = chance(0.3) ? DType::F64 : DType::F32;
  p.math = static_cast<MathMode>(draw(0, 3));
  p.N = draw(1, 40), p.T = chance(0.1) ? draw(60'000, 140'000) : draw(1, 300);
  p.D = draw(1, 300), p.H = draw(1, 700), p.L = draw(1, 4), p.K = draw(1, 2);
  p.P = p.cell == Cell::Lstm && p.H > 1 && chance(0.3) ? draw(1, p.H - 1) : 0;
  p.bias = chance(0.8), p.batch_first = chance(0.5), p.training = chance(0.5);
  p.algorithm = static_cast<Algorithm>(draw(1, 4));
  lengths.clear();
  for (int64_t row = 0; row < p.N; ++row) lengths.push_back(static_cast<int32_t>(chance(0.1) ? 0 : draw(0, p.T)));
  if (chance(0.5)) p.lengths = lengths.data();
  return p;
}

/// Makes what Planner makes, as far as that needs no handle.
Status describe(Context& context, const RecurrentProblem& p, const Arrangement& arrangement) {
  for (const Pass& pass : arrangement.passes) {
    for (const Chunk& chunk : arrangement.chunks) {
      Network network(spec_of(p, pass, p.algorithm, chunk.batch));
      STM_TRY(network.describe(context));
      Call call(network, chunk.batch, chunk.steps, chunk.lengths, p.batch_first && chance(0.5), p.training);
      STM_TRY(call.describe(context));
    }
  }
  return Status::ok();
}

int check_descriptors(Context& context) {
  int described = 0;
  std::vector<int32_t> lengths;
  for (int i = 0; i < 3000; ++i) {
    const RecurrentProblem p = draw_problem(lengths);
    const Arrangement arrangement = arrange(p, 65'535);
    if (obstacle(p.algorithm, p, arrangement)) continue;
    ++described;
    const Status status = describe(context, p, arrangement);
    if (status.is_ok()) continue;
    fail(text_of(status) + ": cell " + std::to_string(static_cast<int>(p.cell)) + " math " +
         std::to_string(static_cast<int>(p.math)) + (p.dtype == DType::F64 ? " f64" : " f32") + " algorithm " +
         std::to_string(static_cast<int>(p.algorithm)) + " N " + std::to_string(p.N) + " T " + std::to_string(p.T) +
         " D " + std::to_string(p.D) + " H " + std::to_string(p.H) + " P " + std::to_string(p.P));
  }
  return described;
}

/// What the rest relies on being refused: so a test of nothing would show.
void check_refusals(Context& context) {
  NetworkSpec spec;
  spec.D = 3, spec.H = 5, spec.P = 2;
  spec.algorithm = Algorithm::PersistStatic;
  Network projected(spec);
  require(!projected.describe(context).is_ok(), "a projection with a persistent algorithm is accepted");
  spec.P = 0;
  spec.algorithm = Algorithm::Standard;
  Network network(spec);
  require(network.describe(context), "a plain network");
  Call longest(network, 2, 65'535, {}, true, true), longer(network, 2, 65'536, {}, true, true),
      empty(network, 0, 5, {}, true, true);
  require(longest.describe(context), "65,535 steps");
  require(!longer.describe(context).is_ok(), "65,536 steps are accepted");
  require(!empty.describe(context).is_ok(), "no rows are accepted");
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda;
  using namespace stm::cuda::test;
  begin(argc, argv);
  setenv("STMNET_CUDNN_DROPOUT", "null", 1);  // to set one takes a handle, and a handle a device
  void* const library = open_cudnn();
  if (!library) {
    std::printf(
        "cuda_descriptors_test: skipped, there is no libcudnn.so.9 (STMNET_CUDA_LIBS), or this is a sanitizer's "
        "build\n");
    return 0;
  }
  Libraries functions;
  require(find_functions(library, functions), "a function is missing");
  if (failures) return finish("cuda_descriptors_test");
  Context context;
  context.libraries = &functions;
  const int described = check_descriptors(context);
  require(described > 500, "few problems were left");
  check_refusals(context);
  std::printf("cuDNN %zu accepts the descriptors of %d problems\n", functions.cudnnGetVersion(), described);
  return finish("cuda_descriptors_test");
}
