import { describe, expect, test } from 'vitest';
import { BucketSampler, DataLoader, getRandomState, manualSeed, PaddedSequence, setRandomState } from 'stmnet';
import { random } from '../support/random';

// Many short and few long ones, as messages are; some empty.
const draw = random(5);
const lengths = Array.from({ length: 1003 }, () => Math.floor(-20 * Math.log(1 - draw()) * (draw() < 0.02 ? 5 : 1)));
const all = lengths.map((_, index) => index);
const lengthOf = (index: number): number => lengths[index] ?? -1;
const longest = (batch: readonly number[]): number => Math.max(...batch.map(lengthOf));
const steps = (batches: readonly (readonly number[])[]): number =>
  batches.reduce((sum, batch) => sum + batch.length * longest(batch), 0);
const real = lengths.reduce((sum, length) => sum + length, 0);

describe('a BucketSampler', () => {
  test('gives every item once an epoch, in batches of like lengths', () => {
    const sampler = new BucketSampler(lengths, { batchSize: 16, seed: 1 });
    expect(sampler.length).toBe(63);
    for (const batches of [[...sampler], [...sampler]]) {
      expect(batches).toHaveLength(63);
      expect(batches.flat().sort((a, b) => a - b)).toEqual(all);
      expect(batches.filter(({ length }) => length !== 16)).toHaveLength(1);
      expect(steps(batches) / real).toBeLessThan(1.3); // in random order it is above 3
    }
    const inOrder = Array.from({ length: 63 }, (_, batch) => all.slice(16 * batch, 16 * (batch + 1)));
    expect(steps(inOrder) / real).toBeGreaterThan(3);
  });
  test.each([1, 4, 30])('mixes items of one length that lie far apart in the dataset: %i lengths', (count) => {
    const items = 4000; // the first half of one class, the second of another
    const alike = Array.from({ length: items }, (_, index) => 100 + ((7 * index) % count));
    for (const seed of [1, 2]) {
      for (const batch of new BucketSampler(alike, { batchSize: 32, seed })) {
        const firsts = batch.filter((index) => index < items / 2).length;
        expect(firsts).toBeGreaterThan(3);
        expect(firsts).toBeLessThan(29);
      }
    }
  });
  test('with maxTokens no batch has more steps, padding included, and short items make larger batches', () => {
    const sampler = new BucketSampler(Int32Array.from(lengths), { maxTokens: 600, seed: 1 });
    const batches = [...sampler];
    expect(batches).toHaveLength(sampler.length);
    expect(batches.flat().sort((a, b) => a - b)).toEqual(all);
    for (const batch of batches) expect(batch.length * longest(batch)).toBeLessThanOrEqual(600);
    const sizes = batches.map(({ length }) => length);
    expect(Math.max(...sizes) / Math.min(...sizes)).toBeGreaterThan(20);
    expect(steps(batches) / (600 * batches.length)).toBeGreaterThan(0.75);
    const capped = [...new BucketSampler(lengths, { maxTokens: 600, batchSize: 32 })];
    expect(Math.max(...capped.map(({ length }) => length))).toBe(32);
    for (const batch of capped) expect(batch.length * longest(batch)).toBeLessThanOrEqual(600);
  });
  test('without shuffle the longest come first, those of one length in their order', () => {
    const sampler = new BucketSampler([3, 9, 3, 0, 9, 4], { batchSize: 2, shuffle: false });
    const before = getRandomState();
    expect([[...sampler], [...sampler]]).toEqual([
      [
        [1, 4],
        [5, 0],
        [2, 3],
      ],
      [
        [1, 4],
        [5, 0],
        [2, 3],
      ],
    ]);
    expect(getRandomState()).toEqual(before);
  });
  test('dropLast leaves out the batch that is not full', () => {
    const batches = [...new BucketSampler(lengths, { batchSize: 16, dropLast: true })];
    expect(batches.map(({ length }) => length)).toEqual(Array.from({ length: 62 }, () => 16));
  });
  test('the order is a function of seed and epoch; without a seed of the generator', () => {
    const orders = (seed: number): number[][][] => {
      const sampler = new BucketSampler(lengths, { batchSize: 16, seed });
      return [[...sampler], [...sampler]];
    };
    const [first, second] = orders(1);
    expect(first).not.toEqual(second);
    expect(first?.map(longest)).not.toEqual(second?.map(longest)); // other batches, not only another order within
    manualSeed(9);
    expect(orders(1)).toEqual([first, second]);
    expect(orders(2)[0]).not.toEqual(first);
    expect(new BucketSampler(lengths, { batchSize: 16, seed: 1 }).epoch(1)).toEqual(second);
    const unseeded = new BucketSampler(lengths, { batchSize: 16 });
    manualSeed(9);
    const drawn = [[...unseeded], [...unseeded]];
    expect(drawn[0]).not.toEqual(drawn[1]);
    manualSeed(9);
    expect([...new BucketSampler(lengths, { batchSize: 16 })]).toEqual(drawn[0]);
  });
  test('a loader with it goes on where it was', () => {
    const items = lengths.map((length, index) => ({ input: new Float32Array(length).fill(index), target: index }));
    for (const options of [{ batchSize: 50, seed: 3 }, { maxTokens: 900 }]) {
      const loader = (): DataLoader<(typeof items)[number], number[]> =>
        new DataLoader(items, {
          batchSampler: new BucketSampler(lengths, options),
          collate: (batch) => batch.map(({ target }) => target),
        });
      manualSeed(3);
      const whole = loader();
      const epochs = [[...whole], [...whole]];
      for (const stop of [0, 1, 7, whole.length]) {
        manualSeed(3);
        const stopped = loader();
        const walk = stopped[Symbol.iterator]();
        const given = Array.from({ length: stop }, () => walk.next().value as number[]);
        const [state, generator] = [JSON.stringify(stopped.state()), getRandomState()];
        const resumed = loader();
        resumed.loadState(JSON.parse(state) as ReturnType<typeof resumed.state>);
        setRandomState(generator);
        expect([...given, ...resumed]).toEqual(epochs[0]);
        expect([...resumed]).toEqual(epochs[1]);
      }
      const shorter = new DataLoader(items, {
        batchSampler: new BucketSampler(lengths.with(4, lengthOf(4) + 1), options),
      });
      expect(() => shorter.loadState(whole.state())).toThrow(/got a state of other batches \(lengths "\w+", here/);
    }
  });
  test('its batches are padded to their own longest item', () => {
    const items = lengths.map((length) => ({ input: new Float32Array(length + 1) }));
    const sampler = new BucketSampler(lengths, { batchSize: 16, shuffle: false });
    const [first] = new DataLoader(items, { batchSampler: sampler });
    if (!(first?.input instanceof PaddedSequence)) throw new Error('expected a PaddedSequence');
    expect(first.input.shape).toEqual([16, Math.max(...lengths) + 1]);
  });
  test('mistakes', () => {
    const make =
      (...[of, options]: [unknown, object?]) =>
      () =>
        new BucketSampler(of as number[], (options ?? { batchSize: 2 }) as { batchSize: number });
    expect(make(lengths, {})).toThrow(
      'BucketSampler: got neither batchSize nor maxTokens, expected one of them, or both.\n' +
        '  Fix: pass such as { batchSize: 32 } or { maxTokens: 4096 }.',
    );
    expect(make([4, 30, 2], { maxTokens: 20 })).toThrow(
      'BucketSampler: got item 1 of length 30 with maxTokens: 20, expected items that fit into a batch.\n' +
        '  Fix: cut the item or leave it out, or enlarge maxTokens.',
    );
    expect(make([4, 1.5])).toThrow(
      'BucketSampler: got the length 1.5 of item 1, expected a whole number of at least 0.',
    );
    expect(make([4, undefined])).toThrow(/got the length undefined of item 1/);
    expect(make([])).toThrow('BucketSampler: got no lengths, expected the length of each item, one at least.');
    expect(make(7)).toThrow(/got lengths 7/);
    expect(make(lengths, { batchSize: 2, shuffle: false, seed: 1 })).toThrow(/got seed: 1 with shuffle: false/);
    expect(make([1, 2], { batchSize: 3, dropLast: true })).toThrow(
      /got dropLast for 2 items, fewer than a batch takes/,
    );
    expect(make(lengths, { batchSize: 2, bucketSize: 3 })).toThrow(/got an option bucketSize/);
  });
});
