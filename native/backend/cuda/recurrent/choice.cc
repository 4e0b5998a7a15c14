#include "backend/cuda/recurrent/choice.h"

namespace stm::cuda {

std::string Choice::text() const { return std::string(name_of(algorithm)) + (batch_major ? "/batch" : "/time"); }

bool Choice::parse(const std::string& text, Choice* out) {
  for (const Algorithm algorithm :
       {Algorithm::Standard, Algorithm::PersistStatic, Algorithm::PersistDynamic, Algorithm::PersistStaticSmallH}) {
    for (const bool batch_major : {true, false}) {
      const Choice choice{algorithm, batch_major};
      if (text != choice.text()) continue;
      *out = choice;
      return true;
    }
  }
  return false;
}

}  // namespace stm::cuda
