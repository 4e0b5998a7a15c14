import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Answer, Request } from '../../scripts/bench/turns/protocol';
import { distance, measureRows, type Row, type Side } from '../../scripts/bench/turns/turns';

/** What a fake side does. */
interface Behaviour {
  /** Milliseconds of a run. */
  ms: number;
  values?: number[];
  free?: boolean;
  /** What it answers with an error to. */
  refuses?: string;
}

/** A side without a process, which notes in `asked` what it is asked. */
function fakeSide(name: string, { ms, values = [], free = false, refuses }: Behaviour, asked: string[]): Side {
  const ask = async (request: Request): Promise<Answer> => {
    await Promise.resolve();
    let much = '';
    if (request.ask === 'run') much = ` ${request.runs}`;
    if (request.ask === 'lag') much = ` ${request.ms} ms`;
    asked.push(`${name} ${request.ask}${much} ${request.key}`);
    if (request.ask === refuses) return { error: `it cannot ${request.ask}\nat all` };
    if (request.ask === 'save') writeFileSync(request.file, '');
    if (request.ask === 'run') return { ms: Array<number>(request.runs).fill(ms), peakBytes: 7 };
    return { values, saved: true, lagMs: 3 };
  };
  return { name, pid: 0, free, extra: {}, ask };
}

const rowOf = (name: string, more: Partial<Row> = {}): Row => ({ name, group: 'g', job: 'j', options: {}, ...more });
const plan = { rounds: 4, burst: 10, most: 1000 };

describe('measureRows', () => {
  it('lets sides begin in turn, and takes the rows back from the last for the second half of the rounds', async () => {
    const asked: string[] = [];
    const sides = [fakeSide('a', { ms: 5 }, asked), fakeSide('b', { ms: 10 }, asked)];
    const results = await measureRows([rowOf('x'), rowOf('y')], sides, plan);
    const bursts = asked.filter((text) => / run [12] /.test(text)).map((text) => text.split(' '));
    // a is warmed up before each of its bursts of two runs; b's run is as long as a burst
    const turns = bursts
      .filter(([side, , runs]) => side === 'b' || runs === '2')
      .map((words) => `${words[0]}${words[3]}`);
    const x = turns.filter((turn) => turn.endsWith('x')).slice(-8);
    expect(x).toEqual(['ax', 'bx', 'bx', 'ax', 'ax', 'bx', 'bx', 'ax']);
    expect(turns.findLastIndex((turn) => turn === 'ay')).toBeLessThan(turns.findLastIndex((turn) => turn === 'ax'));
    expect(results.map(({ bursts: all }) => all)).toEqual([
      { a: [5, 5, 5, 5], b: [10, 10, 10, 10] },
      { a: [5, 5, 5, 5], b: [10, 10, 10, 10] },
    ]);
    expect(results[0]?.peakBytes).toEqual({ a: 7, b: 7 });
    expect(asked.slice(-4)).toEqual(['a drop x', 'b drop x', 'a drop y', 'b drop y']);
  });

  it('gives the parameters of the first side to all others, and compares what they compute', async () => {
    const asked: string[] = [];
    const sides = [
      fakeSide('a', { ms: 5, values: [1, -10] }, asked),
      fakeSide('b', { ms: 5, values: [1.001, -10] }, asked),
      fakeSide('c', { ms: 5, values: [1.1, -10] }, asked),
    ];
    const [result] = await measureRows([rowOf('x')], sides, plan);
    expect(asked.slice(3, 6)).toEqual(['a save x', 'b load x', 'c load x']);
    expect(Object.keys(result?.bursts ?? {})).toEqual(['a', 'b']);
    expect(result?.failures['c']).toBe('it computes something else: off by 1.0e-2 of the largest, at most 0.001');
  });

  it('goes on without a side that fails, and without those that cannot do a row', async () => {
    const asked: string[] = [];
    const sides = [
      fakeSide('a', { ms: 5 }, asked),
      fakeSide('b', { ms: 5, refuses: 'make' }, asked),
      fakeSide('c', { ms: 5 }, asked),
    ];
    const [result] = await measureRows([rowOf('x', { sides: ['a', 'b'] })], sides, plan);
    expect(result?.bursts).toEqual({ a: [5, 5, 5, 5] });
    expect(result?.failures).toEqual({ b: 'it cannot make\nat all' });
    expect(asked.some((text) => text.startsWith('c'))).toBe(false);
  });

  it('lets a side sit out that has taken its time for a row', async () => {
    const sides = [fakeSide('a', { ms: 5 }, []), fakeSide('b', { ms: 2000 }, [])];
    const [result] = await measureRows([rowOf('x')], sides, { ...plan, most: 3 });
    expect(result?.bursts).toEqual({ a: [5, 5, 5, 5], b: [2000, Number.NaN, Number.NaN, Number.NaN] });
  });

  it('has all sides take the same runs where runs are not alike', async () => {
    const asked: string[] = [];
    const sides = [fakeSide('a', { ms: 1 }, asked), fakeSide('b', { ms: 3 }, asked)];
    await measureRows([rowOf('x', { uneven: true })], sides, { ...plan, rounds: 1 });
    expect(asked.filter((text) => text.includes('run'))).toEqual(['a run 2 x', 'b run 2 x', 'a run 3 x', 'b run 3 x']);
  });

  it('watches the event loop of sides that are to keep it free', async () => {
    const asked: string[] = [];
    const sides = [fakeSide('a', { ms: 100, free: true }, asked), fakeSide('b', { ms: 5 }, asked)];
    const [result] = await measureRows([rowOf('x')], sides, plan);
    expect(result?.lagMs).toEqual({ a: 3 });
    expect(asked.slice(-3)).toEqual(['a lag 1000 ms x', 'a drop x', 'b drop x']);
  });

  it('measures in one pass where there is one round', async () => {
    const told: string[] = [];
    const tell = (text: string): void => void told.push(text);
    await measureRows([rowOf('x')], [fakeSide('a', { ms: 5 }, [])], { ...plan, rounds: 1, told: tell });
    expect(told).toEqual(['x: a 5.000 ms']);
  });
});

describe('distance', () => {
  it('is a part of the largest number', () => {
    expect(distance([1, 2.5], [1, 2])).toBe(0.25);
    expect(distance([], [])).toBe(0);
  });

  it('is not within any limit for other numbers of numbers, or for NaN', () => {
    expect(distance([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
    expect(distance([Number.NaN], [1])).toBeNaN();
  });
});
