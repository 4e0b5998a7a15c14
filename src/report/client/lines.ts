import type { Band, LineChart } from '../charts';
import {
  base,
  countTicks,
  named,
  numberAxis,
  ROOM_FOR_NAME,
  tipBox,
  type Drawing,
  type Stop,
  type Surroundings,
} from './drawing';
import { tip } from './tip';
import { exactly } from './units';

/** Up to so many points a line shows each of them. */
const DOTTED = 24;

/** Lines with a cursor. */
export function drawLines(chart: LineChart, around: Surroundings): Drawing {
  const { theme } = around;
  const longest = Math.max(...chart.lines.map(({ points }) => points.length), 0);
  const xs = [...new Set(chart.lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const tipFor = (x: number): HTMLElement => {
    const rows = chart.lines.flatMap(({ name, hue, points }) => {
      const y = points.find((point) => point[0] === x)?.[1];
      return y === undefined || y === null ? [] : [{ name, value: exactly(chart.y.unit, y), colour: theme.hue(hue) }];
    });
    const between = (chart.bands ?? []).flatMap(({ name, hue, points }) => {
      const point = points.find((one) => one[0] === x);
      if (point === undefined) return [];
      const [low, high] = [exactly(chart.y.unit, point[1]), exactly(chart.y.unit, point[2])];
      return [{ name, value: `${low} to ${high}`, colour: theme.hue(hue) }];
    });
    return tip(`${chart.x.name} ${exactly(chart.x.unit, x)}`, [...rows, ...between]);
  };
  const xOf = ({ seriesIndex, dataIndex }: Stop): number => chart.lines[seriesIndex]?.points[dataIndex]?.[0] ?? 0;
  return {
    option: {
      ...base(around),
      grid: { left: 4, right: 16, top: 12, bottom: ROOM_FOR_NAME, outerBoundsContain: 'axisLabel' },
      tooltip: {
        ...tipBox(around),
        trigger: 'axis',
        axisPointer: { type: 'line', snap: true, lineStyle: { color: theme.muted, type: 'solid' } },
        formatter: (params: unknown) => tipFor(xOf(firstOf(params))),
      },
      xAxis: axisAlong(chart, xs, around),
      yAxis: numberAxis(chart.y, around),
      series: [
        ...chart.lines.map(({ name, hue, points, dots = false }, index) => ({
          type: 'line',
          name,
          data: points.map(([x, y]) => [x, y ?? '-']),
          showSymbol: dots || longest <= DOTTED,
          symbol: 'circle',
          symbolSize: dots ? 8 : 5,
          lineStyle: { width: dots ? 0 : 2 },
          color: theme.hue(hue),
          emphasis: { disabled: true },
          z: 2 + index,
          ...(index === 0 && chart.mark !== undefined ? { markPoint: markOf(chart.mark, around) } : {}),
        })),
        ...(chart.bands ?? []).flatMap((band, index) => bandOf(band, `band ${index}`, around)),
      ],
    },
    stops: stopsOf(chart, xs),
    tipAt: (stop) => tipFor(xOf(stop)),
  };
}

/** A line that nobody sees, and on it what is shaded. */
function bandOf({ name, hue, points }: Band, stack: string, { theme }: Surroundings): object[] {
  const part = (data: readonly (readonly [number, number])[], shade: object): object => ({
    type: 'line',
    name,
    stack,
    stackStrategy: 'all',
    data,
    symbol: 'none',
    lineStyle: { width: 0 },
    color: theme.hue(hue),
    emphasis: { disabled: true },
    z: 1,
    ...shade,
  });
  return [
    part(
      points.map(([x, low]) => [x, low]),
      {},
    ),
    part(
      points.map(([x, low, high]) => [x, high - low]),
      { areaStyle: { color: theme.hue(hue), opacity: 0.18 } },
    ),
  ];
}

/** The axis of x, from the first point to the last; counts have labels at round numbers. */
function axisAlong({ x }: LineChart, xs: readonly number[], around: Surroundings): object {
  const [min, max] = [xs[0] ?? 0, xs.at(-1) ?? 1];
  const axis: { axisLabel?: object } = numberAxis(x, around);
  const customValues = x.unit === 'count' ? { customValues: countTicks(min, max, around) } : {};
  return {
    ...axis,
    ...named(x.name, around),
    min,
    max: max > min ? max : min + 1,
    axisLabel: { ...axis.axisLabel, ...customValues },
    splitLine: { show: false },
    axisLine: { show: true, onZero: false, lineStyle: { color: around.theme.line } },
  };
}

/** A ring around one point. */
const markOf = ({ x, y, hue }: NonNullable<LineChart['mark']>, { theme }: Surroundings): object => ({
  data: [{ coord: [x, y] }],
  symbol: 'circle',
  symbolSize: 12,
  itemStyle: { color: 'transparent', borderColor: theme.hue(hue), borderWidth: 2 },
  label: { show: false },
  silent: true,
});

/** The cursor goes through all x; at each it stands on the first line that has a point there. */
const stopsOf = ({ lines }: LineChart, xs: readonly number[]): Stop[] =>
  xs.flatMap((x) => {
    const on = lines.map(({ points }) => points.findIndex((point) => point[0] === x && point[1] !== null));
    const seriesIndex = on.findIndex((index) => index >= 0);
    return seriesIndex < 0 ? [] : [{ seriesIndex, dataIndex: on[seriesIndex] ?? 0 }];
  });

/** Of the series at the cursor the first. */
export function firstOf(params: unknown): Stop {
  const first: unknown = Array.isArray(params) ? params[0] : params;
  const read = (name: string): number =>
    typeof first === 'object' && first !== null ? Number(Reflect.get(first, name)) : 0;
  return { seriesIndex: read('seriesIndex'), dataIndex: read('dataIndex') };
}
