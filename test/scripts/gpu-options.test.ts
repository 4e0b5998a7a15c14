import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../scripts/gpu/options.mjs';
import { root } from '../../scripts/toolchain.mjs';

const known = { standin: Boolean, output: String, limit: Number };
const parse = (...args: string[]): object => parseOptions(known, { names: true, args });

describe('the options of the scripts for a GPU', () => {
  it('have a value behind = or a space, and leave the rest as names', () => {
    expect(parse()).toEqual({ names: [] });
    expect(parse('--standin', '--output', 'a.json', 'some', '--limit=2.5')).toEqual({
      standin: true,
      output: 'a.json',
      limit: 2.5,
      names: ['some'],
    });
  });

  it.each([
    ['--limt=1', "Unknown option '--limt'; expected --standin, --output=…, --limit=…, or a name."],
    ['--standn', "Unknown option '--standn'"],
    ['--output', "Option '--output <value>' argument missing"],
    ['--standin=1', "Option '--standin' does not take an argument"],
    ['--limit=soon', 'got --limit=soon, expected a number of seconds above 0.'],
    ['--limit=', 'got --limit=, expected'],
    ['--limit=0', 'got --limit=0, expected'],
    ['--limit=Infinity', 'got --limit=Infinity, expected'],
  ])('mean something, unlike %s', (arg, message) => {
    expect(() => parse(arg)).toThrow(message);
  });

  it('are not names where there are none', () => {
    expect(() => parseOptions(known, { args: ['some'] })).toThrow("Unexpected argument 'some'; expected --standin");
  });

  it.each(['gpu/smoke', 'gpu/test', 'gpu/sanitizer', 'gpu/questions', 'gpu-bundle'])(
    'are those that scripts/%s.mjs knows, or it ends',
    (name) => {
      const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', `${name}.mjs`), '--limt=1'], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(/^[a-z:]+: Unknown option '--limt'; expected --/) as string,
      });
    },
  );
});
