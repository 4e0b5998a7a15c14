import { BestOf } from './best-of';

/** log(e^a + e^b) */
const logAdd = (a: number, b: number): number => {
  if (a === Number.NEGATIVE_INFINITY) return b;
  const least = Math.min(a, b);
  return least === Number.NEGATIVE_INFINITY ? a : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
};

/** log-probability of a token behind a prefix, with all that a search adds to it. */
export type Bonus = (prefix: readonly number[], token: number) => number;

/**
 * Labels that an alignment may begin with, as a node of a tree: one node for each, however many alignments lead there.
 *
 * @internal
 */
export class Prefix {
  readonly token: number | undefined;
  readonly parent: Prefix | undefined;
  /** What language model and length add to the score. */
  readonly bonus: number;
  /** log-probabilities of all alignments that end with a blank, and of the others. */
  blank = Number.NEGATIVE_INFINITY;
  other = Number.NEGATIVE_INFINITY;
  /** The same with the step that is being taken. */
  nextBlank = Number.NEGATIVE_INFINITY;
  nextOther = Number.NEGATIVE_INFINITY;
  readonly #children = new Map<number, Prefix>();
  readonly #added = new Map<number, number>();
  #tokens: readonly number[] | undefined;

  constructor(token?: number, parent?: Prefix, bonus = 0) {
    this.token = token;
    this.parent = parent;
    this.bonus = bonus;
  }

  /** Its labels, kept while it goes on: a language model is asked about many that may follow. */
  get tokens(): readonly number[] {
    return (this.#tokens ??= this.#listed());
  }

  #listed(): readonly number[] {
    const before = this.parent === undefined ? undefined : this.parent.#tokens;
    if (before !== undefined && this.token !== undefined) return [...before, this.token];
    const tokens = this.token === undefined ? [] : [this.token];
    for (let at = this.parent; at?.token !== undefined; at = at.parent) tokens.push(at.token);
    return tokens.reverse();
  }

  get logProbability(): number {
    return logAdd(this.blank, this.other);
  }

  /** What is added to the score for one more label. */
  added(token: number, bonus: Bonus): number {
    const known = this.#added.get(token);
    if (known !== undefined) return known;
    const added = bonus(this.tokens, token);
    this.#added.set(token, added);
    return added;
  }

  /** The same labels and one more, where it is known. */
  known(token: number): Prefix | undefined {
    return this.#children.get(token);
  }

  /** The same labels and one more. */
  child(token: number, bonus: number): Prefix {
    const child = this.#children.get(token) ?? new Prefix(token, this, bonus);
    this.#children.set(token, child);
    return child;
  }

  /** Makes the step that was taken the last one. */
  settle(): void {
    this.blank = this.nextBlank;
    this.other = this.nextOther;
    this.nextBlank = this.nextOther = Number.NEGATIVE_INFINITY;
  }

  /** Does not go on; is forgotten if no other begins with it. */
  leave(): void {
    this.nextBlank = this.nextOther = Number.NEGATIVE_INFINITY;
    this.settle();
    this.#tokens = undefined;
    if (this.#children.size > 0 || this.token === undefined) return;
    this.parent?.forget(this.token);
  }

  forget(token: number): void {
    this.#children.delete(token);
  }
}

/** How a search goes on. */
export interface PrefixRules {
  readonly blank: number;
  /** How many prefixes to keep. */
  readonly beamSize: number;
  readonly bonus: Bonus | undefined;
  /** What `bonus` gives at most. */
  readonly mostBonus: number;
}

/**
 * The prefixes after one more step, best first.
 *
 * @param prefixes  those before it
 * @param next      log-probability of each class
 * @param labels    classes that may come behind a prefix, the most probable first, the blank not among them
 * @internal
 */
export function advance(
  prefixes: readonly Prefix[],
  next: Float64Array,
  labels: readonly number[],
  rules: PrefixRules,
): Prefix[] {
  const going = new Set(prefixes);
  const found = new BestOf<Found>(rules.beamSize);
  for (const prefix of prefixes) {
    stay(prefix, going, next, rules.blank);
    found.offer(logAdd(prefix.nextBlank, prefix.nextOther) + prefix.bonus, { prefix });
  }
  for (const prefix of prefixes) {
    const all = prefix.logProbability;
    for (const token of labels) {
      const own = next[token] ?? 0;
      if (!(all + own + prefix.bonus + rules.mostBonus > found.limit)) break; // nor do the labels after it come so high
      const known = prefix.known(token);
      if (known !== undefined && going.has(known)) continue; // it has got its part above
      // The same label again needs a blank in between.
      const chance = (token === prefix.token ? prefix.blank : all) + own;
      const added = rules.bonus === undefined ? 0 : prefix.added(token, rules.bonus);
      found.offer(chance + prefix.bonus + added, { prefix, grown: { token, chance, bonus: prefix.bonus + added } });
    }
  }
  return settle(prefixes, found.items());
}

/** A prefix that goes on, or with one more label. */
interface Found {
  readonly prefix: Prefix;
  readonly grown?: { readonly token: number; readonly chance: number; readonly bonus: number };
}

/** What a prefix comes to by a blank, by its last label again, and by that label behind a shorter one that goes on. */
function stay(prefix: Prefix, going: ReadonlySet<Prefix>, next: Float64Array, blank: number): void {
  const { token, parent } = prefix;
  prefix.nextBlank = prefix.logProbability + (next[blank] ?? 0);
  if (token === undefined) return;
  const own = next[token] ?? 0;
  prefix.nextOther = prefix.other + own;
  if (parent === undefined || !going.has(parent)) return;
  const before = parent.token === token ? parent.blank : parent.logProbability;
  prefix.nextOther = logAdd(prefix.nextOther, before + own);
}

/** Makes the step that was taken the last one. */
function settle(before: readonly Prefix[], found: readonly Found[]): Prefix[] {
  const kept = found.map(({ prefix, grown }) => {
    if (grown === undefined) return prefix;
    const child = prefix.child(grown.token, grown.bonus);
    child.nextOther = grown.chance;
    return child;
  });
  const stays = new Set(kept);
  for (const prefix of before) if (!stays.has(prefix)) prefix.leave();
  for (const prefix of kept) prefix.settle();
  return kept;
}
