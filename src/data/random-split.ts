import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { permutation } from '../tensor/ops/random';
import { asDataset, Subset, type Dataset } from './dataset';

/**
 * Divides a dataset or an array of `items` at random, by the generator that `manualSeed` starts.
 *
 * @param sizes  whole numbers that add up to the length, or parts of it (fractions above 0) that add up to 1
 * @returns one dataset a size
 * @throws {OptionError} if they do not add up, or it is given something else
 */
export function randomSplit<Item>(items: readonly Item[], sizes: readonly number[]): Subset<Item>[];
export function randomSplit<Item>(dataset: Dataset<Item>, sizes: readonly number[]): Subset<Item>[];
export function randomSplit<Item>(source: readonly Item[] | Dataset<Item>, sizes: readonly number[]): Subset<Item>[] {
  const dataset = asDataset('randomSplit', source);
  const numbers = Array.isArray(sizes) && sizes.every((size) => typeof size === 'number');
  const counts =
    numbers && sizes.length > 0 && sizes.every((size) => size > 0 && size < 1)
      ? countsOf(dataset.length, sizes)
      : sizes;
  const total = numbers ? counts.reduce((sum, count) => sum + count, 0) : -1;
  if (!numbers || !counts.every((count) => Number.isInteger(count) && count >= 0) || total !== dataset.length) {
    throw new OptionError('randomSplit', {
      given: `sizes ${describe(sizes)}`,
      expected: `whole numbers that add up to ${dataset.length}, or fractions that add up to 1`,
      fix: 'pass such as [0.9, 0.1]',
    });
  }
  const order = permutation(dataset.length);
  let begin = 0;
  return counts.map((count) => {
    const part = new Subset(dataset, order.slice(begin, begin + count));
    begin += count;
    return part;
  });
}

/**
 * How many items each fraction comes to: whole numbers near length · fraction that add up to `length`. Fractions that
 * do not add up to 1 are returned as they are, and the caller's check refuses them.
 */
function countsOf(length: number, fractions: readonly number[]): readonly number[] {
  if (Math.abs(fractions.reduce((sum, fraction) => sum + fraction, 0) - 1) > 1e-9) return fractions;
  let [end, before] = [0, 0];
  return fractions.map((fraction, index) => {
    end += fraction * length;
    const last = index === fractions.length - 1 ? length : Math.round(end);
    const count = last - before;
    before = last;
    return count;
  });
}
