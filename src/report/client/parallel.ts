import type { ParallelAxis, ParallelChart } from '../charts';
import { base, tipBox, type Drawing, type Stop, type Surroundings } from './drawing';
import { firstOf } from './lines';
import { tip } from './tip';
import { along, exactly } from './units';

/** Narrower drawings have their axes lying, one below the other. */
const NARROW = 620;

/** The name of a lying axis stands above its end. */
const ABOVE = { align: 'right', verticalAlign: 'bottom', padding: [0, 0, 6, 0] };

/** A line for each trial over all axes, the better the stronger its colour. */
export function drawParallel(chart: ParallelChart, around: Surroundings): Drawing {
  const { theme, width } = around;
  const narrow = width < NARROW;
  const last = chart.axes.length - 1;
  const figures = chart.lines.flatMap(({ values }) => {
    const value = values[last];
    return typeof value === 'number' ? [value] : [];
  });
  const visible = theme.ramp.slice(1); // its first colour is that of the surface, nearly
  const [low, high] = figures.length === 0 ? [0, 1] : [Math.min(...figures), Math.max(...figures)];
  const tipAt = ({ dataIndex }: Stop): HTMLElement => {
    const { name = '', values = [] } = chart.lines[dataIndex] ?? {};
    return tip(
      name,
      chart.axes.map((axis, index) => ({ name: axis.name, value: shown(axis, values[index] ?? null) })),
    );
  };
  return {
    option: {
      ...base(around),
      parallel: {
        layout: narrow ? 'vertical' : 'horizontal',
        left: narrow ? 28 : 40,
        right: narrow ? 28 : 64,
        top: 48,
        bottom: 28,
      },
      parallelAxis: chart.axes.map((axis, dim) => ({ dim, ...axisOf(axis, around, narrow) })),
      tooltip: { ...tipBox(around), trigger: 'item', formatter: (params: unknown) => tipAt(firstOf(params)) },
      visualMap: {
        type: 'continuous',
        show: false,
        dimension: last,
        min: low,
        max: high > low ? high : low + 1,
        inRange: { color: chart.best === 'max' ? visible : visible.toReversed() },
      },
      series: [
        {
          type: 'parallel',
          data: chart.lines.map(({ values }) => values.map((value) => value ?? '-')),
          lineStyle: { width: 2, opacity: 1 },
          emphasis: { lineStyle: { width: 4, opacity: 1 } },
          smooth: false,
        },
      ],
    },
    stops: chart.lines.map((_, dataIndex) => ({ seriesIndex: 0, dataIndex })),
    pinned: true,
    tipAt,
  };
}

const shown = (axis: ParallelAxis, value: number | string | null): string =>
  typeof value === 'number' && 'unit' in axis ? exactly(axis.unit, value) : String(value ?? 'none');

function axisOf(axis: ParallelAxis, { theme }: Surroundings, narrow: boolean): object {
  const common = {
    name: axis.name,
    nameLocation: 'end',
    nameGap: narrow ? 0 : 16,
    nameTextStyle: {
      color: theme.text,
      textBorderColor: theme.surface,
      textBorderWidth: 3,
      fontSize: 12,
      ...(narrow ? ABOVE : {}),
    },
    axisLine: { lineStyle: { color: theme.muted } },
    axisTick: { lineStyle: { color: theme.muted } },
    minorTick: { show: false },
  };
  const axisLabel = {
    color: theme.muted,
    textBorderColor: theme.surface,
    textBorderWidth: 3,
    fontSize: 12,
    hideOverlap: true,
  };
  return 'unit' in axis
    ? {
        ...common,
        type: axis.log === true ? 'log' : 'value',
        scale: true,
        splitNumber: 4,
        axisLabel: { ...axisLabel, formatter: (value: number) => along(axis, value) },
      }
    : { ...common, type: 'category', data: [...axis.names], axisTick: { show: false }, axisLabel };
}
