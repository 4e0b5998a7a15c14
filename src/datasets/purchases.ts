import { nonNegativeInteger, positiveInteger } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { chancesOf, checkKinds, customerKinds, type CustomerKind } from './customer-kinds';
import { LOSS_SHAPE, PurchaseOdds, RATE_SHAPE } from './purchase-odds';
import { RandomDraws } from './random-draws';

/** Options of `simulatePurchases`. */
export interface PurchaseOptions {
  /** How many customers. Default 5,000. */
  customers?: number;
  /** How many days are known: each customer buys for the first time on one of them. Default 730. */
  days?: number;
  /** How many days follow, in which it is seen who buys again. Default 30. */
  horizon?: number;
  /** What kinds of customers there are. Default: `customerKinds`, of whom one half buys by habit. */
  kinds?: readonly CustomerKind[];
  /** The same number gives the same purchases. Default 1. */
  seed?: number;
}

/** One purchase; a type, and no interface, so that it is a record of texts and numbers, too. */
export type Purchase = {
  /** Who bought: `c17`. */
  readonly customer: string;
  /** When, as `2023-01-31`. */
  readonly date: string;
  /** How much it was. */
  readonly amount: number;
  /** Where it was bought. */
  readonly channel: string;
  /** What was bought. */
  readonly category: string;
};

/** What `simulatePurchases` gives. */
export interface SimulatedPurchases {
  /** All purchases by their date, those of the horizon included. */
  readonly rows: readonly Purchase[];
  /** The last of the days that are known; the horizon is what follows it. */
  readonly cutOff: string;
  /**
   * How probable it was, for each customer, to buy in the horizon: computed from all that it had bought until the
   * cut-off and the parameters of the simulation. Without knowing the future nobody can tell better.
   */
  readonly probabilities: ReadonlyMap<string, number>;
}

const FIRST_DAY = Date.UTC(2023, 0, 1);
/** What a customer spends is Gamma distributed around a mean of its own, which is so around that of its kind. */
const SPEND_SHAPE = 4;

const dateOf = (day: number): string => new Date(FIRST_DAY + day * 86_400_000).toISOString().slice(0, 10);

/**
 * Purchases of customers who buy till they die: each buys for the first time on some day, then again and again after
 * gaps that are Gamma distributed around its own mean, until it is lost, of which nobody is told (Platzer and
 * Reutterer, Ticking away the moments: timing regularity helps to better predict customer activity, Marketing Science,
 * 2016). What it buys where tells a little about its kind; how much it spends tells nothing about when. They are drawn
 * from `seed` alone.
 *
 *     const { rows, cutOff, probabilities } = simulatePurchases({ customers: 5000, horizon: 30, seed: 1 });
 *
 * @throws {OptionError} if an option is unknown or out of range
 */
export function simulatePurchases(options: PurchaseOptions = {}): SimulatedPurchases {
  const { customers, days, horizon, kinds, seed } = readOptions('simulatePurchases', options, {
    customers: withDefault(positiveInteger, 5000),
    days: withDefault(positiveInteger, 730),
    horizon: withDefault(positiveInteger, 30),
    kinds: withDefault(checkKinds, customerKinds),
    seed: withDefault(nonNegativeInteger, 1),
  });
  const random = new RandomDraws(seed);
  const odds = new PurchaseOdds(kinds, days + horizon);
  const all = kinds.reduce((sum, { share }) => sum + share, 0);
  const shares = new Map(kinds.map((kind) => [kind, kind.share / all]));
  const bought: { day: number; row: Purchase }[] = [];
  const probabilities = new Map<string, number>();
  for (let index = 1; index <= customers; index++) {
    const purchases = purchasesOf(`c${index}`, random.pick(shares), days + horizon, { random, days });
    for (const one of purchases) bought.push(one);
    probabilities.set(`c${index}`, odds.probability(observed(purchases, days - 1), horizon));
  }
  bought.sort((a, b) => a.day - b.day);
  return { rows: bought.map(({ row }) => row), cutOff: dateOf(days - 1), probabilities };
}

interface Drawn {
  /** Counted from the first day of the simulation. */
  readonly day: number;
  readonly row: Purchase;
}

/** All that one customer buys. @param end  the first day that nobody sees */
function purchasesOf(
  customer: string,
  kind: CustomerKind,
  end: number,
  { random, days }: { random: RandomDraws; days: number },
): Drawn[] {
  const [channels, categories] = [chancesOf(kind.channels), chancesOf(kind.categories)];
  const first = random.below(days);
  const gap = kind.gap / random.gamma(RATE_SHAPE);
  const lost = (((LOSS_SHAPE - 1) / LOSS_SHAPE) * kind.lifetime * random.gamma(1)) / random.gamma(LOSS_SHAPE);
  const spend = kind.spend * random.gamma(SPEND_SHAPE);
  const drawn: Drawn[] = [];
  for (let age = 0; age <= lost && first + age < end; age += Math.ceil(gap * random.gamma(kind.regularity))) {
    const amount = Math.round(100 * spend * random.gamma(SPEND_SHAPE)) / 100;
    const row = { customer, date: dateOf(first + age), amount };
    drawn.push({
      day: first + age,
      row: { ...row, channel: random.pick(channels), category: random.pick(categories) },
    });
  }
  return drawn;
}

/** What is known of a customer at the end of a day. */
function observed(purchases: readonly Drawn[], cutOff: number): Parameters<PurchaseOdds['probability']>[0] {
  const known = purchases.filter(({ day }) => day <= cutOff);
  const days = known.map(({ day }) => day);
  return {
    gaps: days.slice(1).map((day, place) => day - (days[place] ?? 0)),
    idle: cutOff - (days.at(-1) ?? cutOff),
    channels: known.map(({ row }) => row.channel),
    categories: known.map(({ row }) => row.category),
  };
}
