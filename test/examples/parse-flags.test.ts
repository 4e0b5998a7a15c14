import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('../../dist/examples', import.meta.url));
const programs = readdirSync(folder).filter(
  (name) => name.endsWith('.js') && readFileSync(join(folder, name), 'utf8').includes('./parse-flags'),
);

test('the examples that take flags are found', () => {
  expect(programs).toContain('japanese-vowels.js');
  expect(programs.length).toBeGreaterThan(15);
});

test.each(programs)('%s tells a misspelt flag in one line', (name) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, name), '--sed', '3'], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^Unknown option '--sed'\. Fix: pass --[a-z].*, or leave it out\.\n$/);
});
