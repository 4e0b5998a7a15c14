import type { Axis } from '../charts';
import type { Option } from './echarts';
import type { Theme } from './theme';
import { along } from './units';

/** Where the cursor can stand. */
export interface Stop {
  readonly seriesIndex: number;
  readonly dataIndex: number;
}

/** A chart as ECharts draws it. */
export interface Drawing {
  readonly option: Option;
  /** In the order in which arrow keys go through them. */
  readonly stops: readonly Stop[];
  /** How many of them are in a row; arrow keys up and down move by that many. Default 1. */
  readonly perRow?: number;
  /** Where ECharts cannot tell where a stop lies: keys then show what it tells in a corner. Default false. */
  readonly pinned?: boolean;
  /** What the cursor tells at a stop. */
  tipAt(stop: Stop): HTMLElement;
}

/** What a chart is drawn for. */
export interface Surroundings {
  readonly theme: Theme;
  /** Pixels. */
  readonly width: number;
}

/** What all drawings have in common: no movement, the page's own letters, a box at the cursor. */
export const base = ({ theme }: Surroundings): Option => ({
  animation: false,
  textStyle: { fontFamily: theme.font, color: theme.text },
});

/** The box at the cursor. */
export const tipBox = ({ theme }: Surroundings): object => ({
  confine: true,
  backgroundColor: theme.surface,
  borderColor: theme.line,
  borderWidth: 1,
  padding: 0,
  textStyle: { color: theme.text, fontFamily: theme.font },
  extraCssText: 'box-shadow: 0 4px 16px rgb(0 0 0 / 18%); border-radius: 8px;',
  transitionDuration: 0,
});

const FONT_SIZE = 12;

/** Minutes between two labels of a time axis. */
const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200];

/** Labels of long times stand at whole minutes; those of other axes where ECharts puts them. */
function timeSteps({ unit }: Axis, most: number): object {
  const minutes = most / 60 / 5;
  if (unit !== 'seconds' || minutes < 1) return {};
  return { interval: 60 * (MINUTES.find((step) => step >= minutes) ?? Math.ceil(minutes / 1200) * 1200) };
}

/** An axis of numbers; `most`: the largest one, for those of time. */
export const numberAxis = (axis: Axis, { theme }: Surroundings, most = 0): object => ({
  ...timeSteps(axis, most),
  type: axis.log === true ? 'log' : 'value',
  scale: axis.fromZero !== true,
  splitNumber: 4,
  axisLabel: {
    color: theme.muted,
    fontSize: FONT_SIZE,
    hideOverlap: true,
    formatter: (value: number) => along(axis, value),
  },
  splitLine: { lineStyle: { color: theme.line } },
  axisLine: { show: false },
  axisTick: { show: false },
});

/** Pixels of a character, about. */
const CHARACTER = 6.5;

/** A name without its middle where it is too long: what tells names of parameters apart is towards their ends. */
function shortened(name: string, room: number): string {
  const [characters, most] = [Array.from(name), Math.floor(room / CHARACTER)];
  if (characters.length <= most) return name;
  const head = Math.floor(most / 6);
  return `${characters.slice(0, head).join('')}…${characters.slice(head + 1 - most).join('')}`;
}

/** An axis of names; those that are too long for the drawing are shortened. */
export const nameAxis = (names: readonly string[], { theme, width }: Surroundings): object => ({
  type: 'category',
  data: [...names],
  axisLabel: {
    color: theme.muted,
    fontSize: FONT_SIZE,
    hideOverlap: true,
    formatter: (name: string) => shortened(name, Math.max(60, Math.min(240, 0.5 * width))),
  },
  axisLine: { lineStyle: { color: theme.line } },
  axisTick: { show: false },
  splitLine: { show: false },
});

/** The name of an axis below it. */
export const named = (name: string, { theme }: Surroundings): object => ({
  name,
  nameLocation: 'middle',
  nameGap: 24,
  nameTextStyle: { color: theme.muted, fontSize: FONT_SIZE },
});

/** Pixels below a drawing for the labels of its axis and the name below them. */
export const ROOM_FOR_NAME = 42;

/** Counts along an axis: so many that their labels have room, at round numbers. */
export function countTicks(least: number, most: number, { width }: Surroundings): number[] {
  const room = Math.max(2, Math.floor(width / 56));
  const power = 10 ** Math.max(Math.floor(Math.log10((most - least + 1) / room)), 0);
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => (most - least) / one < room) ?? 10 * power;
  const first = Math.ceil(least / step) * step;
  const ticks = Array.from({ length: Math.max(Math.floor((most - first) / step) + 1, 0) }, (_, i) => first + i * step);
  return first - least > step / 2 ? [least, ...ticks] : ticks;
}
