import type { BarChart } from '../charts';
import {
  base,
  nameAxis,
  named,
  numberAxis,
  ROOM_FOR_NAME,
  tipBox,
  type Drawing,
  type Stop,
  type Surroundings,
} from './drawing';
import { firstOf } from './lines';
import { tip } from './tip';
import { exactly } from './units';

/** Drawings that are narrower have room for fewer labels. */
const NARROW = 340;

/** Bars, upright or lying; of lying ones the first is at the top. */
export function drawBars(chart: BarChart, around: Surroundings): Drawing {
  const { theme } = around;
  const tipAt = ({ dataIndex }: Stop): HTMLElement =>
    tip(`${chart.namesAre} ${chart.names[dataIndex] ?? ''}`, [
      { name: chart.value.name, value: exactly(chart.value.unit, chart.values[dataIndex] ?? Number.NaN) },
    ]);
  const names = nameAxis(chart.names, around);
  const values = numberAxis(chart.value, around, Math.max(...chart.values.map((value) => value ?? 0)));
  return {
    option: {
      ...base(around),
      grid: { left: 4, right: 16, top: 12, bottom: chart.lying ? 24 : ROOM_FOR_NAME, outerBoundsContain: 'axisLabel' },
      tooltip: {
        ...tipBox(around),
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (params: unknown) => tipAt(firstOf(params)),
      },
      xAxis: chart.lying
        ? { ...values, splitNumber: around.width < NARROW ? 3 : 4 }
        : { ...names, ...named(chart.namesAre, around) },
      yAxis: chart.lying ? { ...names, inverse: true } : values,
      series: [
        {
          type: 'bar',
          data: chart.values.map((value) => value ?? '-'),
          color: theme.hue('validation'),
          barMaxWidth: 28,
          barCategoryGap: chart.lying ? '35%' : '15%',
          itemStyle: { borderRadius: chart.lying ? [0, 3, 3, 0] : [3, 3, 0, 0] },
        },
      ],
    },
    stops: chart.names.map((_, dataIndex) => ({ seriesIndex: 0, dataIndex })),
    tipAt,
  };
}
