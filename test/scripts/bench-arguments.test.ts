import { describe, expect, it, test } from 'vitest';
import { readArguments, type Asked } from '../../scripts/bench/arguments';
import type { Benchmark } from '../../scripts/bench/benchmark';

const benchmarkOf = (...options: string[]): Benchmark => ({
  summary: 's',
  options: Object.fromEntries(options.map((name) => [name, { type: 'string', default: '', description: 'd' }])),
  run: () => Promise.reject(new Error('not here')),
});
const benchmarks = new Map([
  ['start', benchmarkOf('rounds')],
  ['op-call', benchmarkOf('rounds', 'calls')],
  ['gpu', benchmarkOf('device')],
]);
const read = (...args: string[]): Asked => readArguments(args, benchmarks, ['start', 'op-call']);

test.each<[string[], Asked]>([
  [[], { kind: 'usage', names: [] }],
  [['-h'], { kind: 'usage', names: [] }],
  [['gpu', '--help'], { kind: 'usage', names: ['gpu'] }],
  [['start'], { kind: 'run', names: ['start'], values: {} }],
  [['--rounds', '1', 'start'], { kind: 'run', names: ['start'], values: { rounds: '1' } }],
  [['op-call', 'start', 'op-call', '--calls=-'], { kind: 'run', names: ['op-call', 'start'], values: { calls: '-' } }],
  [['--all', '--json', 'f'], { kind: 'run', names: ['start', 'op-call'], values: { json: 'f' } }],
  [['--tables', 'f'], { kind: 'tables', file: 'f', page: '' }],
  [['--plots', 'f', 'docs/p.md'], { kind: 'plots', file: 'f', page: 'docs/p.md' }],
])('reads %j', (args, asked) => {
  expect(read(...args)).toEqual(asked);
});

describe('a mistake', () => {
  it.each([
    [
      ['start', '--round', '1'],
      'got --round, which is no option of start, expected some of: --rounds, --json, --package.\n' +
        '  Fix: write --rounds, if that is meant',
    ],
    [
      ['--all', '--bogus'],
      'got --bogus, which is no option of these benchmarks, expected some of: --rounds, --calls, --json, --package.\n' +
        '  Fix: npm run bench -- NAME --help says what there is',
    ],
    [
      ['start', '--calls', '1'],
      'got --calls, which is no option of start, expected some of: --rounds, --json, --package.\n' +
        '  Fix: npm run bench -- start --help says what there is',
    ],
    [
      ['start', 'opcall', '--calls', '1'],
      "got the benchmark 'opcall', expected one of: start, op-call, gpu.\n" +
        '  Fix: npm run bench -- op-call, if that is meant',
    ],
    [
      ['import'],
      "got the benchmark 'import', expected one of: start, op-call, gpu.\n" +
        '  Fix: npm run bench -- --help says what they measure',
    ],
    [
      ['--rounds', '1'],
      'got options without a benchmark, expected names or --all.\n  Fix: npm run bench -- --all --rounds 1',
    ],
    [['--all', 'start'], 'got --all beside start, expected one or the other.\n  Fix: leave one of them out'],
    [['--all=1'], 'got --all=1, expected --all alone.\n  Fix: --all'],
    [
      ['start', '--rounds', '--json', 'f'],
      'got --rounds without a value, expected one behind it.\n  Fix: --rounds=VALUE',
    ],
    [['start', '--json'], 'got --json without a value, expected one behind it.\n  Fix: --json=FILE'],
    [
      ['--tables', 'f', 'p', 'q', '--rounds', '1'],
      'got q --rounds beside --tables, expected a file that bench has written, and at most a page.\n' +
        '  Fix: npm run bench -- --tables f',
    ],
    [
      ['--plots', 'f', 'docs/p'],
      "got the page 'docs/p' of --plots, expected a file of Markdown.\n  Fix: npm run bench -- --plots f docs/p.md",
    ],
  ])('in %j is said', (args, message) => {
    expect(() => read(...args)).toThrow(new Error(message));
  });
});
