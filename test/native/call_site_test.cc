// Names of commands that carry where they were asked for.
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/call_site.h"
#include "check.h"

namespace {

using stm::testing::require;
using stm::testing::require_equal;

void without_a_site_a_name_is_the_op() {
  const char* op = "matmul";
  require(stm::with_call_site(op) == op, "the literal itself");
  require(std::string(stm::op_of(op)) == "matmul", "op");
  require_equal(stm::site_of(op).size(), size_t{0}, "no site");
}

void a_name_has_two_parts_and_one_address() {
  stm::set_call_site("    at a\n    at b");
  const char* name = stm::with_call_site("matmul");
  require(std::string(stm::op_of(name)) == "matmul", "op");
  require(std::string(stm::site_of(name)) == "    at a\n    at b", "site");
  require(stm::with_call_site("matmul") == name, "one address for one name");
  require(stm::with_call_site("softmax") != name, "another op");
  stm::set_call_site("    at c");
  require(stm::with_call_site("matmul") != name, "another site");
  require(std::strcmp(name, "matmul\n    at a\n    at b") == 0, "names stay");
  stm::set_call_site("");
  require(std::string(stm::with_call_site("matmul")) == "matmul", "switched off");
}

void threads_have_sites_of_their_own() {
  stm::set_call_site("    at main");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([i] {
      require_equal(stm::site_of(stm::with_call_site("add")).size(), size_t{0}, "a new thread has none");
      for (int k = 0; k < 200; ++k) {
        const std::string site = "    at " + std::to_string(i) + ":" + std::to_string(k);
        stm::set_call_site(site);
        require(stm::site_of(stm::with_call_site("add")) == site, "its own");
      }
    });
  for (std::thread& thread : threads) thread.join();
  require(stm::call_site() == "    at main", "unchanged here");
  stm::set_call_site("");
}

}  // namespace

int main() {
  without_a_site_a_name_is_the_op();
  a_name_has_two_parts_and_one_address();
  threads_have_sites_of_their_own();
  return stm::testing::finish("call_site_test");
}
