// The stand-in for cuDNN against the real one, as far as that goes without a device: what each accepts and refuses when
// descriptors are set. Passes over it where there is no cuDNN: STMNET_CUDA_LIBS names the folder that
// `npm run cuda:sdk -- --libs` fills. usage: cuda_standin_real_test [seed]
#include <cudnn.h>
#include <dlfcn.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cuda_standin_check.h"

namespace {

using stm::testing::chance;
using stm::testing::one_of;

int draw(int low, int high) { return static_cast<int>(stm::testing::draw(low, high)); }

#define FUNCTIONS(X)               \
  X(cudnnGetVersion)               \
  X(cudnnCreateRNNDescriptor)      \
  X(cudnnSetRNNDescriptor_v8)      \
  X(cudnnRNNSetClip_v9)            \
  X(cudnnDestroyRNNDescriptor)     \
  X(cudnnCreateRNNDataDescriptor)  \
  X(cudnnSetRNNDataDescriptor)     \
  X(cudnnDestroyRNNDataDescriptor) \
  X(cudnnCreateTensorDescriptor)   \
  X(cudnnSetTensorNdDescriptor)    \
  X(cudnnDestroyTensorDescriptor)

// One of the two libraries, with a descriptor of each kind.
struct Library {
#define MEMBER(name) decltype(&::name) name##_;
  FUNCTIONS(MEMBER)
#undef MEMBER
  cudnnRNNDescriptor_t rnn = nullptr;
  cudnnRNNDataDescriptor_t data = nullptr;
  cudnnTensorDescriptor_t tensor = nullptr;

