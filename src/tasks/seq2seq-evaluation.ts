import { BLEUScore } from '../metrics/bleu';
import { CHRFScore } from '../metrics/chrf';
import { editDistance, placesOfTokens } from '../metrics/edits';
import type { PairExample } from './pair-examples';
import type { PairText } from './pair-text';
import type { Seq2SeqPrediction } from './seq2seq-prediction';

/** What a Seq2Seq's `evaluate` gives. Targets of equal sources stand for one another: the nearest of them counts. */
export interface Seq2SeqEvaluation {
  /** Mean of the negative logarithm of each token's probability after the true ones before it: nats a token. */
  readonly loss: number;
  /** Part of the tokens that are the most probable ones there. */
  readonly accuracy: number;
  /** exp(loss). */
  readonly perplexity: number;
  /** Part of the sources for which all tokens were written as in a target. */
  readonly exactMatch: number;
  /** Insertions, deletions and substitutions of tokens that turn what was written into targets, by their tokens. */
  readonly tokenErrorRate: number;
  /** BLEU of the texts, 0..100, as sacreBLEU computes it. */
  readonly bleu: number;
  /** chrF of the texts, 0..100, as sacreBLEU computes it. */
  readonly chrf: number;
  /** Different sources. */
  readonly sources: number;
}

/** A source, and the targets that it has. */
export interface SourceTargets {
  readonly source: string;
  readonly targets: readonly string[];
}

/** Each source once, with all its targets. */
export function bySource(pairs: readonly PairExample[]): SourceTargets[] {
  const found = new Map<string, string[]>();
  for (const { source, target } of pairs) {
    const targets = found.get(source);
    if (targets === undefined) found.set(source, [target]);
    else targets.push(target);
  }
  return [...found].map(([source, targets]) => ({ source, targets }));
}

/** How far what was written is from the nearest of the targets. */
export interface Distance {
  /** Insertions, deletions and substitutions of tokens. */
  readonly edits: number;
  /** Tokens of that target. */
  readonly tokens: number;
  /** That target. */
  readonly target: string;
}

/** How far some tokens are from the nearest target. */
export function distanceTo(text: PairText, said: readonly string[], targets: readonly string[]): Distance {
  const all = targets.map((target): Distance => {
    const tokens = text.targetTokens(target);
    return { edits: editDistance(...placesOfTokens([...said], tokens)), tokens: tokens.length, target };
  });
  return all.reduce(
    (best, one) => (one.edits < best.edits ? one : best),
    all[0] ?? { edits: 0, tokens: 0, target: '' },
  );
}

/** Compares what was written with the targets. */
export async function evaluateWritten(
  figures: { readonly loss: number; readonly accuracy: number },
  text: PairText,
  written: readonly Seq2SeqPrediction[],
  asked: readonly SourceTargets[],
): Promise<Seq2SeqEvaluation> {
  const { loss, accuracy } = figures;
  const said = written.map((one) => one.text);
  const targets = asked.map((one) => one.targets);
  const [bleu, chrf] = [new BLEUScore(), new CHRFScore()];
  bleu.update(said, targets);
  chrf.update(said, targets);
  const distances = written.map(({ tokens }, place) => distanceTo(text, tokens, targets[place] ?? []));
  const total = (of: (distance: Distance) => number): number => distances.reduce((sum, one) => sum + of(one), 0);
  return {
    loss,
    accuracy,
    perplexity: Math.exp(loss),
    exactMatch: total(({ edits }) => Number(edits === 0)) / asked.length,
    tokenErrorRate: total(({ edits }) => edits) / total(({ tokens }) => tokens),
    bleu: await bleu.compute(),
    chrf: await chrf.compute(),
    sources: asked.length,
  };
}
