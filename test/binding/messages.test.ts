import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.join(__dirname, '../..');

/** Numbers of the statements that g++ finds wrong; each is the body of a function. */
function refused(statements: readonly string[]): number[] {
  const functions = statements.map(
    (body, index) => `#line ${index} "statement"\nstm::Status f${index}(int x) { ${body} }`,
  );
  const input = `#include "backend/status.h"\n#include "core/error.h"\n${functions.join('\n')}\n`;
  const includes = ['-I', path.join(root, 'native'), '-isystem', path.join(root, 'build', 'third-party')];
  const options = ['-std=c++20', '-fsyntax-only', '-Werror=format', '-DFMT_HEADER_ONLY', ...includes, '-x', 'c++', '-'];
  const { stderr } = spawnSync('g++', options, { input, encoding: 'utf8' });
  return [
    ...new Set([...stderr.matchAll(/statement:(\d+):\d+:\s+(?:error|in .constexpr)/g)].map(([, line]) => Number(line))),
  ].sort((a, b) => a - b);
}

test('a message whose values do not fit its format does not compile', () => {
  const check = (parts: string) => `STM_CHECK(x > 0, stm::Kind::Shape, "f", ${parts}); return stm::Status::ok();`;
  const status = (parts: string) => `return stm::Status::refuse(stm::StatusKind::Internal, ${parts});`;
  expect(
    refused([
      check('fmt::format("x {}", x), "1", "correct it"'),
      check('fmt::format("x {} {}", x), "1", "correct it"'),
      check('"x", "1"'),
      status('{"x %d", x}, "1", "correct it"'),
      status('{"x %d"}, "1", "correct it"'),
      status('{"x %s", x}, "1", "correct it"'),
      status('{"x %d", x}, "1"'),
    ]),
  ).toEqual([1, 2, 4, 5, 6]);
});
