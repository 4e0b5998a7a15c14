import { describe, expect, it } from 'vitest';
import { functionBodies } from '../../scripts/function-length';

/** Line and length of the functions in a text. */
const bodies = (text: string): [number, number][] => functionBodies(text).map(({ line, lines }) => [line, lines]);

describe('functionBodies', () => {
  it('counts lines of code, not blanks and comments', () => {
    const text = [
      'int f(int a) {',
      '  // why',
      '',
      '  a += 1;  // { not a brace',
      '  /* {',
      '  */',
      '  return a;',
      '}',
      'int g() { return 1; }',
    ].join('\n');
    expect(bodies(text)).toEqual([
      [1, 2],
      [9, 0],
    ]);
  });

  it('finds functions in namespaces, classes, templates and behind macros', () => {
    const text = [
      'namespace stm {', // 1
      'namespace {',
      'template <class T, std::enable_if_t<sizeof(T) == 4, int> = 0>',
      'class Rows final : public Base<T> {',
      ' public:',
      '  explicit Rows(int n) : n_{n}, all_(n), map_{{1, 2}} {', // 6
      '    fill();',
      '  }',
      '  auto begin() const noexcept -> const T* {', // 9
      '    if (n_ > 0) {',
      '      return all_.data();',
      '    }',
      '    return nullptr;',
      '  }',
      '  bool operator()(int a) const { return a == n_; }', // 15
      '  int n_{0};',
      '};',
      'struct alignas(16) Wide {',
      '  float v[4];',
      '};',
      'enum class Kind : int { kA, kB };',
      'const std::vector<int> kSizes = {', // 22
      '    1,',
      '    2,',
      '};',
      'STM_KERNEL(256) void kernel(Plan plan) {', // 26
      '  const auto add = [&](int a) {',
      '    total += a;',
      '  };',
      '  add(plan.n);',
      '}',
      '}  // namespace',
      '}  // namespace stm',
      'extern "C" {',
      'int stm_open(void) {', // 35
      '  return 0;',
      '}',
      '}',
    ].join('\n');
    expect(bodies(text)).toEqual([
      [6, 1],
      [9, 4],
      [15, 0],
      [26, 4],
      [35, 1],
    ]);
  });

  it('is not misled by strings, characters, numbers and the preprocessor', () => {
    const text = [
      '#define OPEN(name) \\',
      '  void name() {',
      'int f() {',
      `  const char brace = '{', quote = '\\'';`,
      '  const char* text = "} \\" {";',
      '  const char* raw = R"x({ "} )x";',
      "  return 65'536 + 1'000 + (brace == '}');",
      '}',
    ].join('\n');
    expect(bodies(text)).toEqual([[3, 4]]);
  });

  it('says so where braces do not match', () => {
    expect(() => functionBodies('int f() {\n')).toThrow('line 1: a brace that nobody closes');
    expect(() => functionBodies('\n}\n')).toThrow('line 2: a brace that nobody opened');
  });
});
