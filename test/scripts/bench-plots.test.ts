import { mkdtempSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { growthPlot, svgOf, threadsPlot, writePlots } from '../../scripts/bench/plots';
import type { BenchReport } from '../../scripts/bench/report';
import type { ScalingPoint } from '../../scripts/bench/scaling';
import type { RowFigures } from '../../scripts/bench/turns/comparison';
import { scratchFolder } from '../support/scratch';

const rowOf = (row: string, ms: number, more: Partial<RowFigures> = {}): RowFigures => ({
  row,
  group: 'g',
  sides: { stmnet: { ms, spread: 0, bursts: [ms], peakBytes: 2 ** 20 * ms, lagMs: undefined } },
  ratios: {},
  failures: {},
  others: 0,
  disturbed: false,
  ...more,
});
const points: ScalingPoint[] = [1, 10].map((value) => ({
  ...rowOf(`batch ${value}`, 2 * value),
  axis: 'batch',
  value,
}));
const threads = [rowOf('train S2, alone', 1, { ratios: { 'stmnet, 2 threads / stmnet, 1 thread': 0.5 } })];
const folder = scratchFolder('plots');

describe('plots of scaling', () => {
  it('have time to the left and memory to the right', () => {
    const { series } = growthPlot('batch', points);
    const data = [
      [1, 2],
      [10, 20],
    ];
    expect(series).toMatchObject([
      { name: 'stmnet', xAxisIndex: 0, data },
      { name: 'stmnet', xAxisIndex: 1, data },
    ]);
  });

  it('have what two threads take of the time of one', () => {
    expect(threadsPlot(threads).series).toMatchObject([{ name: 'stmnet', data: [0.5] }]);
  });

  it('are SVG, without a browser', () => {
    const svg = svgOf(growthPlot('batch', points));
    expect(svg).toMatch(/^<svg width="860" height="340"/);
    expect(svg).toContain('>batch</text>');
  });

  it('are files, one for each axis and one for threads', () => {
    const place = mkdtempSync(join(folder, 'case-'));
    const suites = { scaling: { figures: { points, threads } } } as unknown as BenchReport['suites'];
    const files = writePlots({ suites } as BenchReport, place);
    expect(files.map((file) => basename(file))).toEqual(['scaling-batch.svg', 'scaling-threads.svg']);
    expect(readFileSync(files[0] ?? '', 'utf8')).toContain('MiB at most');
  });

  it('are none of a report without figures of it', () => {
    expect(() => writePlots({ suites: {} } as BenchReport, folder)).toThrow(
      'got figures without scaling, expected them in it.\n  Fix: npm run bench -- scaling --json FILE',
    );
  });
});
