import { HostMetric, type HostNumbers } from './host-metric';
import { checkNoOptions } from '../tensor/options';
import { longestCommon, placesOfTokens } from './edits';
import { textPairs, textWeights } from './tokens';

/**
 * ROUGE-L (Lin, 2004), in 0..1: the mean over texts of the F-score of the longest common subsequence of words, as
 * torchmetrics computes its `rougeL_fmeasure`. Words are runs of a-z and 0-9 in lower case; others, such as those of
 * languages with another script, do not count. Of several references the best counts.
 *
 * Compares texts with texts, weighted by example where there are weights.
 */
export class ROUGELScore extends HostMetric<
  readonly [total: number, weight: number],
  readonly string[],
  readonly string[] | readonly (readonly string[])[]
> {
  readonly name = 'rougeL';
  protected override readonly takes = 'texts';

  /** @throws {OptionError} if there are options, of which it has none */
  constructor() {
    super();
    checkNoOptions('ROUGELScore', arguments);
  }

  protected override count(
    output: readonly string[],
    target: readonly string[] | readonly (readonly string[])[],
    weight?: HostNumbers,
  ): readonly [total: number, weight: number] {
    const pairs = textPairs('ROUGELScore.update', output, target);
    const counted = textWeights('ROUGELScore.update', pairs.length, weight);
    let [total, weights] = [0, 0];
    pairs.forEach(([text, references], row) => {
      const counts = counted[row] ?? 0;
      const scores = references.map((reference) => scoreOf(wordsIn(text), wordsIn(reference)));
      total += counts === 0 ? 0 : counts * Math.max(...scores);
      weights += counts;
    });
    return [total, weights];
  }

  protected override result(parts: readonly (readonly [total: number, weight: number])[]): number {
    const [total, weight] = parts.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0] as const);
    return weight === 0 ? Number.NaN : total / weight;
  }
}

const wordsIn = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/gu) ?? [];

/** The F-score of the longest common subsequence. */
function scoreOf(output: readonly string[], reference: readonly string[]): number {
  const both = longestCommon(...placesOfTokens(output, reference));
  return both === 0 ? 0 : (2 * both) / (output.length + reference.length);
}