  bool find(void* library) {  // null: the stand-in, which this program is linked with
#define FIND(name) name##_ = library ? reinterpret_cast<decltype(&::name)>(dlsym(library, #name)) : &::name;
    FUNCTIONS(FIND)
#undef FIND
    return cudnnSetTensorNdDescriptor_ && cudnnRNNSetClip_v9_;
  }
  void create() {
    OK(cudnnCreateRNNDescriptor_(&rnn));
    OK(cudnnCreateRNNDataDescriptor_(&data));
    OK(cudnnCreateTensorDescriptor_(&tensor));
  }
  void destroy() {
    OK(cudnnDestroyRNNDescriptor_(rnn));
    OK(cudnnDestroyRNNDataDescriptor_(data));
    OK(cudnnDestroyTensorDescriptor_(tensor));
  }
};

Library real, standin;
std::map<std::string, int> accepted, refused;

// Both must give the same code.
void compare(const char* function, const std::function<cudnnStatus_t(Library&)>& call,
             const std::vector<int>& arguments) {
  const int expected = call(real), got = call(standin);
  ++(expected ? refused : accepted)[function];
  if (got == expected) return;
  std::string given;
  for (const int argument : arguments) given += " " + std::to_string(argument);
  stm::testing::require_equal(got, expected, std::string(function) + " of" + given);
}

cudnnDataType_t draw_type() { return static_cast<cudnnDataType_t>(one_of<int>({0, 0, 0, 1, 2, 9, 3, 4})); }
// An enumerator, now and then one that does not exist.
template <class T>
T draw_enum(int count) {
  return static_cast<T>(chance(0.05) ? draw(-1, count) : draw(0, count - 1));
}

void compare_layers() {
  const auto algo = draw_enum<cudnnRNNAlgo_t>(4);
  const auto mode = draw_enum<cudnnRNNMode_t>(4);
  const auto bias = chance(0.5) ? CUDNN_RNN_DOUBLE_BIAS : draw_enum<cudnnRNNBiasMode_t>(4);
  const auto direction = draw_enum<cudnnDirectionMode_t>(2);
  const auto input_mode = draw_enum<cudnnRNNInputMode_t>(2);
  const auto math = draw_enum<cudnnMathType_t>(4);
  const cudnnDataType_t type = draw_type(),
                        precision = chance(0.7) ? type == CUDNN_DATA_DOUBLE ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT
                                                : draw_type();
  const int D = chance(0.05) ? 0 : draw(1, 5), H = chance(0.05) ? 0 : draw(1, 500),
            P = chance(0.6) ? H : draw(0, H + 1), L = chance(0.05) ? 0 : draw(1, 3);
  const unsigned flags = chance(0.9) ? static_cast<unsigned>(draw(0, 1)) : static_cast<unsigned>(draw(0, 5));
  compare("cudnnSetRNNDescriptor_v8",
          [&](Library& l) {
            return l.cudnnSetRNNDescriptor_v8_(l.rnn, algo, mode, bias, direction, input_mode, type, precision, math, D,
                                               H, P, L, nullptr, flags);
          },
          {algo, mode, bias, direction, input_mode, type, precision, math, D, H, P, L, static_cast<int>(flags)});
  const std::vector<double> bounds = {-HUGE_VAL, -1, 0, 1, HUGE_VAL, NAN};
  const double low = one_of(bounds), high = one_of(bounds);
  const auto clip = static_cast<cudnnRNNClipMode_t>(draw(0, 1));
  compare("cudnnRNNSetClip_v9", [&](Library& l) { return l.cudnnRNNSetClip_v9_(l.rnn, clip, low, high); }, {clip});
}

void compare_data() {
  const cudnnDataType_t type = draw_type();
  const auto layout = draw_enum<cudnnRNNDataLayout_t>(3);
  const int T = chance(0.9) ? draw(1, 6) : draw(-1, 70000), N = chance(0.95) ? draw(1, 4) : draw(-1, 0),
            V = chance(0.95) ? draw(1, 4) : draw(-1, 0);
  std::vector<int> lengths;
  for (int b = 0; b < 4; ++b) lengths.push_back(chance(0.9) ? draw(1, std::max(1, T)) : draw(-1, T + 1));
  if (chance(0.5)) {
    for (size_t b = 1; b < lengths.size(); ++b) lengths[b] = std::min(lengths[b], lengths[b - 1]);
    if (chance(0.5)) lengths[0] = T;
  }
  const int* const given = chance(0.03) ? nullptr : lengths.data();
  compare("cudnnSetRNNDataDescriptor",
          [&](Library& l) { return l.cudnnSetRNNDataDescriptor_(l.data, type, layout, T, N, V, given, nullptr); },
          {type, layout, T, N, V, given != nullptr, lengths[0], lengths[1], lengths[2], lengths[3]});
}

void compare_tensors() {
  const cudnnDataType_t type = draw_type();
  const int count = chance(0.9) ? draw(3, 5) : draw(-1, 10);
  std::vector<int> dims, strides;
  for (int i = 0; i < 12; ++i)
    dims.push_back(chance(0.95) ? draw(1, 6) : draw(-1, 100000)),
        strides.push_back(chance(0.95) ? draw(1, 100) : draw(-1, 3));
  compare("cudnnSetTensorNdDescriptor",
          [&](Library& l) { return l.cudnnSetTensorNdDescriptor_(l.tensor, type, count, dims.data(), strides.data()); },
          {type, count, dims[0], dims[1], dims[2], strides[0], strides[1], strides[2]});
}

void* open_cudnn() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return nullptr;  // sanitizers do not go with RTLD_DEEPBIND
#else
  const char* const root = std::getenv("STMNET_CUDA_LIBS");
  const std::string beside = std::string(root ? root : "") + "/nvidia/cudnn/lib/libcudnn.so.9";
  // bound to itself, although the stand-in has functions of the same names
  for (const char* const path : {beside.c_str(), "libcudnn.so.9"}) {
    if (void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)) return library;
  }
  return nullptr;
#endif
}

}  // namespace

int main(int argc, char** argv) {
  stm::testing::begin(argc, argv);
  void* const library = open_cudnn();
  if (!library) {
    std::printf(
        "cuda_standin_real_test: no cuDNN to compare with: STMNET_CUDA_LIBS does not lead to one, nor does the system, "
        "or this is a sanitizer's build\n");
    return 0;
  }
  if (!real.find(library) || !standin.find(nullptr)) {
    std::printf("FAILED a function is missing\n");
    return 1;
  }
  if (real.cudnnGetVersion_() / 100 != standin.cudnnGetVersion_() / 100) {
    std::printf("cuda_standin_real_test: got cuDNN %zu, the stand-in stands for %zu\n", real.cudnnGetVersion_(),
                standin.cudnnGetVersion_());
    return 0;
  }
  real.create();
  standin.create();
  for (int i = 0; i < 50000; ++i) {
    compare_layers();
    compare_data();
    compare_tensors();
  }
  for (const auto& entry : accepted) {
    std::printf("%s: %d accepted, %d refused\n", entry.first.c_str(), entry.second, refused[entry.first]);
    CHECK(entry.second > 5000 && refused[entry.first] > 500);
  }
  real.destroy();
  standin.destroy();
  return stm::testing::finish("cuda_standin_real_test");
}
