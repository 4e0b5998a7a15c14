import { expect, test } from 'vitest';
import {
  OptionError,
  getRandomState,
  manualSeed,
  numThreads,
  rand,
  randint,
  randn,
  setNumThreads,
  setRandomState,
} from 'stmnet';
import { runChild } from '../support/child';
import { describeDevices } from '../support/devices';

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
