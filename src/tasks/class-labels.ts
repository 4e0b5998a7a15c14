import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { ClassWeights } from './text-classifier-options';

/**
 * A label, or a tag, as a task reads it of an example: without the blanks around it, which are a slip of whoever wrote
 * it down and would make two labels of one.
 *
 * @param known  the labels of a trained model, which may have learned some with their blanks: these keep them
 */
export const readLabel = (given: string, known?: ClassLabels): string => known?.nameOf(given) ?? given.trim();

/** What a ClassLabels is made of. */
export interface ClassLabelsParts {
  readonly names: readonly string[];
  readonly multiple: boolean;
  readonly positive: string | undefined;
}

/** The labels of a classifier, in the order of its classes, and what they are in numbers. */
export class ClassLabels {
  /** In the order of the classes. */
  readonly names: readonly string[];
  /** Whether an example may have several, or none. */
  readonly multiple: boolean;
  /** Of two labels the rarer one in training, whose F1 is the figure; undefined where there are more. */
  readonly positive: string | undefined;
  readonly #indices: ReadonlyMap<string, number>;
  /** Names by what they are without the blanks around them, of which only older files have any. */
  readonly #unblanked = new Map<string, string>();

  constructor({ names, multiple, positive }: ClassLabelsParts) {
    this.names = names;
    this.multiple = multiple;
    this.positive = positive;
    this.#indices = new Map(names.map((name, index) => [name, index]));
    // Where a file has a label with and without blanks, the one without is meant.
    for (const name of names)
      if (name === name.trim() || !this.#unblanked.has(name.trim())) this.#unblanked.set(name.trim(), name);
  }

  /** Labels of which each example has one, in the order of the classes. */
  static named(names: readonly string[]): ClassLabels {
    return new ClassLabels({ names, multiple: false, positive: undefined });
  }

  /**
   * The labels of examples, by alphabet.
   *
   * @param what  they are
   * @throws {OptionError} if there are fewer than two, or than one where an example may have several
   */
  static of(
    op: string,
    examples: readonly (readonly string[])[],
    multiple: boolean,
    what: 'label' | 'tag' | 'answer' = 'label',
  ): ClassLabels {
    const names = [...new Set(examples.flat())].sort();
    const least = multiple ? 1 : 2;
    if (names.length >= least) return new ClassLabels({ names, multiple, positive: rarer(names, examples, multiple) });
    throw new OptionError(op, {
      given:
        names.length === 0 ? `examples without a ${what}` : `examples that all have the ${what} ${describe(names[0])}`,
      expected: multiple ? `at least one ${what}` : `at least two different ${what}s`,
      fix: `look at which column holds the ${what}s`,
    });
  }

  /** How many classes there are. */
  get size(): number {
    return this.names.length;
  }

  /** What a loss compares the scores of an example with: its class, or for each class whether it is its label. */
  target(labels: readonly string[]): number | Float32Array {
    if (!this.multiple) return this.indexOf(labels[0] ?? '');
    const target = new Float32Array(this.size);
    for (const label of labels) target[this.indexOf(label)] = 1;
    return target;
  }

  /**
   * @param given  labels of examples that a model is measured on
   * @param what   they are
   * @throws {OptionError} if there are some, and training saw none of them
   */
  checkSomeKnown(op: string, given: readonly string[], what: 'label' | 'tag' = 'label'): void {
    if (given.length === 0 || given.some((label) => this.indexOf(label) >= 0)) return;
    const listed = (labels: readonly string[]): string => labels.slice(0, 10).map(describe).join(', ');
    throw new OptionError(op, {
      given: `the ${what}s ${listed([...new Set(given)].sort())}, none of which is known to the model`,
      expected: `${what}s of its training: ${listed(this.names)}`,
      fix: `look at which column holds the ${what}s (${what}Column)`,
    });
  }

  /** Those of these labels that training never saw, by alphabet. */
  unknownAmong(given: readonly string[]): string[] {
    return [...new Set(given)].filter((label) => this.indexOf(label) < 0).sort();
  }

  /** These labels and others behind them, to compare with. */
  with(others: readonly string[]): ClassLabels {
    const { names, multiple, positive } = this;
    return others.length === 0 ? this : new ClassLabels({ names: [...names, ...others], multiple, positive });
  }

  /** The label that is meant, whatever blanks are around it; undefined for one that training never saw. */
  nameOf(given: string): string | undefined {
    return this.#indices.has(given) ? given : this.#unblanked.get(given.trim());
  }

  /** The class of a label; -1 for one that training never saw. */
  indexOf(label: string): number {
    return this.#indices.get(label) ?? -1;
  }

  /**
   * How much each class counts.
   *
   * @param examples  those of the training: `balanced` makes all classes count alike in them
   * @throws {OptionError} if the weights are not those of the labels
   */
  weights(op: string, given: ClassWeights, examples: readonly (readonly string[])[]): number[] {
    if (given !== 'balanced') return this.#givenWeights(op, given);
    const counts = this.names.map((name) => examples.filter((labels) => labels.includes(name)).length);
    return counts.map((count) => examples.length / (this.size * Math.max(count, 1)));
  }

  #givenWeights(op: string, given: Readonly<Record<string, number>>): number[] {
    const wrong = (words: string): OptionError =>
      new OptionError(op, {
        given: `classWeights ${words}`,
        expected: `a weight for each of ${this.names.slice(0, 10).join(', ')}`,
        fix: "name each label once, or pass classWeights: 'balanced'",
      });
    const weights = new Map<string, number>();
    for (const [key, weight] of Object.entries(given)) {
      const label = readLabel(key, this);
      if (!this.#indices.has(label)) throw wrong(`of ${label}, which is no label`);
      if (weights.has(label)) throw wrong(`that name ${label} twice, with and without blanks`);
      weights.set(label, weight);
    }
    return this.names.map((name) => {
      const weight = weights.get(name);
      if (weight === undefined) throw wrong(`without ${name}`);
      return weight;
    });
  }
}

/** Of two labels the rarer one; of two that are equally rare the second. */
function rarer(
  names: readonly string[],
  examples: readonly (readonly string[])[],
  multiple: boolean,
): string | undefined {
  const [first, second] = names;
  if (multiple || names.length !== 2) return undefined;
  const share = examples.filter(([label]) => label === first).length / examples.length;
  return share < 0.5 ? first : second;
}
