import type { CalibrationChart } from '../charts';
import { countText, percentText } from '../format';
import { base, named, numberAxis, ROOM_FOR_NAME, tipBox, type Drawing, type Stop, type Surroundings } from './drawing';
import { firstOf } from './lines';
import { tip } from './tip';

const probability = { name: 'predicted probability', unit: 'percent' } as const;
const share = { name: 'observed share', unit: 'percent' } as const;
const examples = { name: 'examples', unit: 'count', fromZero: true } as const;

/** Pixels beside both drawings, whose axes must lie below each other, for the labels of either. */
const [LEFT, RIGHT] = [48, 22] as const;

type Bin = CalibrationChart['bins'][number];

/** What happened over what was predicted, beside the line on which both are equal; below it how many there are. */
export function drawCalibration({ bins }: CalibrationChart, around: Surroundings): Drawing {
  const used = bins.filter(({ predicted, observed }) => predicted !== null && observed !== null);
  const tipAt = ({ seriesIndex, dataIndex }: Stop): HTMLElement =>
    tipOf(seriesIndex === BARS ? bins[dataIndex] : used[dataIndex]);
  const place = { left: LEFT, right: RIGHT, outerBoundsMode: 'none' };
  return {
    option: {
      ...base(around),
      grid: [
        { ...place, top: 12, bottom: ROOM_FOR_NAME + 70 },
        { ...place, height: 48, bottom: ROOM_FOR_NAME },
      ],
      tooltip: { ...tipBox(around), trigger: 'item', formatter: (params: unknown) => tipAt(firstOf(params)) },
      ...axes(around),
      series: series(bins, used, around),
    },
    stops: used.map((_, dataIndex) => ({ seriesIndex: 1, dataIndex })),
    tipAt,
  };
}

const tipOf = (bin: Bin | undefined): HTMLElement =>
  tip(`predicted ${percentText(bin?.from ?? 0)} to ${percentText(bin?.to ?? 0)}`, [
    { name: 'on average', value: percentText(bin?.predicted ?? Number.NaN) },
    { name: 'observed', value: percentText(bin?.observed ?? Number.NaN) },
    { name: 'examples', value: countText(bin?.count ?? 0) },
  ]);

function axes(around: Surroundings): object {
  const unit = { min: 0, max: 1, interval: 0.25, containShape: false };
  const below = numberAxis(probability, around);
  return {
    xAxis: [
      { ...below, ...unit, axisLabel: { show: false }, gridIndex: 0 },
      { ...below, ...unit, ...named(probability.name, around), gridIndex: 1 },
    ],
    yAxis: [
      { ...numberAxis(share, around), ...unit, gridIndex: 0 },
      { ...numberAxis(examples, around), splitNumber: 1, splitLine: { show: false }, gridIndex: 1 },
    ],
  };
}

/** Which of the series are the counts. */
const BARS = 2;

const series = (bins: readonly Bin[], used: readonly Bin[], { theme, width }: Surroundings): object[] => [
  {
    type: 'line',
    data: [
      [0, 0],
      [1, 1],
    ],
    showSymbol: false,
    silent: true,
    lineStyle: { color: theme.muted, width: 1, type: 'dashed' },
  },
  {
    type: 'line',
    data: used.map(({ predicted, observed }) => [predicted ?? 0, observed ?? 0]),
    color: theme.hue('validation'),
    symbol: 'circle',
    symbolSize: 9,
    lineStyle: { width: 2 },
  },
  {
    type: 'bar',
    xAxisIndex: 1,
    yAxisIndex: 1,
    data: bins.map(({ from, to, count }) => [(from + to) / 2, count]),
    color: theme.hue('train'),
    barWidth: Math.max(2, (0.8 * (width - LEFT - RIGHT)) / Math.max(bins.length, 1)),
  },
];
