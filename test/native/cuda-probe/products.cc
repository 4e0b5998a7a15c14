// Products by cuBLAS and cuBLASLt in the shapes of a language model's decoder: which form of 16-bit operands is quick,
// and what a bias costs in each form.
#include <algorithm>
#include <cstring>
#include <vector>

#include "device.h"
#include "question.h"

namespace stm::probe {
namespace {

void check_blas(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const char* const at = std::strstr(call, "library()");
  const std::string name = at ? at + 10 : call;
  throw Failure(name.substr(0, name.find('(')) + ": " + std::to_string(status) + " " +
                library().cublasGetStatusString(status));
}
#define STM_BLAS(call) check_blas((call), #call)

/// y [rows, out] = x [rows, in] · weightᵀ [in, out].
struct Shape {
  const char* name;
  int rows, in, out;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all = {
      {"PTB-medium", 700, 650, 10000}, {"PTB-large", 700, 1500, 10000}, {"gates", 2048, 512, 2048}};
  if (small())
    for (Shape& shape : all)
      shape.rows = shape.rows % 7 + 4, shape.in = shape.in % 11 + 8, shape.out = shape.out % 13 + 16;
  return all;
}

/// The three products of a layer, all column by column: [m, k] · [k, n].
enum class Direction { Forward, Inputs, Weights };
const char* name_of(Direction direction) {
  static const char* const names[] = {"y = x weight^T", "dx = dy weight", "dweight = dy^T x"};
  return names[static_cast<int>(direction)];
}

/// How the operands lie, and in what they are multiplied.
struct Form {
  const char* name;
  Type operands;
  cublasComputeType_t compute;
};
const std::vector<Form> kForms = {{"f32", Type::F32, CUBLAS_COMPUTE_32F},
                                  {"tf32", Type::F32, CUBLAS_COMPUTE_32F_FAST_TF32},
                                  {"f32 operands, FAST_16BF", Type::F32, CUBLAS_COMPUTE_32F_FAST_16BF},
                                  {"f32 operands, FAST_16F", Type::F32, CUBLAS_COMPUTE_32F_FAST_16F},
                                  {"bf16 operands, f32 result", Type::Bf16, CUBLAS_COMPUTE_32F},
                                  {"f16 operands, f32 result", Type::F16, CUBLAS_COMPUTE_32F}};
const Form kWide = {"f64", Type::F64, CUBLAS_COMPUTE_64F};

cudaDataType data_type_of(Type type) {
  return type == Type::F64    ? CUDA_R_64F
         : type == Type::F16  ? CUDA_R_16F
         : type == Type::Bf16 ? CUDA_R_16BF
                              : CUDA_R_32F;
}
/// Of the result and the bias.
Type wide_of(Type operands) { return operands == Type::F64 ? Type::F64 : Type::F32; }

/// Milliseconds of one of many calls in a row: the device takes some ten microseconds for one, and so does the way to
/// it.
double each_ms(const std::function<void()>& call) {
  const int calls = small() ? 2 : 20;
  return milliseconds([&] {
           for (int i = 0; i < calls; ++i) call();
         }) /
         calls;
}

constexpr size_t kWorkspace = size_t{32} << 20;
const Buffer& workspace() {
  static const Buffer* const made = new Buffer(kWorkspace);
  return *made;
}

cublasHandle_t blas() {
  static const cublasHandle_t made = [] {
    cublasHandle_t out = nullptr;
    STM_BLAS(library().cublasCreate_v2(&out));
    STM_BLAS(library().cublasSetStream_v2(out, stream()));
    STM_BLAS(library().cublasSetWorkspace_v2(out, workspace().data(), kWorkspace));
    return out;
  }();
  return made;
}

/// One product with its buffers, full of noise.
class Product {
 public:
  Product(const Shape& shape, Direction direction, const Form& form) : form_(form) {
    const bool inputs = direction == Direction::Inputs, weights = direction == Direction::Weights;
    m = inputs || weights ? shape.in : shape.out;
    n = weights ? shape.out : shape.rows;
    k = inputs ? shape.out : weights ? shape.rows : shape.in;
    op_a_ = direction == Direction::Forward ? CUBLAS_OP_T : CUBLAS_OP_N;
    op_b_ = weights ? CUBLAS_OP_T : CUBLAS_OP_N;
    const Type result = wide_of(form.operands);
    a = filled(form.operands, size_t{1} * m * k, 1), b = filled(form.operands, size_t{1} * k * n, 2);
    bias = filled(result, static_cast<size_t>(std::max(m, n)), 3), c = Buffer(size_t{1} * m * n * size_of(result));
    c.fill(0);
  }

  void by_cublas(double beta = 0) const {
    const float one_f = 1, beta_f = static_cast<float>(beta);
    const double one = 1;
    const bool wide = form_.operands == Type::F64;
    const cudaDataType type = data_type_of(form_.operands), result = data_type_of(wide_of(form_.operands));
    STM_BLAS(library().cublasGemmEx(blas(), op_a_, op_b_, m, n, k, wide ? static_cast<const void*>(&one) : &one_f,
                                    a.data(), type, rows_of_a(), b.data(), type, rows_of_b(),
                                    wide ? static_cast<const void*>(&beta) : &beta_f, c.data(), result, m,
                                    form_.compute, CUBLAS_GEMM_DEFAULT));
  }

