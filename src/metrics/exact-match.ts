import { finiteNumber } from '../tensor/options';
import type { Sequence } from '../tensor/padded-sequence';
import { optional, readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { stack } from '../tensor/ops/shape';
import { answersOf } from './answers';
import { HostMetric, type HostForm, type HostNumbers } from './host-metric';
import type { MetricHints, MetricInput } from './metric-input';
import { checkCounts, textWeights } from './tokens';

/** Options of ExactMatch. */
export interface ExactMatchOptions {
  /** A label that is not counted. Default that of the cross entropy in the Trainer, else -100, as there. */
  ignoreIndex?: number | undefined;
}

/**
 * Part of the texts, or of the sequences, that are right from the first to the last token, in 0..1. A sequence without
 * a label that counts is not counted. Texts are compared as they are; of several references for one any may be equal.
 *
 * Shapes: texts; sequences of tokens; or output scores [N, T, C] or answers [N, T], i32, and labels [N, T].
 *
 * @throws {OptionError} if an option is unknown
 */
export class ExactMatch extends HostMetric<readonly [right: number, all: number], MetricInput, MetricInput> {
  readonly name = 'exactMatch';
  protected override readonly takes = 'both';
  readonly #reading: ExactMatchOptions;

  constructor(options: ExactMatchOptions = {}) {
    super();
    this.#reading = readOptions<ExactMatchOptions>('ExactMatch', options, { ignoreIndex: optional(finiteNumber) });
  }

  /** Answers, labels and weights, as rows of one tensor. */
  protected override onDevice(output: Sequence, target: Sequence, hints: MetricHints): readonly [Tensor, Tensor] {
    const scores = output.shape.length > target.shape.length ? 'classes' : hints.scores;
    const reading = { ...hints, ...(scores === undefined ? {} : { scores }), ...this.#reading };
    const { said, truth, weights } = answersOf('ExactMatch', output, target, reading);
    return [stack([said, truth], 0), weights];
  }

  protected override count(
    output: HostForm<MetricInput>,
    target: HostForm<MetricInput>,
    weight?: HostNumbers,
  ): readonly [right: number, all: number] {
    if ('data' in output || 'data' in target) return matchedRows(output as HostNumbers, target as HostNumbers);
    checkCounts('ExactMatch.update', output, target);
    const weights = textWeights('ExactMatch.update', output.length, weight);
    let [right, all] = [0, 0];
    output.forEach((text: string | readonly string[], row: number) => {
      const counts = weights[row] ?? 0;
      if (isMatch(text, target[row] ?? [])) right += counts;
      all += counts;
    });
    return [right, all];
  }

  protected override result(parts: readonly (readonly [right: number, all: number])[]): number {
    const [right, all] = parts.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0] as const);
    return all === 0 ? Number.NaN : right / all;
  }
}

function isMatch(text: string | readonly string[], target: string | readonly string[]): boolean {
  if (typeof text === 'string') return typeof target === 'string' ? text === target : target.includes(text);
  return typeof target !== 'string' && text.length === target.length && text.every((token, at) => token === target[at]);
}

/** Rows of which all is right that counts, and rows of which anything counts; each times its weight. */
function matchedRows({ data, shape }: HostNumbers, weights: HostNumbers): readonly [right: number, all: number] {
  const [, rows = 0] = shape;
  const [size, steps] = [data.length / 2, rows === 0 ? 0 : data.length / 2 / rows];
  let [right, all] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const places = Array.from({ length: steps }, (_, step) => row * steps + step);
    const counted = places.filter((place) => weights.data[place] !== 0);
    const weight = weights.data[counted[0] ?? -1] ?? 0;
    all += weight;
    if (counted.every((place) => data[place] === data[size + place])) right += weight;
  }
  return [right, all];
}
