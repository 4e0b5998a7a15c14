import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { SequentialSampler, type BatchSampler, type EpochOrder, type Sampler, type SamplerSettings } from './sampler';

/** Which items make the batches of an epoch. */
export interface BatchOrder {
  /** Batches of an epoch. */
  readonly length: number;
  /** What the batches depend on beside epoch and generator. */
  readonly settings: SamplerSettings;
  /** The indices of each batch. All random numbers of the epoch are drawn before this returns. */
  epoch(epoch: number): Iterable<readonly number[]>;
}

/**
 * Reads an option that takes a sampler.
 *
 * @throws {OptionError} if `value` is none
 */
export function samplerGiven<Order extends EpochOrder<unknown>>(op: string, name: string, value: unknown): Order {
  const isObject = typeof value === 'object' && value !== null;
  if (isObject && 'length' in value && typeof value.length === 'number' && Symbol.iterator in value)
    return value as Order;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a sampler: a length, and a walk over an epoch',
    fix: 'pass one of the package, or { length, *[Symbol.iterator]() { … } }',
  });
}

const nameOf = (sampler: object): string => (typeof sampler.constructor === 'function' ? sampler.constructor.name : '');

/**
 * Batches of one size in the order of a sampler.
 *
 * @param options.dropLast  whether a last one that is smaller is left out
 */
export const batchesInOrder = (
  sampler: Sampler,
  { batchSize, dropLast }: { batchSize: number; dropLast: boolean },
): BatchOrder => ({
  get length() {
    const batches = sampler.length / batchSize;
    return dropLast ? Math.floor(batches) : Math.ceil(batches);
  },
  settings: { order: nameOf(sampler), ...sampler.settings, batchSize, dropLast },
  epoch: (epoch) => cut(readOrder(sampler, epoch), batchSize, dropLast),
});

/** The batches that a sampler gives. */
export const batchesOf = (sampler: BatchSampler): BatchOrder => ({
  get length() {
    return sampler.length;
  },
  settings: { order: nameOf(sampler), ...sampler.settings },
  epoch: (epoch) => checked(readOrder(sampler, epoch)),
});

function* cut(order: Iterable<number>, batchSize: number, dropLast: boolean): Generator<readonly number[]> {
  let indices: number[] = [];
  for (const index of order) {
    indices.push(index);
    if (indices.length < batchSize) continue;
    yield indices;
    indices = [];
  }
  if (indices.length > 0 && !dropLast) yield indices;
}

function* checked(batches: Iterable<unknown>): Generator<readonly number[]> {
  for (const batch of batches) {
    if (!Array.isArray(batch) || batch.length === 0)
      throw new OptionError('DataLoader', {
        given: `${describe(batch)} from the batchSampler`,
        expected: 'the indices of a batch, one at least',
        fix: 'yield arrays such as [3, 0, 7], or pass a sampler of single indices as sampler, with a batchSize',
      });
    yield batch;
  }
}

/**
 * The order of an epoch, read when it begins, so that a sampler draws what it draws now.
 *
 * @throws {OptionError} if there is more or less of it than its length says: a position could not be gone to, and what
 * goes by the number of batches, as progress and schedules do, would be wrong
 */
function readOrder<Place>(sampler: EpochOrder<Place>, epoch: number): Iterable<Place> {
  if (sampler instanceof SequentialSampler) return sampler; // draws nothing, and many indices are memory
  const { length } = sampler;
  const order = sampler.epoch?.(epoch) ?? sampler;
  if (Array.isArray(order) && order.length === length) return order;
  const read: Place[] = [];
  for (const place of order) {
    if (read.length >= length) throw otherLength(sampler, length); // which closes the walk
    read.push(place);
  }
  if (read.length < length) throw otherLength(sampler, length, read.length);
  return read;
}

/** @param few  how many there are, if these are fewer */
function otherLength(sampler: EpochOrder<unknown>, length: number, few?: number): OptionError {
  const name = nameOf(sampler);
  const given = few === undefined ? 'more than' : `${few}, fewer than`;
  return new OptionError('DataLoader', {
    given: `a sampler${name === '' || name === 'Object' ? '' : ` ${name}`} that gives ${given} its length, ${length}`,
    expected: 'as many in an epoch as its length says',
    fix: `correct its length, or let ${few === undefined ? 'its walk end there' : 'each walk begin anew'}`,
  });
}
