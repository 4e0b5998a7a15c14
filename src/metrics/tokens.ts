// How metrics of texts cut them into tokens.
import { OptionError, ShapeError } from '../tensor/errors';
import { describe } from '../tensor/options';
import type { HostNumbers } from './host-metric';

/** A text, or its tokens. */
export type TextOrTokens = string | readonly string[];

/** What splits words: white space as Unicode has it. */
const BLANK = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;

/** The parts of a text between white space. */
export const wordsOf = (text: string): string[] => text.split(BLANK).filter((word) => word !== '');

/** The code points of a text. */
export const charactersOf = (text: string): string[] => Array.from(text);

/** How often each n-gram of `size` tokens occurs. */
export function ngramCounts(tokens: readonly string[], size: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at + size <= tokens.length; at++) {
    const key = size === 1 ? (tokens[at] ?? '') : tokens.slice(at, at + size).join('\u0000');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/**
 * Texts and what they are compared with, in pairs.
 *
 * @param output  a text each, or with `tokens` the tokens of one
 * @param target  a text each, or several
 * @throws {OptionError} if there are not as many of one as of the other, or a text has nothing to be compared with
 */
export function textPairs(
  op: string,
  output: readonly string[],
  target: readonly (string | readonly string[])[],
): (readonly [text: string, references: readonly string[]])[] {
  checkCounts(op, output, target);
  return output.map((text, index) => {
    const given = target[index] ?? [];
    const references = typeof given === 'string' ? [given] : given;
    if (typeof text !== 'string' || references.length === 0) {
      throw new OptionError(op, {
        given: typeof text === 'string' ? `no reference for ${describe(text)}` : describe(text),
        expected: 'texts, and one reference or more for each',
        fix: "join tokens by ' ', or leave out what has no reference",
      });
    }
    return [text, references] as const;
  });
}

/** @throws {OptionError} if there are not as many outputs as targets */
export function checkCounts(op: string, output: readonly unknown[], target: readonly unknown[]): void {
  if (output.length === target.length) return;
  throw new OptionError(op, {
    given: `${output.length} outputs and ${target.length} targets`,
    expected: 'one target for each output',
    fix: 'put several references for one output into an array: [["one", "another"], …]',
  });
}

/**
 * How much each text or sequence counts: 1 where there are no weights.
 *
 * @param count   of the texts
 * @param weight  one for each, [N]; axes of extent 1 may follow
 * @throws {ShapeError} if they are of another shape, as those of steps are
 */
export function textWeights(op: string, count: number, weight: HostNumbers | undefined): readonly number[] {
  if (weight === undefined) return new Array<number>(count).fill(1);
  const { data, shape } = weight;
  if (shape[0] === count && shape.slice(1).every((extent) => extent === 1)) return Array.from(data);
  throw new ShapeError(op, {
    given: `a weight of shape [${shape.join(', ')}] for ${count} texts or sequences`,
    expected: `one for each, [${count}]`,
    fix: 'weigh no steps here; in a Trainer: { metric, from: (output, batch) => [output, batch.target] }',
  });
}

/** @throws {OptionError} if a batch has weights that a metric of a whole corpus has no use for */
export function refuseWeight(op: string, weight: unknown): void {
  if (weight === undefined) return;
  throw new OptionError(op, {
    given: 'a weight',
    expected: 'none: it counts n-grams of the whole corpus',
    fix: 'leave it out; in a Trainer: { metric, from: (output, batch) => [texts, references] }',
  });
}
