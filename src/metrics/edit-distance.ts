import { argmax } from '../tensor/ops/reduce';
import { OptionError } from '../tensor/errors';
import { mapValues } from '../tensor/map-values';
import { checkNoOptions, describe } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { editDistance, placesOfTokens } from './edits';
import { HostMetric, type HostForm, type HostNumbers } from './host-metric';
import type { MetricHints, MetricInput } from './metric-input';
import { charactersOf, checkCounts, textWeights, wordsOf, type TextOrTokens } from './tokens';

/** Edits of a batch, tokens of its targets, and texts; each times the weight of the text. */
type Edits = readonly [edits: number, tokens: number, texts: number];

/** A metric of edits: of texts, of sequences of tokens, or of numbers. */
abstract class EditMetric extends HostMetric<
  readonly [edits: number, tokens: number, texts: number],
  MetricInput,
  MetricInput
> {
  protected override readonly takes = 'both';

  constructor() {
    super();
    checkNoOptions(new.target.name, arguments);
  }

  /** The tokens of a text. @internal */
  protected abstract tokensOf(text: string): string[];

  /** Scores of classes become the class of the largest. */
  protected override onDevice(
    output: Sequence,
    target: Sequence,
    { weight }: MetricHints,
  ): readonly [Sequence, Sequence, Sequence | undefined] {
    const scored = output.shape.length === target.shape.length + 1;
    return [scored ? mapValues(output, (scores) => argmax(scores, -1)) : output, target, weight];
  }

  protected override count(
    output: HostForm<MetricInput>,
    target: HostForm<MetricInput>,
    weight?: HostNumbers,
  ): readonly [edits: number, tokens: number, texts: number] {
    const op = `${this.constructor.name}.update`;
    const [outputs, targets] = [this.#rowsOf(output), this.#rowsOf(target)];
    checkCounts(op, outputs, targets);
    const weights = textWeights(op, outputs.length, weight);
    let [edits, tokens, texts] = [0, 0, 0];
    outputs.forEach((said, row) => {
      const counts = weights[row] ?? 0;
      const right = targets[row] ?? [];
      edits += counts * distanceOf(op, said, right);
      tokens += counts * right.length;
      texts += counts;
    });
    return [edits, tokens, texts];
  }

  #rowsOf(given: HostForm<MetricInput>): (readonly string[] | Int32Array)[] {
    if (!('data' in given))
      return given.map((text: TextOrTokens) => (typeof text === 'string' ? this.tokensOf(text) : text));
    const [rows = 0, steps = 1] = given.shape;
    const numbers = Int32Array.from(given.data);
    return Array.from({ length: rows }, (_, row) =>
      numbers.subarray(row * steps, row * steps + (given.lengths?.[row] ?? steps)),
    );
  }
}

const distanceOf = (op: string, a: readonly string[] | Int32Array, b: readonly string[] | Int32Array): number => {
  if (a instanceof Int32Array && b instanceof Int32Array) return editDistance(a, b);
  if (Array.isArray(a) && Array.isArray(b)) return editDistance(...placesOfTokens(a as string[], b as string[]));
  throw new OptionError(op, {
    given: `${describe(a)} and ${describe(b)}`,
    expected: 'texts for both, or numbers for both',
    fix: 'decode the numbers',
  });
};

const summed = (parts: readonly Edits[]): Edits =>
  parts.reduce(([a, b, c], [x, y, z]) => [a + x, b + y, c + z] as const, [0, 0, 0] as const);

/**
 * Mean over the texts of the edit distance: the fewest insertions, deletions and substitutions of characters that turn
 * one text into the other, as in torchmetrics. Of sequences of tokens it is that of tokens.
 *
 * Shapes: texts, tokens, or numbers: output [N, T] or scores [N, T, C], and target [N, T]; lengths may differ. Weights
 * are those of texts or sequences, [N].
 */
export class EditDistance extends EditMetric {
  readonly name = 'editDistance';

  /** @internal */
  protected override tokensOf(text: string): string[] {
    return charactersOf(text);
  }

  /** @internal */
  protected override result(parts: readonly Edits[]): number {
    const [edits, , texts] = summed(parts);
    return texts === 0 ? Number.NaN : edits / texts;
  }
}

/** Edits by tokens of the targets, over the whole corpus. */
abstract class ErrorRate extends EditMetric {
  /** @internal */
  protected override result(parts: readonly Edits[]): number {
    const [edits, tokens] = summed(parts);
    return edits / tokens;
  }
}

/**
 * Word error rate: edits of words by words of the targets, over the whole corpus, as in torchmetrics. It may be more
 * than 1. Words are what stands between white space.
 *
 * Shapes: as for EditDistance.
 */
export class WordErrorRate extends ErrorRate {
  readonly name = 'wordErrorRate';

  /** @internal */
  protected override tokensOf(text: string): string[] {
    return wordsOf(text);
  }
}

/**
 * Character error rate: edits of characters (code points) by characters of the targets, over the whole corpus, as in
 * torchmetrics. It may be more than 1.
 *
 * Shapes: as for EditDistance.
 */
export class CharErrorRate extends ErrorRate {
  readonly name = 'charErrorRate';

  /** @internal */
  protected override tokensOf(text: string): string[] {
    return charactersOf(text);
  }
}
