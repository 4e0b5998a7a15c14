import { describe, expect, test } from 'vitest';
import {
  DTypeError,
  OptionError,
  getRandomState,
  manualSeed,
  numThreads,
  permutation,
  rand,
  randint,
  randn,
  setNumThreads,
  setRandomState,
} from 'stmnet';
import { runChild } from '../support/child';
import { describeDevices } from '../support/devices';

const moments = (values: ArrayLike<number>): { mean: number; variance: number } => {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return { mean, variance: list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length };
};

describeDevices('random numbers', (device) => {
  test('one seed gives the same bits again, another seed others', async () => {
    const draw = async (seed: number): Promise<number[]> => {
      manualSeed(seed);
      return [
        ...(await randn([50], { device }).data()),
        ...(await rand([50], { device }).data()),
        ...(await randint(0, 1000, [50], { device }).data()),
      ];
    };
    const first = await draw(3);
    expect(await draw(3)).toEqual(first);
    expect(await draw(4)).not.toEqual(first);
  });

  test('the numbers do not depend on the number of threads', async () => {
    const before = numThreads();
    const draw = async (threads: number): Promise<unknown> => {
      setNumThreads(threads);
      manualSeed(11);
      return randn([70_001], { device }).data();
    };
    try {
      const one = await draw(1);
      expect(await draw(2)).toEqual(one);
      expect(await draw(3)).toEqual(one);
    } finally {
      setNumThreads(before);
    }
  });

  test.each(['f32', 'f64'] as const)('rand is uniform in [0, 1), %s', async (dtype) => {
    manualSeed(5);
    const values = await rand([200_000], { dtype, device }).data();
    const { mean, variance } = moments(values);
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.003); // five deviations of the mean
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test.each(['f32', 'f64'] as const)(
    'randn has mean 0, deviation 1 and the tails of a normal distribution, %s',
    async (dtype) => {
      manualSeed(6);
      const values = Array.from(await randn([400_000], { dtype, device }).data());
      const { mean, variance } = moments(values);
      expect(Math.abs(mean)).toBeLessThan(0.008);
      expect(Math.abs(variance - 1)).toBeLessThan(0.012);
      const beyond = (bound: number): number =>
        values.filter((value) => Math.abs(value) > bound).length / values.length;
      expect(Math.abs(beyond(1) - 0.31731)).toBeLessThan(0.004);
      expect(Math.abs(beyond(2) - 0.0455)).toBeLessThan(0.002);
      expect(Math.abs(beyond(3) - 0.0027)).toBeLessThan(0.0005);
    },
  );

  test('randint draws all of low..high - 1 equally often', async () => {
    manualSeed(7);
    const counts = new Map<number, number>();
    for (const value of await randint(-2, 3, [50_000], { device }).data())
      counts.set(value, (counts.get(value) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(450);
  });

  test('empty and scalar shapes', async () => {
    expect((await randn([0, 3], { device }).data()).length).toBe(0);
    expect(rand([], { device }).shape).toEqual([]);
  });
});

test('getRandomState and setRandomState come back to a place of the stream', async () => {
  manualSeed(9);
  await randn([10]).data();
  const state = getRandomState();
  const first = await randn([10]).data();
  expect(getRandomState()).not.toEqual(state);
  setRandomState(state);
  expect(await randn([10]).data()).toEqual(first);
});

test('two calls never share numbers', async () => {
  manualSeed(1);
  const seen = new Set<number>();
  for (let call = 0; call < 20; call++) for (const value of await rand([5], { dtype: 'f64' }).data()) seen.add(value);
  expect(seen.size).toBe(100);
});

test('without a seed each process and worker draws numbers of its own, and tells its seed', async () => {
  const { stdout, stderr } = runChild(`
    const { Worker } = require('node:worker_threads');
    const draw = async () => {
      const state = stm.getRandomState();
      const { weight_ih_l0 } = new stm.LSTM({ inputSize: 1, hiddenSize: 1 });
      return [state, (await weight_ih_l0.data())[0]];
    };
    const source = [
      'const stm = require(' + JSON.stringify(require.resolve('./dist/index.js')) + ');',
      'const { parentPort } = require("node:worker_threads");',
      '(' + draw + ')().then((drawn) => parentPort.postMessage(drawn));',
    ].join(' ');
    const worker = () => new Promise((resolve) => new Worker(source, { eval: true }).on('message', resolve));
    (async () => {
      const drawn = [await draw(), await worker(), await worker()];
      const again = [];
      for (const [state] of drawn) {
        stm.manualSeed(state.seed);
        again.push((await draw())[1]);
      }
      console.log(JSON.stringify({ drawn, again }));
    })();
  `);
  expect(stderr).toBe('');
  const { drawn, again }: { drawn: [{ seed: number; offset: number }, number][]; again: number[] } = JSON.parse(stdout);
  const seeds = [...drawn.map(([{ seed }]) => seed), getRandomState().seed];
  expect(new Set(seeds).size).toBe(4);
  expect(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
  expect(drawn.map(([{ offset }]) => offset)).toEqual([0, 0, 0]);
  expect(again).toEqual(drawn.map(([, weight]) => weight));
  expect(new Set(again).size).toBe(3);
});

test('a stream ends before its place is a number that JavaScript cannot hold', async () => {
  const last = { seed: 2 ** 53 - 1, offset: 2 ** 53 - 3 };
  setRandomState(last);
  const drawn = await rand([8]).data();
  expect(getRandomState()).toEqual({ seed: 2 ** 53 - 1, offset: 2 ** 53 - 1 });
  expect(() => rand([1])).toThrow(
    /^rand: got offset 9007199254740991 and 1 blocks to draw, expected no more than 2\^53 - 1 in all/,
  );
  setRandomState(getRandomState());
  expect(rand([0]).size).toBe(0);
  setRandomState(last);
  expect(await rand([8]).data()).toEqual(drawn);
  manualSeed(1);
});

describe('mistakes', () => {
  test('a seed that is no whole number of at least 0', () => {
    expect(() => manualSeed(-1)).toThrow(
      new OptionError('manualSeed', {
        given: 'seed: -1',
        expected: 'a whole number of at least 0 for seed',
        fix: 'pass seed: 0 or more',
      }),
    );
    expect(() => manualSeed(1.5)).toThrow(OptionError);
  });
  test('an element type that has no such numbers', () => {
    expect(() => rand([2], { dtype: 'i32' })).toThrow(
      'rand: got dtype i32, expected f32 or f64.\n  Fix: choose that dtype, or cast() the result.',
    );
    expect(() => randn([2], { dtype: 'bool' })).toThrow(DTypeError);
  });
  test('bounds in the wrong order', () => {
    expect(() => randint(3, 3, [2])).toThrow(
      'randint: got low 3 and high 3, expected low below high, both within 32 bits, and fewer than 2^32 numbers.',
    );
    expect(() => randint(0, 1.5, [2])).toThrow('randint: got low 0 and high 1.5, expected whole numbers.');
  });
  test('an option that does not exist', () => {
    expect(() => rand([2], { dtyp: 'f32' } as object)).toThrow(
      'rand: got an option dtyp, expected only dtype, requiresGrad, device.',
    );
  });
});

test('permutation is the order of one seed', () => {
  manualSeed(1);
  const order = permutation(6);
  expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
  manualSeed(1);
  expect(permutation(6)).toEqual(order);
});
