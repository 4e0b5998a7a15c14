import type { Goal, ShownTable } from '../benchmark';
import { geometricMean, median, quantile } from '../statistics';
import { mostLagMs } from './lag';
import { quietLimit } from './load';
import type { RowResult } from './turns';

/** Which side's time is divided by which other's: above 1 the other is faster. */
export type Pair = readonly [side: string, other: string];

/** How results are shown. */
export interface Showing {
  readonly title: string;
  /** In their order; those that took no part are left out. */
  readonly sides: readonly string[];
  readonly pairs: readonly Pair[];
  /** What times are shown in, and how many of it a millisecond of this row is. Default: milliseconds. */
  readonly unit?: { readonly name: string; of(result: RowResult): number };
  /** Columns of a row's own. */
  readonly columns?: readonly { readonly name: string; of(result: RowResult): string }[];
  /** Whether groups have a mean. Default true. */
  readonly means?: boolean;
}

/** One side's figures in a row. */
export interface SideFigures {
  readonly ms: number;
  /** Half the range of the middle half of the bursts, as a part of the median; undefined of a single burst. */
  readonly spread: number | undefined;
  readonly bursts: readonly number[];
  readonly peakBytes: number | undefined;
  readonly lagMs: number | undefined;
}

/** A row's figures, for JSON. */
export interface RowFigures {
  readonly row: string;
  readonly group: string;
  readonly sides: Readonly<Record<string, SideFigures>>;
  readonly ratios: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, string>>;
  readonly others: number;
  readonly disturbed: boolean;
}

/** What results come to. */
export interface Compared {
  readonly table: ShownTable;
  readonly rows: readonly RowFigures[];
  /** By group and pair. */
  readonly means: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const nameOf = ([side, other]: Pair): string => `${side} / ${other}`;

/**
 * What one side took divided by what another took: the median over the rounds, as both were disturbed alike in each.
 * NaN if they met in none.
 */
export function ratioOf({ bursts }: Pick<RowResult, 'bursts'>, [side, other]: Pair): number {
  const [above = [], below = []] = [bursts[side], bursts[other]];
  return median(above.map((ms, round) => ms / (below[round] ?? Number.NaN)).filter(Number.isFinite));
}

/** The median of a side's bursts in milliseconds; NaN if it has none. */
export const msOf = ({ bursts }: Pick<RowResult, 'bursts'>, side: string): number =>
  median((bursts[side] ?? []).filter(Number.isFinite));

/** Figures, means and the table of them. */
export function compared(results: readonly RowResult[], showing: Showing): Compared {
  const sides = showing.sides.filter((side) => results.some(({ bursts }) => bursts[side] !== undefined));
  const pairs = showing.pairs.filter((pair) => pair.every((side) => sides.includes(side)));
  const rows = results.map((result) => figuresOf(result, sides, pairs));
  const means = showing.means === false ? {} : meansOf(rows, pairs);
  const unit = showing.unit ?? { name: 'ms', of: () => 1 };
  const shown = results.map((result, at) => {
    const { sides: timed, ratios, disturbed, failures } = rows[at] ?? figuresOf(result, sides, pairs);
    const scale = unit.of(result);
    return [
      `${result.row.name}${disturbed ? ' *' : ''}`,
      ...sides.flatMap((side) => {
        const one = timed[side];
        if (one === undefined) return [failures[side] === undefined ? '' : 'failed', ''];
        return [inDigits(one.ms * scale), one.spread === undefined ? '' : `${(100 * one.spread).toFixed(1)} %`];
      }),
      ...(showing.columns ?? []).map((column) => column.of(result)),
      ...pairs.map((pair) => shownRatio(ratios[nameOf(pair)])),
    ];
  });
  const filling = [...sides.flatMap(() => ['', '']), ...(showing.columns ?? []).map(() => '')];
  const meanRows = Object.entries(means).map(([group, mean]) => [
    `${group}, geometric mean`,
    ...filling,
    ...pairs.map((pair) => shownRatio(mean[nameOf(pair)])),
  ]);
  const header = [
    '',
    ...sides.flatMap((side) => [`${side} ${unit.name}`, '±']),
    ...(showing.columns ?? []).map(({ name }) => name),
    ...pairs.map(nameOf),
  ];
  return { table: { title: showing.title, header, rows: [...shown, ...meanRows], note: noteOf(rows) }, rows, means };
}

function figuresOf(result: RowResult, sides: readonly string[], pairs: readonly Pair[]): RowFigures {
  const { row, bursts, peakBytes, lagMs, failures, others } = result;
  const timed = sides.flatMap((side): [string, SideFigures][] => {
    const all = (bursts[side] ?? []).filter(Number.isFinite);
    if (all.length === 0) return [];
    const ms = median(all);
    const spread = all.length < 2 ? undefined : (quantile(all, 0.75) - quantile(all, 0.25)) / 2 / ms;
    return [[side, { ms, spread, bursts: all, peakBytes: peakBytes[side], lagMs: lagMs[side] }]];
  });
  const ratios = pairs.map((pair): [string, number] => [nameOf(pair), ratioOf(result, pair)]);
  return {
    row: row.name,
    group: row.group,
    sides: Object.fromEntries(timed),
    ratios: Object.fromEntries(ratios.filter(([, ratio]) => Number.isFinite(ratio))),
    failures,
    others,
    disturbed: others > quietLimit,
  };
}

/** Of each group, and of all if there are several. */
function meansOf(rows: readonly RowFigures[], pairs: readonly Pair[]): Record<string, Record<string, number>> {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const means: Record<string, Record<string, number>> = {};
  for (const group of groups.length > 1 ? [...groups, 'all'] : groups) {
    const members = rows.filter((row) => group === 'all' || row.group === group);
    const mean = pairs.flatMap((pair): [string, number][] => {
      const ratios = members.flatMap(({ ratios: all }) => all[nameOf(pair)] ?? []);
      return ratios.length === 0 ? [] : [[nameOf(pair), geometricMean(ratios)]];
    });
    if (mean.length > 0) means[group] = Object.fromEntries(mean);
  }
  return means;
}

function noteOf(rows: readonly RowFigures[]): string {
  const notes: string[] = [];
  const disturbed = rows.filter((row) => row.disturbed);
  if (disturbed.length > 0)
    notes.push(
      `* other programs used ${Math.max(...disturbed.map(({ others }) => others)).toFixed(1)} processors at most ` +
        'meanwhile: not to be relied on.',
    );
  const failures = rows.flatMap(({ row, failures: all }) =>
    Object.entries(all).map(([side, why]) => `${side}, ${row}: ${why.split('\n')[0]}`),
  );
  if (failures.length > 0) notes.push(`Failed: ${failures.join('; ')}.`);
  return notes.join(' ');
}

/** Three or four digits that count. */
export function inDigits(number: number): string {
  if (number >= 1000) return number.toFixed(0);
  return number.toFixed(Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(Math.max(number, 1e-9))))));
}

