#pragma once
#include <compare>
#include <vector>

#include "backend/cuda/recurrent/descriptors.h"
#include "backend/kernels/recurrent.h"

namespace stm::cuda {

/// How cuDNN holds the numbers of a call.
enum class Element : int32_t { F32, F64, F16, Bf16 };

inline size_t size_of(Element element) { return element == Element::F64 ? 8 : element == Element::F32 ? 4 : 2; }
cudnnDataType_t data_type(Element element);
/// What cuDNN is to hold for a problem: numbers of the problem's dtype, or 16-bit ones of which the matrix units
/// multiply faster.
Element element_of(const RecurrentProblem& problem);
/// Whether those are the problem's own.
inline bool converts(const RecurrentProblem& problem) { return size_of(element_of(problem)) == 2; }

/// Everything that an RNN descriptor says.
struct NetworkSpec {
  Cell cell = Cell::Lstm;
  Element element = Element::F32;
  bool tf32 = false;
  Algorithm algorithm = Algorithm::Standard;  ///< not Auto
  int64_t D = 0, H = 0, P = 0, L = 1, K = 1;
  bool bias = true;
  int64_t batch = 0;  ///< rows that PersistDynamic is compiled for; 0 with the others

  auto operator<=>(const NetworkSpec&) const = default;
  /// The sizes that depend on these numbers alone.
  RecurrentProblem shape() const;
};

/// Weights that lie alike in stmnet's order and in cuDNN's.
struct WeightRun {
  int64_t blob;   ///< first element in stmnet's
  size_t space;   ///< first byte in cuDNN's
  int64_t count;  ///< elements
};

/// What lies between weights in cuDNN's order, and must be zero.
struct WeightGap {
  size_t space;   ///< first byte
  int64_t count;  ///< elements; the last may reach over the end, by less than one
};

/// A network as cuDNN knows it, and where its weights lie.
class Network {
 public:
  explicit Network(const NetworkSpec& spec) : spec(spec) {}

  /// Makes the descriptor.
  Status describe(Context& context);
  /// Finds out about the weights, and compiles what is to be compiled for the batch.
  Status lay_out(Context& context);

  const NetworkSpec spec;
  cudnnRNNDescriptor_t descriptor() const { return descriptor_.get(); }
  size_t weight_bytes = 0;
  int64_t matrices = 0;         ///< elements of stmnet's order that come before the first bias
  std::vector<WeightRun> runs;  ///< all of stmnet's elements; none reaches over the end of the matrices
  std::vector<WeightGap> gaps;
  bool as_blob = false;  ///< cuDNN's order is stmnet's, and the numbers are too
  uint64_t layout = 0;   ///< equal for networks whose packed weights are alike

 private:
  struct ParameterTensors;
  Status describe_dropout(Context& context);
  Status add_weight(Context& context, const ParameterTensors& tensors, const RecurrentWeight& weight);
  Status add_run(Context& context, const TensorDescriptor& tensor, const void* address, int64_t blob, int64_t rows,
                 int64_t columns);
  void summarise();
  void find_gaps();
  DropoutDescriptor dropout_;  // null or set
  RnnDescriptor descriptor_;   // refers to the other
};

}  // namespace stm::cuda
