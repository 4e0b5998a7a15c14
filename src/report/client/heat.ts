import type { HeatChart } from '../charts';
import { base, nameAxis, named, ROOM_FOR_NAME, tipBox, type Drawing, type Stop, type Surroundings } from './drawing';
import { firstOf } from './lines';
import { tip } from './tip';
import { along, exactly } from './units';

/** A table of colours: one frame of it. The scale is that of all frames, so that they can be compared. */
export function drawHeat(chart: HeatChart, around: Surroundings, frame = 0): Drawing {
  const { theme } = around;
  const scale = (value: number): number => (chart.value.log === true ? Math.log10(value) : value);
  const drawable = (value: number | null): value is number => value !== null && (chart.value.log !== true || value > 0);
  const all = chart.frames
    .flatMap(({ values }) => values.flat())
    .filter(drawable)
    .map(scale);
  const [low, high] = all.length === 0 ? [0, 1] : [Math.min(...all), Math.max(...all)];
  const values = chart.frames[frame]?.values ?? [];
  const cells = values.flatMap((row, y) =>
    row.map((value, x) => ({ x, y, value, data: [x, y, drawable(value) ? scale(value) : '-'] })),
  );
  const tipAt = ({ dataIndex }: Stop): HTMLElement => {
    const { x = 0, y = 0, value = null } = cells[dataIndex] ?? {};
    return tip(`${chart.rowsAre} ${chart.rows[y] ?? ''}`, [
      { name: chart.columnsAre, value: chart.columns[x] ?? '' },
      { name: chart.value.name, value: value === null ? 'none' : exactly(chart.value.unit, value) },
    ]);
  };
  const shown = (value: number): string => along(chart.value, chart.value.log === true ? 10 ** value : value);
  return {
    option: {
      ...base(around),
      grid: { left: 4, right: 16, top: 8, bottom: ROOM_FOR_NAME + 34, outerBoundsContain: 'axisLabel' },
      tooltip: { ...tipBox(around), trigger: 'item', formatter: (params: unknown) => tipAt(firstOf(params)) },
      xAxis: { ...nameAxis(chart.columns, around), ...named(chart.columnsAre, around) },
      yAxis: { ...nameAxis(chart.rows, around), inverse: true },
      visualMap: {
        type: 'continuous',
        min: low,
        max: high > low ? high : low + 1,
        calculable: false,
        hoverLink: false,
        orient: 'horizontal',
        left: 'center',
        bottom: 0,
        itemWidth: 10,
        itemHeight: 140,
        text: [shown(high), shown(low)],
        textStyle: { color: theme.muted, fontSize: 12 },
        inRange: { color: [...theme.ramp] },
      },
      series: [
        {
          type: 'heatmap',
          data: cells.map(({ data }) => data),
          itemStyle: { borderColor: theme.surface, borderWidth: chart.columns.length > 60 ? 0 : 1 },
          emphasis: { itemStyle: { borderColor: theme.text, borderWidth: 1 } },
        },
      ],
    },
    stops: cells.map((_, dataIndex) => ({ seriesIndex: 0, dataIndex })),
    perRow: chart.columns.length,
    tipAt,
  };
}
