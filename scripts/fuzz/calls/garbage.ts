import type { Draw } from '../random';

const makers: readonly (() => unknown)[] = [
  () => Number.NaN,
  () => Infinity,
  () => -Infinity,
  () => -1,
  () => -2,
  () => 0.5,
  () => -0,
  () => 1e300,
  () => 2 ** 31,
  () => 2 ** 31 - 1,
  () => -(2 ** 31),
  () => 2 ** 32,
  () => 2 ** 53,
  () => 2 ** 53 - 1,
  () => -(2 ** 53),
  () => 'x',
  () => '',
  () => 'f32',
  () => null,
  () => undefined,
  () => true,
  () => false,
  () => Symbol.iterator,
  () => 10n,
  () => ({}),
  () => [],
  () => [Number.NaN],
  () => [-1],
  () => [2 ** 53],
  () => [[1, 2], [3]],
  () => [null],
  () => [2 ** 40, 2 ** 40],
  () => () => 1,
  () => new Date(0),
  () => new Map(),
  () => /x/,
  () => Promise.resolve(1),
  () => new Float32Array(2),
  () => new DataView(new ArrayBuffer(8)),
  () => new ArrayBuffer(8),
  () => new BigInt64Array(1),
  () => Buffer.from('x'),
  () => ({ shape: [1] }),
  () => ({ id: 1 }),
  () => ({ id: 16777217, shape: [1] }),
  () => ({ values: 1, lengths: [1] }),
  () => ({ data: new Float32Array(2), shape: [3] }),
  () => ({ data: [1], shape: [1] }),
  () => ({ length: 1e9 }),
  () => Object.create(null) as unknown,
  () => new Proxy([], {}),
  () => new Proxy({}, {}),
];

/** Something that does not belong where it is put. */
export const garbage = (draw: Draw): unknown => draw.pick(makers)();

/** Arguments, sometimes with garbage in the place of one, sometimes one too few or too many. */
export function spoiled(draw: Draw, args: readonly unknown[]): unknown[] {
  const result = [...args];
  if (result.length > 0 && draw.chance(0.12)) result[draw.whole(0, result.length - 1)] = garbage(draw);
  if (draw.chance(0.02)) result.pop();
  if (draw.chance(0.02)) result.push(garbage(draw));
  return result;
}

/** Options, sometimes garbage, or with garbage in one, or with one that there is not. */
export function spoiledOptions(draw: Draw, options: Record<string, unknown>): unknown {
  if (draw.chance(0.05)) return garbage(draw);
  if (!draw.chance(0.08)) return options;
  const key = draw.pick([...Object.keys(options), '__proto__', 'bogus', 'constructor']);
  return { ...options, [key]: garbage(draw) };
}
