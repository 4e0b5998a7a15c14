import { OptionError } from '../tensor/errors';
import { describe, isPlainObject, positiveInteger } from '../tensor/options';
import { readOptions, type OptionReader } from '../tensor/read-options';

/** How customers of one kind buy. */
export interface CustomerKind {
  /** How many of them there are, in relation to other kinds; above 0. */
  readonly share: number;
  /** Days from one purchase to the next; above 0. Customers differ: their rates are Gamma distributed, shape 3. */
  readonly gap: number;
  /** Shape of the Gamma distribution of a customer's gaps: 1 is at random, 10 is nearly by the clock. */
  readonly regularity: number;
  /** Mean of the days until a customer is gone; above 0. Customers differ: Gamma distributed rates, shape 2. */
  readonly lifetime: number;
  /** Mean of what one purchase costs; above 0. */
  readonly spend: number;
  /** Where they buy, and how often there in relation to other places. */
  readonly channels: Readonly<Record<string, number>>;
  /** What they buy, and how often in relation to other things. */
  readonly categories: Readonly<Record<string, number>>;
}

/** Half of the customers buy by habit and stay long, the others now and then. */
export const customerKinds: readonly CustomerKind[] = [
  {
    share: 0.5,
    gap: 60,
    regularity: 6,
    lifetime: 1500,
    spend: 30,
    channels: { store: 5, web: 3, app: 2 },
    categories: { grocery: 5, household: 3, gift: 2 },
  },
  {
    share: 0.5,
    gap: 90,
    regularity: 1,
    lifetime: 1000,
    spend: 40,
    channels: { store: 2, web: 5, app: 3 },
    categories: { grocery: 2, household: 3, gift: 5 },
  },
];

/** The names with probabilities that add up to 1. */
export function chancesOf(weights: CustomerKind['channels']): ReadonlyMap<string, number> {
  const all = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return new Map(Object.entries(weights).map(([name, weight]) => [name, weight / all]));
}

/** Reads the kinds of a simulation. @throws {OptionError} if there is none, or one is none */
export const checkKinds: OptionReader<readonly CustomerKind[]> = (op, name, value) => {
  if (Array.isArray(value) && value.length > 0)
    return value.map((kind: unknown, place) => checkKind(op, `${name}[${place}]`, kind));
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of at least one kind of customers',
    fix: 'leave it out, or pass such as [{ share: 1, gap: 60, regularity: 1, lifetime: 400, … }]',
  });
};

const checkKind = (op: string, name: string, kind: unknown): CustomerKind =>
  readOptions<CustomerKind>(`${op}: ${name}`, kind as CustomerKind, {
    share: positive,
    gap: positive,
    regularity: positiveInteger,
    lifetime: positive,
    spend: positive,
    channels: weights,
    categories: weights,
  });

function positive(op: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new OptionError(op, { given: `${name}: ${describe(value)}`, expected: 'a number above 0', fix: 'correct it' });
}

function weights(op: string, name: string, value: unknown): CustomerKind['channels'] {
  const numbers: unknown[] = isPlainObject(value) ? Object.values(value) : [];
  const good = numbers.every((one) => typeof one === 'number' && Number.isFinite(one) && one > 0);
  if (numbers.length > 0 && good) return value as CustomerKind['channels'];
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'names with a number above 0 each',
    fix: `pass such as ${name}: { web: 2, store: 1 }`,
  });
}
