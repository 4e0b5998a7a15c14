// cuBLASLt, as far as a product with a bias, or with the gradient of one, asks for it. Its functions come with cuBLAS,
// whose handles are its own.
#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>

#include "cuda-standin/calls.h"
#include "cuda-standin/cublas_products.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

struct LtMatmul {
  static constexpr const char* kWhat = "cuBLASLt operations";
  cublasComputeType_t compute;
  cudaDataType scale;
  cublasOperation_t trans_a = CUBLAS_OP_N, trans_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
};

struct LtLayout {
  static constexpr const char* kWhat = "cuBLASLt layouts";
  cudaDataType type;
  uint64_t rows, columns;
  int64_t ld;
  bool operator==(const LtLayout& other) const {
    return type == other.type && rows == other.rows && columns == other.columns && ld == other.ld;
  }
};

struct LtPreference {
  static constexpr const char* kWhat = "cuBLASLt preferences";
  uint64_t workspace = 0;
  std::array<uint32_t, 4> alignment = {256, 256, 256, 256};  // of A, B, C and D
};

/// What an algorithm is good for: it is all that a cublasLtMatmulAlgo_t holds.
struct Algorithm {
  static constexpr uint64_t kMagic = 0x6c74616c676f3031;
  uint64_t magic = kMagic, problem = 0, workspace = 0;
  std::array<uint32_t, 4> alignment = {};
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

constexpr uint64_t kWorkspace = 4096, kBiasAlignment = 16;

/// cuBLASLt's own pointers are to structs that nobody looks into.
template <class T, class Pointer>
std::shared_ptr<T> found(Pointer handle) {
  return handles<T>().find(static_cast<const void*>(handle));
}

template <class T, class Pointer>
cublasStatus_t made(Pointer* out, T object) {
  if (!out) return bad("there is no place for the descriptor");
  *out = static_cast<Pointer>(handles<T>().add(std::make_shared<T>(std::move(object))));
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t taken(T* to, const void* from, size_t bytes) {
  if (!from || bytes != sizeof(T)) return bad("an attribute is null, or has another size");
  std::memcpy(to, from, sizeof(T));
  return CUBLAS_STATUS_SUCCESS;
}

/// The descriptors of one call.
struct Described {
  std::shared_ptr<Blas> blas;
  std::shared_ptr<LtMatmul> matmul;
  std::shared_ptr<LtLayout> a, b, c, d;
};

cublasStatus_t describe(cublasLtHandle_t handle, cublasLtMatmulDesc_t matmul, cublasLtMatrixLayout_t a,
                        cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, Described* out) {
  *out = {found<Blas>(handle), found<LtMatmul>(matmul), found<LtLayout>(a),
          found<LtLayout>(b),  found<LtLayout>(c),      found<LtLayout>(d)};
  if (!out->blas) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (out->blas->device != current_device()) return bad("the handle belongs to another device than the current one");
  if (!out->matmul || !out->a || !out->b || !out->c || !out->d) return bad("a descriptor is none, or is destroyed");
  if (!(*out->c == *out->d)) return bad("C and D are laid out differently");
  return CUBLAS_STATUS_SUCCESS;
}

/// The product without addresses; what cannot be computed is not supported.
cublasStatus_t product_of(const Described& x, Gemm* g) {
  const LtMatmul& matmul = *x.matmul;
  for (const LtLayout* layout : {x.a.get(), x.b.get(), x.d.get()})
    if (std::max({layout->rows, layout->columns, static_cast<uint64_t>(layout->ld)}) > INT_MAX)
      return CUBLAS_STATUS_NOT_SUPPORTED;
  const bool ta = matmul.trans_a != CUBLAS_OP_N, tb = matmul.trans_b != CUBLAS_OP_N;
  const auto stored = [](const LtLayout& layout) {
    return Operand{nullptr,
                   layout.type,
                   static_cast<int>(layout.rows),
                   static_cast<int>(layout.columns),
                   static_cast<int>(layout.ld),
                   0};
  };
  *g = {ta,
        tb,
        static_cast<int>(x.d->rows),
        static_cast<int>(x.d->columns),
        static_cast<int>(ta ? x.a->rows : x.a->columns),
        1,
        stored(*x.a),
        stored(*x.b),
        stored(*x.d)};
  const auto op = [](const Operand& m, bool trans) {
    return std::array<int, 2>{trans ? m.columns : m.rows, trans ? m.rows : m.columns};
  };
  if (op(g->a, ta) != std::array<int, 2>{g->m, g->k} || op(g->b, tb) != std::array<int, 2>{g->k, g->n})
    return bad("the matrices do not fit together");
  // Some versions refuse those, though nothing says so.
  if (g->m == 1 || g->n == 1 || g->k == 1) return bad("a matrix is a single row or column");
  if (!settle_types(matmul.compute, CUBLAS_DEFAULT_MATH, g)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (matmul.scale != (g->number_a == Number::F64 ? CUDA_R_64F : CUDA_R_32F)) return CUBLAS_STATUS_NOT_SUPPORTED;
  switch (matmul.epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT: return CUBLAS_STATUS_SUCCESS;
    case CUBLASLT_EPILOGUE_BIAS: g->bias = matmul.bias; break;
    case CUBLASLT_EPILOGUE_BGRADA: g->gradient = matmul.bias, g->gradient_of_a = true; break;
    case CUBLASLT_EPILOGUE_BGRADB: g->gradient = matmul.bias; break;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  return matmul.bias ? CUBLAS_STATUS_SUCCESS : bad("the epilogue has a bias, and its pointer is null");
}

/// All that an algorithm is chosen by, but the addresses.
uint64_t name_of(const Described& x) {
  uint64_t name = 1469598103934665603ull;
  const auto add = [&name](uint64_t number) { name = (name ^ number) * 1099511628211ull; };
  for (const int number : {static_cast<int>(x.matmul->compute), static_cast<int>(x.matmul->trans_a),
                           static_cast<int>(x.matmul->trans_b), static_cast<int>(x.matmul->epilogue)})
    add(static_cast<uint64_t>(number));
  for (const LtLayout* layout : {x.a.get(), x.b.get(), x.d.get()}) {
    add(static_cast<uint64_t>(layout->type));
    for (const uint64_t number : {layout->rows, layout->columns, static_cast<uint64_t>(layout->ld)}) add(number);
  }
  return name;
}

bool aligned(const void* data, uint64_t bytes) { return reinterpret_cast<uintptr_t>(data) % bytes == 0; }

cublasStatus_t check_algorithm(const Described& x, const cublasLtMatmulAlgo_t* algo,
                               std::array<const void*, 4> matrices, Range workspace) {
  if (!algo) return bad("without an algorithm the heuristic is asked at every call");
  Algorithm algorithm;
  std::memcpy(static_cast<void*>(&algorithm), algo, sizeof algorithm);
  if (algorithm.magic != Algorithm::kMagic || algorithm.problem != name_of(x))
    return bad("the algorithm is of another problem");
  for (size_t i = 0; i < matrices.size(); ++i)
    if (!aligned(matrices[i], algorithm.alignment[i]))
      return bad("a matrix is less aligned than the algorithm was chosen for");
  if (workspace.bytes < algorithm.workspace) return bad("the workspace is smaller than the algorithm needs");
  if (!workspace.data) return workspace.bytes ? bad("the workspace is null") : CUBLAS_STATUS_SUCCESS;
  if (!aligned(workspace.data, 256)) return bad("the workspace is not aligned to 256 bytes");
  if (!on_device(workspace, x.blas->device)) return bad("the workspace is not all in one live device allocation");
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace
}  // namespace stm::standin

using namespace stm::standin;

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* out, cublasComputeType_t compute, cudaDataType_t scale) {
  Call call("cublasLtMatmulDescCreate", "compute=%d scale=%d", compute, scale);
  return call.cublas([&] { return made(out, LtMatmul{compute, scale}); });
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t matmul) {
  Call call("cublasLtMatmulDescDestroy", "matmul=%p", static_cast<void*>(matmul));
  return call.cublas(
      [&] { return handles<LtMatmul>().remove(matmul) ? CUBLAS_STATUS_SUCCESS : bad("the operation is none"); });
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t matmul, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t bytes) {
  Call call("cublasLtMatmulDescSetAttribute", "matmul=%p attribute=%d", static_cast<void*>(matmul), attribute);
  return call.cublas([&] {
    const auto object = found<LtMatmul>(matmul);
    if (!object) return bad("the operation is none");
    switch (attribute) {
      case CUBLASLT_MATMUL_DESC_TRANSA: return taken(&object->trans_a, value, bytes);
      case CUBLASLT_MATMUL_DESC_TRANSB: return taken(&object->trans_b, value, bytes);
      case CUBLASLT_MATMUL_DESC_EPILOGUE: return taken(&object->epilogue, value, bytes);
      case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return taken(&object->bias, value, bytes);
      default: return bad("the stand-in does not know this attribute of an operation");
    }
  });
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* out, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t ld) {
  Call call("cublasLtMatrixLayoutCreate", "type=%d rows=%llu columns=%llu ld=%lld", type,
            static_cast<unsigned long long>(rows), static_cast<unsigned long long>(columns),
            static_cast<long long>(ld));
  return call.cublas([&] {
    return made(out, LtLayout{type, rows, columns, ld});
  });  // the real one refuses a bad ld later too
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  Call call("cublasLtMatrixLayoutDestroy", "layout=%p", static_cast<void*>(layout));
  return call.cublas(
      [&] { return handles<LtLayout>().remove(layout) ? CUBLAS_STATUS_SUCCESS : bad("the layout is none"); });
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* out) {
  Call call("cublasLtMatmulPreferenceCreate", "%s", "");
  return call.cublas([&] { return made(out, LtPreference{}); });
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  Call call("cublasLtMatmulPreferenceDestroy", "preference=%p", static_cast<void*>(preference));
  return call.cublas([&] {
    return handles<LtPreference>().remove(preference) ? CUBLAS_STATUS_SUCCESS : bad("the preference is none");
  });
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    size_t bytes) {
  Call call("cublasLtMatmulPreferenceSetAttribute", "preference=%p attribute=%d", static_cast<void*>(preference),
            attribute);
  return call.cublas([&] {
    const auto object = found<LtPreference>(preference);
    if (!object) return bad("the preference is none");
    switch (attribute) {
      case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: return taken(&object->workspace, value, bytes);
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: return taken(&object->alignment[0], value, bytes);
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: return taken(&object->alignment[1], value, bytes);
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: return taken(&object->alignment[2], value, bytes);
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: return taken(&object->alignment[3], value, bytes);
      default: return bad("the stand-in does not know this attribute of a preference");
    }
  });
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t matmul,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[], int* count) {
  Call call("cublasLtMatmulAlgoGetHeuristic", "matmul=%p preference=%p wanted=%d", static_cast<void*>(matmul),
            static_cast<void*>(preference), wanted);
  return call.cublas([&] {
    Described x;
    Gemm g;
    if (const cublasStatus_t status = describe(handle, matmul, a, b, c, d, &x)) return status;
    const auto preferred = found<LtPreference>(preference);
    if (!preferred || !results || !count || wanted < 1)
      return bad("there is no preference, or no place for an algorithm");
    if (const cublasStatus_t status = product_of(x, &g)) return status;
    *count = 0;
    const uint32_t least = static_cast<uint32_t>(size_of(g.number_a));
    for (const uint32_t alignment : preferred->alignment)
      if (alignment < least || alignment & (alignment - 1)) return CUBLAS_STATUS_SUCCESS;  // no kernel for that
    Algorithm algorithm;
    algorithm.problem = name_of(x);
    algorithm.workspace = std::min(preferred->workspace, kWorkspace);
    algorithm.alignment = preferred->alignment;
    results[0] = {};
    std::memcpy(&results[0].algo, &algorithm, sizeof algorithm);
    results[0].workspaceSize = algorithm.workspace;
    results[0].state = CUBLAS_STATUS_SUCCESS;
    results[0].wavesCount = 1;
    *count = 1;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t matmul, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo, void* workspace,
                              size_t bytes, cudaStream_t stream) {
  Call call("cublasLtMatmul", "matmul=%p workspace=%p bytes=%zu stream=%p", static_cast<void*>(matmul), workspace,
            bytes, static_cast<void*>(stream));
  return call.cublas([&] {
    Described x;
    Gemm g;
    if (const cublasStatus_t status = describe(handle, matmul, a_layout, b_layout, c_layout, d_layout, &x))
      return status;
    if (const cublasStatus_t status = product_of(x, &g)) return status;
    if (c != d) return bad("the stand-in takes C in D's place alone");
    g.a.data = a, g.b.data = b, g.c.data = d;
    if (const cublasStatus_t status = check_shapes(g)) return status;
    if (const cublasStatus_t status = take_scalars(alpha, beta, &g)) return status;
    if (const cublasStatus_t status = check_algorithm(x, algo, {a, b, c, d}, {workspace, bytes})) return status;
    // The heuristic is not told how the bias lies, and chooses kernels that read it in vectors.
    if (g.bias && !aligned(g.bias, kBiasAlignment)) return bad("the bias is not aligned to 16 bytes");
    if (g.gradient && !aligned(g.gradient, kBiasAlignment))
      return bad("the bias's gradient is not aligned to 16 bytes");
    if (g.bias && g.beta != 0) return bad("the stand-in takes a bias with beta 0 alone");
    if (!usable_stream(stream)) return bad("the stream is none of the device");
    return submit_product("cublasLtMatmul", stream, g, {workspace, bytes});
  });
}