const shownRatio = (ratio: number | undefined): string => (ratio === undefined ? '' : ratio.toFixed(2));

/** A goal that a ratio is at least so much; none where it was not measured. */
export function atLeast(text: string, ratio: number | undefined, least: number): Goal[] {
  if (ratio === undefined || !Number.isFinite(ratio)) return [];
  return [{ text: `${text}, at least ${least}`, got: ratio.toFixed(2), held: ratio >= least }];
}

/**
 * What is asked of every comparison: that each side did its part in all rows, said if one did not, and that the event
 * loop stayed free.
 */
export function generalGoals(rows: readonly RowFigures[]): Goal[] {
  return [...allComputed(rows), ...loopFree(rows)];
}

function loopFree(rows: readonly RowFigures[]): Goal[] {
  const lags = rows.flatMap(({ row, sides }) =>
    Object.values(sides).flatMap(({ lagMs }) => (lagMs === undefined || Number.isNaN(lagMs) ? [] : [{ row, lagMs }])),
  );
  if (lags.length === 0) return [];
  const worst = lags.reduce((most, one) => (one.lagMs > most.lagMs ? one : most));
  const text = `a timer is less than ${mostLagMs} ms late in 99 of 100 cases while a row is computed`;
  return [{ text, got: `${worst.lagMs.toFixed(2)} ms in ${worst.row}`, held: worst.lagMs < mostLagMs }];
}

function allComputed(rows: readonly RowFigures[]): Goal[] {
  const failed = rows.filter(({ failures }) => Object.keys(failures).length > 0);
  if (failed.length === 0) return [];
  return [
    { text: 'every side computes the same in every row', got: failed.map(({ row }) => row).join(', '), held: false },
  ];
}
