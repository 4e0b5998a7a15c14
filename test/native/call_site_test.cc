// Names of commands that carry where they were asked for.
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/call_site.h"
#include "counting_backend.h"

namespace {

using stm::testing::expect;
using stm::testing::expect_equal;

void without_a_site_a_name_is_the_op() {
  const char* op = "matmul";
  expect(stm::with_call_site(op) == op, "the literal itself");
  expect(std::string(stm::op_of(op)) == "matmul", "op");
  expect_equal(stm::site_of(op).size(), size_t{0}, "no site");
}

void a_name_has_two_parts_and_one_address() {
  stm::set_call_site("    at a\n    at b");
  const char* name = stm::with_call_site("matmul");
  expect(std::string(stm::op_of(name)) == "matmul", "op");
  expect(std::string(stm::site_of(name)) == "    at a\n    at b", "site");
  expect(stm::with_call_site("matmul") == name, "one address for one name");
  expect(stm::with_call_site("softmax") != name, "another op");
  stm::set_call_site("    at c");
  expect(stm::with_call_site("matmul") != name, "another site");
  expect(std::strcmp(name, "matmul\n    at a\n    at b") == 0, "names stay");
  stm::set_call_site("");
  expect(std::string(stm::with_call_site("matmul")) == "matmul", "switched off");
}

void threads_have_sites_of_their_own() {
  stm::set_call_site("    at main");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([i] {
      expect_equal(stm::site_of(stm::with_call_site("add")).size(), size_t{0}, "a new thread has none");
      for (int k = 0; k < 200; ++k) {
        const std::string site = "    at " + std::to_string(i) + ":" + std::to_string(k);
        stm::set_call_site(site);
        expect(stm::site_of(stm::with_call_site("add")) == site, "its own");
      }
    });
  for (std::thread& thread : threads) thread.join();
  expect(stm::call_site() == "    at main", "unchanged here");
  stm::set_call_site("");
}

}  // namespace

int main() {
  without_a_site_a_name_is_the_op();
  a_name_has_two_parts_and_one_address();
  threads_have_sites_of_their_own();
  return stm::testing::verdict("call_site_test");
}
