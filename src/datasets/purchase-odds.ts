import { chancesOf, type CustomerKind } from './customer-kinds';

/** Shapes of the Gamma distributions of the rates at which customers buy and are lost. */
export const RATE_SHAPE = 3;
export const LOSS_SHAPE = 2;

/** What is known of a customer at a moment. */
export interface Observed {
  /** Days from each purchase to the next, whole numbers of at least 1. */
  readonly gaps: readonly number[];
  /** Days since the last one. */
  readonly idle: number;
  readonly channels: readonly string[];
  readonly categories: readonly string[];
}

/** Customers of one kind that buy at one rate. */
interface Group {
  /** Logarithm of their share among all customers. */
  readonly logShare: number;
  /** Probability that the next purchase comes after so many days, by days, and its logarithm. */
  readonly chance: Float64Array;
  readonly logChance: Float64Array;
}

/** Rates at which the integral over all rates of a kind is taken: from e⁻⁵ to e^2.5 times their mean. */
const RATES = Array.from({ length: 76 }, (_, place) => Math.exp(-5 + place / 10));
/** Groups so much less likely than the likeliest are left out. */
const NEGLIGIBLE = Math.log(1e-12);

/**
 * How probable it is that a customer of the simulation buys again, given all that was seen of it and the parameters:
 * Bayes' rule over its kind and its rate, and over the day on which it may have been lost. Of a customer that bought
 * last `t` days after its first purchase, and is lost with the chance 1 - S(u) by the day u,
 *
 *   P(buys in h days) = Σ w(g) Π p(gap | g) · Σ_{d = idle+1}^{idle+h} p(d | g) S(t+d)
 *                     / Σ w(g) Π p(gap | g) · (S(t) - Σ_{d = 1}^{idle} p(d | g) S(t+d))
 *
 * over groups g of customers of one kind and one rate, of which w(g) is the share and the probability of what was
 * bought where.
 */
export class PurchaseOdds {
  readonly #kinds: readonly KindOdds[];

  /** @param days  that a customer is seen for at most, horizon included */
  constructor(kinds: readonly CustomerKind[], days: number) {
    const all = kinds.reduce((sum, { share }) => sum + share, 0);
    this.#kinds = kinds.map((kind) => new KindOdds(kind, Math.log(kind.share / all), days));
  }

  /** @param horizon  in days */
  probability(seen: Observed, horizon: number): number {
    const likelihoods = this.#kinds.flatMap((kind) => {
      const evidence = kind.evidence(seen);
      return kind.groups.map((group) => {
        const gaps = seen.gaps.reduce((sum, gap) => sum + (group.logChance[gap] ?? 0), 0);
        return { kind, group, log: evidence + group.logShare + gaps };
      });
    });
    const best = likelihoods.reduce((most, { log }) => Math.max(most, log), Number.NEGATIVE_INFINITY);
    const span = seen.gaps.reduce((sum, gap) => sum + gap, 0);
    let [buys, silent] = [0, 0];
    for (const { kind, group, log } of likelihoods) {
      if (log - best < NEGLIGIBLE) continue;
      const weight = Math.exp(log - best);
      const gone = kind.next(group, span, 1, seen.idle);
      silent += weight * ((kind.stays[span] ?? 0) - gone);
      buys += weight * kind.next(group, span, seen.idle + 1, seen.idle + horizon);
    }
    return buys / silent;
  }
}

/** The same of one kind. */
class KindOdds {
  readonly groups: readonly Group[];
  /** Probability of not being lost before a day, counted from the first purchase. */
  readonly stays: Float64Array;
  readonly #channels: ReadonlyMap<string, number>;
  readonly #categories: ReadonlyMap<string, number>;

  constructor(kind: CustomerKind, logShare: number, days: number) {
    const { gap, regularity, lifetime, channels, categories } = kind;
    this.stays = Float64Array.from({ length: days + 1 }, (_, day) =>
      Math.pow(1 + day / ((LOSS_SHAPE - 1) * lifetime), -LOSS_SHAPE),
    );
    // Density of a Gamma distributed rate of mean 1 over its logarithm, up to a factor.
    const densities = RATES.map((rate) => Math.pow(rate, RATE_SHAPE) * Math.exp(-RATE_SHAPE * rate));
    const sum = densities.reduce((total, density) => total + density, 0);
    this.groups = RATES.map((rate, place) => {
      const chance = gapChances(gap / rate, regularity, days);
      const logChance = chance.map((value) => Math.log(Math.max(value, Number.MIN_VALUE)));
      return { logShare: logShare + Math.log((densities[place] ?? 0) / sum), chance, logChance };
    });
    this.#channels = chancesOf(channels);
    this.#categories = chancesOf(categories);
  }

  /** Logarithm of the probability of what was bought where. */
  evidence({ channels, categories }: Observed): number {
    const log = (names: readonly string[], chances: ReadonlyMap<string, number>): number =>
      names.reduce((sum, name) => sum + Math.log(chances.get(name) ?? 0), 0);
    return log(channels, this.#channels) + log(categories, this.#categories);
  }

  /** Probability that the next purchase comes from the day `first` to the day `last` after the one at `span`. */
  next({ chance }: Group, span: number, first: number, last: number): number {
    let sum = 0;
    for (let day = first; day <= last; day++) sum += (chance[day] ?? 0) * (this.stays[span + day] ?? 0);
    return sum;
  }
}

/** Probabilities of a gap of each number of days, where the next whole day counts, by days. */
function gapChances(mean: number, regularity: number, days: number): Float64Array {
  const longer = Float64Array.from({ length: days + 1 }, (_, day) =>
    erlangSurvival((regularity * day) / mean, regularity),
  );
  return longer.map((value, day) => (day === 0 ? 0 : (longer[day - 1] ?? 0) - value));
}

/** Probability that a sum of exponentially distributed numbers of mean 1 is larger: e⁻ˣ Σ_{k < shape} xᵏ / k! */
function erlangSurvival(x: number, shape: number): number {
  if (x === 0) return 1;
  let [log, sum] = [-x, Math.exp(-x)];
  for (let k = 1; k < shape; k++) sum += Math.exp((log += Math.log(x / k)));
  return sum;
}
