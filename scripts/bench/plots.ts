import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { init, type EChartsOption } from 'echarts';
import type { BenchReport } from './report';
import { plotFile, plotNames, type Axis, type ScalingFigures, type ScalingPoint } from './scaling';
import type { RowFigures } from './turns/comparison';

const size = { width: 860, height: 340 };
const colours = ['#0b6bcb', '#d9730d', '#6b9fd4', '#e8ac74'];
const axisTitles: Readonly<Record<Axis, string>> = {
  batch: 'batch',
  steps: 'steps',
  hidden: 'hidden size',
  vocabulary: 'words',
};

/**
 * Draws what `scaling` measured as SVG.
 *
 * @returns the files that were written
 * @throws {Error} if the report has no `scaling`
 */
export function writePlots(report: BenchReport, folder: string): string[] {
  const suite = report.suites['scaling'];
  if (suite === undefined)
    throw new Error('got figures without scaling, expected them in it.\n  Fix: npm run bench -- scaling --json FILE');
  const figures = suite.figures as ScalingFigures;
  const plots = plotNames(figures).map((name): [string, EChartsOption] => {
    const points = figures.points.filter(({ axis }) => axis === name);
    const [first] = points;
    return [name, first === undefined ? threadsPlot(figures.threads) : growthPlot(axisTitles[first.axis], points)];
  });
  mkdirSync(folder, { recursive: true });
  return plots.map(([name, option]) => {
    const file = join(folder, plotFile(name));
    writeFileSync(file, `${svgOf(option)}\n`);
    return file;
  });
}

/** An option as SVG, as a browser would draw it. */
export function svgOf(option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  chart.setOption({ backgroundColor: '#fff', animation: false, color: colours, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Time to the left and memory to the right, against one size, with logarithmic axes. */
export function growthPlot(title: string, points: readonly ScalingPoint[]): EChartsOption {
  const sides = [...new Set(points.flatMap((point) => Object.keys(point.sides)))];
  const axis = { type: 'log', name: title, nameLocation: 'middle', nameGap: 26 } as const;
  const line = (side: string, grid: number, of: (point: ScalingPoint) => number | undefined) =>
    ({
      type: 'line',
      name: side,
      xAxisIndex: grid,
      yAxisIndex: grid,
      symbolSize: 6,
      data: points.flatMap((point) => {
        const y = of(point);
        return y === undefined ? [] : [[point.value, y]];
      }),
    }) as const;
  return {
    legend: { top: 4 },
    grid: [
      { left: 64, width: 330, top: 58, bottom: 52 },
      { left: 500, width: 330, top: 58, bottom: 52 },
    ],
    xAxis: [
      { ...axis, gridIndex: 0 },
      { ...axis, gridIndex: 1 },
    ],
    yAxis: [
      { type: 'log', name: 'ms', gridIndex: 0 },
      { type: 'log', name: 'MiB at most', gridIndex: 1 },
    ],
    series: sides.flatMap((side) => [
      line(side, 0, (point) => point.sides[side]?.ms),
      line(side, 1, ({ sides: all }) => {
        const bytes = all[side]?.peakBytes;
        return bytes === undefined ? undefined : bytes / 2 ** 20;
      }),
    ]),
  };
}

/** How many times as long two threads take as one, of each side in each row: bars below 1 are faster. */
export function threadsPlot(rows: readonly RowFigures[]): EChartsOption {
  const ratios = [...new Set(rows.flatMap((row) => Object.keys(row.ratios)))];
  return {
    legend: { top: 4 },
    grid: { left: 64, right: 24, top: 58, bottom: 52 },
    xAxis: { type: 'category', data: rows.map(({ row }) => row.replace(', ', '\n')), axisLabel: { interval: 0 } },
    yAxis: { type: 'log', name: 'two threads / one' },
    series: ratios.map((ratio) => ({
      type: 'bar' as const,
      name: ratio.split(', ')[0] ?? '',
      data: rows.map((row) => row.ratios[ratio] ?? '-'),
    })),
  };
}