  Form form() const { return form_; }
  /// The first columns.
  std::vector<double> result() const {
    const size_t columns = static_cast<size_t>(std::clamp(1'000'000 / m, 1, n));
    return get(c, wide_of(form_.operands), 0, columns * static_cast<size_t>(m));
  }
  /// Writes the bias to every column of the result.
  void write_bias() const {
    const std::vector<double> one = get(bias, wide_of(form_.operands), 0, static_cast<size_t>(m));
    std::vector<double> all;
    for (int column = 0; column < n; ++column) all.insert(all.end(), one.begin(), one.end());
    put(c, wide_of(form_.operands), all);
  }
  cublasOperation_t op_a() const { return op_a_; }
  cublasOperation_t op_b() const { return op_b_; }
  int rows_of_a() const { return op_a_ == CUBLAS_OP_T ? k : m; }
  int rows_of_b() const { return op_b_ == CUBLAS_OP_T ? n : k; }

  int m = 0, n = 0, k = 0;
  Buffer a, b, bias, c;

 private:
  static Buffer filled(Type type, size_t count, int seed) {
    Buffer buffer(count * size_of(type));
    put_noise(buffer.data(), type, count, seed);
    return buffer;
  }
  Form form_;
  cublasOperation_t op_a_ = CUBLAS_OP_N, op_b_ = CUBLAS_OP_N;
};

/// The same by cuBLASLt, with an epilogue, by the kernel that its heuristic names first.
class LtProduct {
 public:
  LtProduct(const Product& product, cublasLtEpilogue_t epilogue) : product_(product) {
    if (!library().cublasLtMatmul) throw Failure("there is no cuBLASLt");
    const cudaDataType type = data_type_of(product.form().operands),
                       result = data_type_of(wide_of(product.form().operands));
    const auto lay_out = [](cublasLtMatrixLayout_t* layout, cudaDataType of, int rows, int columns) {
      STM_BLAS(library().cublasLtMatrixLayoutCreate(layout, of, static_cast<uint64_t>(rows),
                                                    static_cast<uint64_t>(columns), rows));
    };
    const int ra = product.rows_of_a(), rb = product.rows_of_b();
    lay_out(&a_, type, ra, product.op_a() == CUBLAS_OP_N ? product.k : product.m);
    lay_out(&b_, type, rb, product.op_b() == CUBLAS_OP_N ? product.n : product.k);
    lay_out(&c_, result, product.m, product.n);
    STM_BLAS(library().cublasLtMatmulDescCreate(&matmul_, product.form().compute, result));
    set(CUBLASLT_MATMUL_DESC_TRANSA, product.op_a());
    set(CUBLASLT_MATMUL_DESC_TRANSB, product.op_b());
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    if (epilogue != CUBLASLT_EPILOGUE_DEFAULT)
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<void*>(product.bias.data()));
    cublasLtMatmulPreference_t preference = nullptr;
    STM_BLAS(library().cublasLtMatmulPreferenceCreate(&preference));
    const uint64_t bytes = kWorkspace;
    STM_BLAS(library().cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                            &bytes, sizeof bytes));
    int found = 0;
    STM_BLAS(library().cublasLtMatmulAlgoGetHeuristic(lt(), matmul_, a_, b_, c_, c_, preference, 1, &chosen_, &found));
    STM_BLAS(library().cublasLtMatmulPreferenceDestroy(preference));
    if (found != 1) throw Failure("cublasLtMatmulAlgoGetHeuristic knows no kernel");
  }
  ~LtProduct() {
    if (matmul_) (void)library().cublasLtMatmulDescDestroy(matmul_);
    for (const cublasLtMatrixLayout_t layout : {a_, b_, c_})
      if (layout) (void)library().cublasLtMatrixLayoutDestroy(layout);
  }
  LtProduct(const LtProduct&) = delete;
  LtProduct& operator=(const LtProduct&) = delete;

  void run() const {
    const float one_f = 1, zero_f = 0;
    const double one = 1, zero = 0;
    const bool wide = product_.form().operands == Type::F64;
    STM_BLAS(library().cublasLtMatmul(lt(), matmul_, wide ? static_cast<const void*>(&one) : &one_f, product_.a.data(),
                                      a_, product_.b.data(), b_, wide ? static_cast<const void*>(&zero) : &zero_f,
                                      product_.c.data(), c_, product_.c.data(), c_, &chosen_.algo, workspace().data(),
                                      kWorkspace, stream()));
  }
  double workspace_bytes() const { return static_cast<double>(chosen_.workspaceSize); }

 private:
  static cublasLtHandle_t lt() { return reinterpret_cast<cublasLtHandle_t>(blas()); }  // as cuBLAS documents it
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) const {
    STM_BLAS(library().cublasLtMatmulDescSetAttribute(matmul_, attribute, &value, sizeof value));
  }
  const Product& product_;
  cublasLtMatmulDesc_t matmul_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
  cublasLtMatmulHeuristicResult_t chosen_{};
};

