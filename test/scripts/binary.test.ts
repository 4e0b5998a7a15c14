import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/toolchain.mjs';

/** What `glibcOf` says of a binary with these symbols. */
function glibcOf(symbols: readonly string[]): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-binary-'));
  try {
    const lines = symbols
      .map((version) => `0000000000000000      DF *UND*  0000000000000000 (${version}) name`)
      .join('\n');
    writeFileSync(join(folder, 'objdump'), `#!/bin/sh\ncat << 'END'\n${lines}\nEND\n`, { mode: 0o755 });
    const script = `import('./scripts/binary.mjs').then(({ glibcOf }) => console.log(JSON.stringify(glibcOf('any'))))`;
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8', env });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as unknown;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each([
  [['GLIBC_2.2.5', 'GLIBC_2.31', 'GLIBC_2.9'], { newest: '2.31', tooNew: false }],
  [['GLIBC_2.2.5', 'GLIBC_2.14'], { newest: '2.14', tooNew: false }],
  [['GLIBC_2.36', 'GLIBC_2.4'], { newest: '2.36', tooNew: true }],
  [['GLIBC_2.31.1'], { newest: '2.31.1', tooNew: true }],
  [['GLIBC_3.0', 'GLIBC_2.40'], { newest: '3.0', tooNew: true }],
  [['GLIBCXX_3.4.21', 'GLIBC_PRIVATE'], { newest: '0.0', tooNew: false }],
])('the glibc that a binary needs, of %s', (symbols, expected) => {
  expect(glibcOf(symbols)).toEqual(expected);
});
