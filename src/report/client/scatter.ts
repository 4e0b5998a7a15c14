import type { ScatterChart } from '../charts';
import { base, named, numberAxis, ROOM_FOR_NAME, tipBox, type Drawing, type Stop, type Surroundings } from './drawing';
import { firstOf } from './lines';
import { tip, type TipRow } from './tip';
import { exactly } from './units';

/** Diameters of the smallest and the largest point. */
const [LEAST, MOST] = [8, 24] as const;

/** A rectangle in pixels. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Names stand above their points; one that would lie on another stands below, or further away. */
function keptApart(): (label: { dataIndex?: number; rect: Box; labelRect: Box }) => { dy: number } {
  let taken: Box[] = [];
  return ({ dataIndex, rect, labelRect }) => {
    if (dataIndex === 0) taken = [];
    const at = (dy: number): Box => ({
      x: labelRect.x,
      y: labelRect.y + dy,
      width: labelRect.width,
      height: labelRect.height,
    });
    const below = rect.y + rect.height + (rect.y - labelRect.y - labelRect.height) - labelRect.y;
    const moves = [0, 1, 2].flatMap((row) => [-row * labelRect.height, below + row * labelRect.height]);
    const dy = moves.find((move) => !taken.some((box) => overlap(box, at(move)))) ?? 0;
    taken.push(at(dy));
    return { dy };
  };
}

/** Points with their names beside them. */
export function drawScatter(chart: ScatterChart, around: Surroundings): Drawing {
  const { theme } = around;
  const largest = Math.max(...chart.points.map(({ size = 0 }) => size));
  const diameter = (size: number | undefined): number =>
    size === undefined || !(largest > 0) ? LEAST : Math.max(LEAST, MOST * Math.sqrt(size / largest));
  const tipAt = ({ dataIndex }: Stop): HTMLElement => {
    const { name = '', x = Number.NaN, y = Number.NaN, size } = chart.points[dataIndex] ?? {};
    const rows: TipRow[] = [
      { name: chart.y.name, value: exactly(chart.y.unit, y) },
      { name: chart.x.name, value: exactly(chart.x.unit, x) },
      ...(chart.size === undefined || size === undefined
        ? []
        : [{ name: chart.size.name, value: exactly(chart.size.unit, size) }]),
    ];
    return tip(name, rows);
  };
  return {
    option: {
      ...base(around),
      grid: { left: 4, right: 24, top: 24, bottom: ROOM_FOR_NAME, outerBoundsContain: 'axisLabel' },
      tooltip: { ...tipBox(around), trigger: 'item', formatter: (params: unknown) => tipAt(firstOf(params)) },
      xAxis: {
        ...numberAxis(chart.x, around, Math.max(...chart.points.map(({ x }) => x))),
        ...named(chart.x.name, around),
        boundaryGap: ['0%', '10%'],
      },
      yAxis: { ...numberAxis(chart.y, around), boundaryGap: ['15%', '25%'] },
      series: [
        {
          type: 'scatter',
          data: chart.points.map(({ name, x, y, size }) => ({ name, value: [x, y], symbolSize: diameter(size) })),
          color: theme.hue('validation'),
          itemStyle: { opacity: 0.75 },
          label: {
            show: true,
            position: 'top',
            color: theme.text,
            fontSize: 12,
            formatter: ({ dataIndex }: { dataIndex: number }) => chart.points[dataIndex]?.name ?? '',
          },
          labelLayout: keptApart(),
        },
      ],
    },
    stops: chart.points.map((_, dataIndex) => ({ seriesIndex: 0, dataIndex })),
    tipAt,
  };
}
