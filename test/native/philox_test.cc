// Philox 4x32-10 against the known answers of its authors' Random123, and the kernels' independence of the number of
// threads.
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/team.h"
#include "backend/philox.h"
#include "check.h"

namespace {

using stm::testing::require;

bool equals(const stm::PhiloxBlock& block, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return block.word[0] == a && block.word[1] == b && block.word[2] == c && block.word[3] == d;
}

void known_answers() {
  require(equals(stm::philox({{0, 0, 0, 0}}, 0), 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u),
          "zero counter and key");
  const uint32_t ones = 0xffffffffu;
  require(
      equals(stm::philox({{ones, ones, ones, ones}}, ~uint64_t{0}), 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu),
      "counter and key of ones");
  require(equals(stm::philox({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, 0x299f31d0a4093822u), 0xd16cfe09u,
                 0x94fdccebu, 0x5001e420u, 0x24126ea1u),
          "digits of pi");
}

stm::View view_of(std::vector<float>& values) {
  stm::View view;
  view.data = values.data();
  view.dtype = stm::DType::F32;
  view.rank = 1;
  view.extent[0] = static_cast<int64_t>(values.size());
  view.stride[0] = 1;
  return view;
}

/// A part of the stream is the same numbers whether it is drawn alone or within a longer one, by one thread or by
/// three.
void parts_and_threads() {
  std::vector<float> whole(100'003), again(100'003), part(1'000);
  stm::RandomKernels& kernels = stm::cpu_backend().random();
  stm::set_num_threads(1);
  require(kernels.normal({7, 0}, 0, 1, view_of(whole)), "normal on one thread");
  stm::set_num_threads(3);
  require(kernels.normal({7, 0}, 0, 1, view_of(again)), "normal on three threads");
  require(std::memcmp(whole.data(), again.data(), whole.size() * sizeof(float)) == 0,
          "the same numbers on one and on three threads");
  require(kernels.normal({7, 250}, 0, 1, view_of(part)), "normal from an offset");
  require(std::memcmp(whole.data() + 1'000, part.data(), part.size() * sizeof(float)) == 0,
          "an offset of 250 blocks skips 1,000 numbers");
}

void numbers_below() {
  require(stm::below(10, 0, 0) == 0, "the least word gives 0");
  require(stm::below(10, 0xffffffffu, 0xffffffffu) == 9, "the greatest word gives range - 1");
  require(stm::below(0xffffffffu, 0x80000000u, 0) == 0x7fffffffu, "half of a wide range");
}

}  // namespace

int main() {
  known_answers();
  parts_and_threads();
  numbers_below();
  return stm::testing::finish("philox_test");
}
