import { describe, expect, it } from 'vitest';
import { joined } from '../../scripts/bench/all';
import { reportMarkdown, tableMarkdown } from '../../scripts/bench/markdown';
import type { BenchReport, SuiteReport } from '../../scripts/bench/report';
import { generalGoals, atLeast, compared, inDigits } from '../../scripts/bench/turns/comparison';
import type { RowResult } from '../../scripts/bench/turns/turns';

const resultOf = (
  name: string,
  group: string,
  bursts: RowResult['bursts'],
  more: Partial<RowResult> = {},
): RowResult => ({
  row: { name, group, job: 'j', options: {} },
  bursts,
  peakBytes: {},
  lagMs: {},
  failures: {},
  others: 0,
  ...more,
});

describe('compared', () => {
  const results = [
    resultOf('one', 'g', { ours: [10, 12, 11], theirs: [20, 36, Number.NaN] }),
    resultOf('two', 'h', { ours: [4] }, { failures: { theirs: 'it broke\nhere' }, others: 0.5 }),
  ];
  const { table, rows, means } = compared(results, {
    title: 'T',
    sides: ['ours', 'theirs', 'absent'],
    pairs: [
      ['theirs', 'ours'],
      ['absent', 'ours'],
    ],
  });

  it('has medians, spreads and ratios of the rounds in which both took part', () => {
    expect(rows[0]?.sides['ours']).toMatchObject({ ms: 11, spread: 0.5 / 11 });
    expect(rows[0]?.sides['theirs']).toMatchObject({ ms: 28, bursts: [20, 36] });
    expect(rows[0]?.ratios).toEqual({ 'theirs / ours': 2.5 });
    expect(means).toEqual({ g: { 'theirs / ours': 2.5 }, all: { 'theirs / ours': 2.5 } });
  });

  it('shows them, marks a row that others disturbed, and says what failed', () => {
    expect(table.header).toEqual(['', 'ours ms', '±', 'theirs ms', '±', 'theirs / ours']);
    expect(table.rows).toEqual([
      ['one', '11.0', '4.5 %', '28.0', '14.3 %', '2.50'],
      ['two *', '4.00', '', 'failed', '', ''],
      ['g, geometric mean', '', '', '', '', '2.50'],
      ['all, geometric mean', '', '', '', '', '2.50'],
    ]);
    expect(table.note).toBe(
      '* other programs used 0.5 processors at most meanwhile: not to be relied on. Failed: theirs, two: it broke.',
    );
    expect(generalGoals(rows)).toEqual([
      { text: 'every side computes the same in every row', got: 'two', held: false },
    ]);
  });

  it('asks for a free event loop', () => {
    const late = compared([resultOf('one', 'g', { ours: [2] }, { lagMs: { ours: 5.5 } })], {
      title: '',
      sides: ['ours'],
      pairs: [],
    });
    const text = 'a timer is less than 5 ms late in 99 of 100 cases while a row is computed';
    expect(generalGoals(late.rows)).toEqual([{ text, got: '5.50 ms in one', held: false }]);
  });

  it('shows other units and columns', () => {
    const shown = compared([resultOf('one', 'g', { ours: [2] })], {
      title: '',
      sides: ['ours'],
      pairs: [],
      unit: { name: 'ns', of: () => 1000 },
      columns: [{ name: 'more', of: ({ row }) => row.name }],
      means: false,
    });
    expect(shown.table).toMatchObject({
      header: ['', 'ours ns', '±', 'more'],
      rows: [['one', '2000', '', 'one']],
    });
  });
});

describe('goals', () => {
  it('hold from their limit on, and are none where nothing was measured', () => {
    expect(atLeast('a / b', 1.2, 1.2)).toEqual([{ text: 'a / b, at least 1.2', got: '1.20', held: true }]);
    expect(atLeast('a / b', 1.19, 1.2)[0]?.held).toBe(false);
    expect(atLeast('a / b', undefined, 1.2)).toEqual([]);
    expect(atLeast('a / b', Number.NaN, 1.2)).toEqual([]);
  });
});

it('shows three digits that count', () => {
  expect([12345.6, 123.4, 12.34, 1.234, 0.1234, 0.000012].map(inDigits)).toEqual([
    '12346',
    '123',
    '12.3',
    '1.23',
    '0.123',
    '0.0000',
  ]);
});

const suite: SuiteReport = {
  options: { rounds: '3', rows: 'lstm read' },
  begun: '2026-01-01T00:00:00.000Z',
  seconds: 61.4,
  loadBefore: 0.1,
  others: 0.5,
  tables: [{ title: 'T', header: ['a', 'b'], rows: [['x | y', '1']], note: 'N.' }],
  figures: {},
  goals: [
    { text: 'fast', got: '2', held: true },
    { text: 'small', got: '9', held: false },
  ],
};
const report: BenchReport = {
  machine: { processor: 'P', processors: 2, family: '26', model: '2', memoryBytes: 2 ** 33, system: 'linux-x64 6' },
  versions: { node: 'v20', commit: 'abc' },
  suites: { recurrent: suite },
  failed: {},
};

describe('reports', () => {
  it('become Markdown with machine, versions, commands, tables and goals that do not hold', () => {
    expect(reportMarkdown({ ...report, failed: { data: 'it ended with exit code 1' } }, 'page.md')).toBe(
      [
        '2 processors of P (family 26, model 2), 8 GiB, linux-x64 6; node v20, commit abc.',
        '### recurrent',
        "`npm run bench -- recurrent --rounds 3 --rows 'lstm read'`, 61 s, while other programs used 0.5 processors.",
        'T:',
        '| a | b |\n|---|--:|\n| x \\| y | 1 |',
        'N.',
        '1 of 2 goals hold.',
        '- Not held: small; got 9.',
        '`data` came to no end: it ended with exit code 1',
        '',
      ]
        .join('\n\n')
        .replace(/\n\n$/, '\n'),
    );
  });

  it('show the plots of scaling', () => {
    const scaling = { ...suite, figures: { points: [{ axis: 'batch' }], threads: [{}] } };
    const on = (page: string): string => reportMarkdown({ ...report, suites: { scaling } }, page);
    expect(on('docs/performance.md')).toContain(
      '![batch](performance/scaling-batch.svg)\n\n![threads](performance/scaling-threads.svg)',
    );
    expect(on('docs/performance/zen3.md')).toContain('![batch](zen3/scaling-batch.svg)');
  });

  it('have no title and no note where there is none', () => {
    expect(tableMarkdown({ title: '', header: ['a'], rows: [], note: '' })).toEqual(['| a |\n|---|']);
  });

  it('are joined: suites and versions of both', () => {
    const other = { ...report, versions: { torch: '2' }, suites: { data: suite } };
    expect(joined(report, other)).toEqual({
      ...report,
      versions: { node: 'v20', commit: 'abc', torch: '2' },
      suites: { recurrent: suite, data: suite },
    });
  });
});