Json described(const Shape& shape) {
  return Json().number("rows", shape.rows).number("in", shape.in).number("out", shape.out);
}

/// What converting f32 operands to 16 bits would add: a copy of them moves 8 bytes an element, a conversion 6.
double conversion_ms(const Product& f32) {
  const Buffer a(f32.a.bytes()), b(f32.b.bytes());
  return 0.75 * each_ms([&] {
           for (const auto& [to, from] : {std::pair{&a, &f32.a}, std::pair{&b, &f32.b}})
             STM_PROBE(cudaMemcpyAsync(to->data(), from->data(), from->bytes(), cudaMemcpyDeviceToDevice, stream()));
         });
}

Json forms(const Shape& shape) {
  for (const Direction direction : {Direction::Forward, Direction::Inputs, Direction::Weights}) {
    std::vector<double> expected;
    for (const Form& form : kForms)
      tell_case(tried(Json().text("product", name_of(direction)).text("form", form.name), [&](Json& json) {
        const Product product(shape, direction, form);
        product.by_cublas();
        const std::vector<double> result = product.result();
        if (expected.empty()) {
          expected = result;
          json.number("converting both operands would take about ms", conversion_ms(product));
        }
        json.number("against f32", distance(result, expected)).number("ms", each_ms([&] { product.by_cublas(); }));
        const LtProduct by_lt(product, CUBLASLT_EPILOGUE_DEFAULT);
        json.number("cuBLASLt ms", each_ms([&] { by_lt.run(); })).number("cuBLASLt workspace", by_lt.workspace_bytes());
      }));
  }
  return described(shape);
}

/// The bias of y by cuBLASLt, and by a pass before the product. A memset of y stands for that pass: it writes as much.
void bias_of(const Shape& shape, const char* sizes) {
  std::vector<Form> some = kForms;
  some.push_back(kWide);
  for (const Form& form : some)
    tell_case(tried(Json().text("form", form.name).text("sizes", sizes), [&](Json& json) {
      const Product product(shape, Direction::Forward, form);
      product.write_bias();
      product.by_cublas(1);
      const std::vector<double> expected = product.result();
      json.number("without a bias ms", each_ms([&] { product.by_cublas(); })).number("two passes ms", each_ms([&] {
                                                                                       product.c.fill(0);
                                                                                       product.by_cublas(1);
                                                                                     }));
      const LtProduct by_lt(product, CUBLASLT_EPILOGUE_BIAS);
      by_lt.run();
      json.number("against two passes", distance(product.result(), expected))
          .number("cuBLASLt ms", each_ms([&] { by_lt.run(); }))
          .number("cuBLASLt workspace", by_lt.workspace_bytes());
    }));
}

/// Of the shape, and of those like it that stmnet keeps away from cuBLASLt.
Json bias(const Shape& shape) {
  bias_of(shape, "all");
  bias_of({shape.name, 1, shape.in, shape.out}, "one row");
  bias_of({shape.name, shape.rows, shape.in, 1}, "one output");
  bias_of({shape.name, shape.rows, 1, shape.out}, "one input");
  return described(shape);
}

/// dbias = dy summed over its rows, with dweight by one call of cuBLASLt. Now it is a product and a sum; a sum reads dy
/// once.
Json bias_gradient(const Shape& shape) {
  std::vector<Form> some = kForms;
  some.push_back(kWide);
  for (const Form& form : some)
    tell_case(tried(Json().text("form", form.name), [&](Json& json) {
      const Product product(shape, Direction::Weights, form);  // b is dy, [out, rows] column by column
      json.number("dweight alone ms", each_ms([&] { product.by_cublas(); }));
      const LtProduct by_lt(product, CUBLASLT_EPILOGUE_BGRADB);
      by_lt.run();
      const std::vector<double> dy = get(product.b, form.operands),
                                got = get(product.bias, wide_of(form.operands), 0, static_cast<size_t>(product.n));
      std::vector<double> expected(got.size());
      for (size_t i = 0; i < dy.size(); ++i) expected[i % expected.size()] += dy[i];
      json.number("dbias against the sum", distance(got, expected)).number("both by cuBLASLt ms", each_ms([&] {
                                                                             by_lt.run();
                                                                           }));
    }));
  return described(shape);
}

}  // namespace

std::vector<Question> product_questions() {
  std::vector<Question> all;
  for (const Shape& shape : shapes()) {
    const auto ask = [&](const char* kind, const char* about, const char* changes, Json (*answer)(const Shape&)) {
      all.push_back({std::string("products-") + kind + shape.name, about, changes,
                     [answer, shape] { return answer(shape); }, true});
    };
    ask("forms-", "which form of 16-bit operands is quickest, conversion included",
        "whether bf16 and f16 products convert their operands first", forms);
    ask("bias-", "is a bias by cuBLASLt right in all types, and cheaper than a pass of its own",
        "whether products with a bias are cuBLASLt's", bias);
    ask("gradient-", "is the gradient of a bias cheaper with that of the weights",
        "whether linear has one kernel for both gradients", bias_gradient);
  }
  return all;
}

}  // namespace stm::probe
