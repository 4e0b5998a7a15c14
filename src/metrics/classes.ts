// What metrics of classes have in common: how many classes there are, what they are called, and labels given as texts.
import { OptionError, ShapeError } from '../tensor/errors';
import { finiteNumber, describe, positiveInteger } from '../tensor/options';
import { tensor } from '../tensor/factories';
import { ge, logicalOr, lt, maskedFill } from '../tensor/ops/elementwise';
import { valuesOf, type Sequence } from '../tensor/padded-sequence';
import { optional, type Readers } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { answersOf, type Answers, type Reading } from './answers';
import { DeviceMetric } from './device-metric';
import { isTexts, type MetricHints, type MetricInput } from './metric-input';

/** Options that say how a metric reads outputs and labels. */
export interface AccuracyOptions {
  /**
   * For outputs that are a yes or no each, of the target's shape: above it the answer is 1. 0 for logits, 0.5 for
   * probabilities. Default: in a Trainer as its loss reads the outputs, 0 where it takes logits; else 0.5 for outputs
   * [N], […, 1] and padded [N, T], while others are scores of classes along the last axis.
   */
  threshold?: number | undefined;
  /** A label that is not counted. Default that of the cross entropy in the Trainer, else -100, as there. */
  ignoreIndex?: number | undefined;
  /** Names of the classes, in their order. With them labels and answers may be texts. Default: none. */
  labels?: readonly string[] | undefined;
}

/** Readers of these options. */
export const readingReaders: Readers<AccuracyOptions> = {
  threshold: optional(finiteNumber),
  ignoreIndex: optional(finiteNumber),
  labels: optional(labelNames),
};

/** Options of metrics that tell classes apart. */
export interface ClassOptions extends AccuracyOptions {
  /** Number of classes, C; 2 for yes or no. Default: as many as there are labels, or as the first output has. */
  numClasses?: number | undefined;
}

/** Readers of these options. */
export const classReaders: Readers<ClassOptions> = { numClasses: optional(positiveInteger), ...readingReaders };

/** Names of classes. @throws {OptionError} if they are no texts, or two are equal */
export function labelNames(op: string, name: string, value: unknown): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [];
  const good = names.length > 0 && names.every((label) => typeof label === 'string');
  if (good && new Set(names).size === names.length) return Object.freeze([...(names as readonly string[])]);
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'an array of different texts, one a class',
    fix: `name the classes in their order, as in ${name}: ['ham', 'spam']`,
  });
}

/** The number of classes that options tell, if they do. @throws {OptionError} if two of them tell it differently */
export function classCount(op: string, { numClasses, labels }: ClassOptions): number | undefined {
  if (labels === undefined || numClasses === undefined || labels.length === numClasses)
    return labels?.length ?? numClasses;
  throw new OptionError(op, {
    given: `numClasses: ${numClasses} beside ${labels.length} labels`,
    expected: 'a label for each class',
    fix: 'leave numClasses out',
  });
}

/** A metric that compares answers with labels, on the device. */
export abstract class ClassMetric extends DeviceMetric<MetricInput, MetricInput> {
  /** How outputs and labels are read. */
  protected abstract readonly reading: AccuracyOptions;

  /** Reads answers and right classes of a batch. @internal */
  protected answers(output: Sequence, target: Sequence, hints: MetricHints): Answers {
    const { labels: _, ...reading }: AccuracyOptions = this.reading;
    const all: Reading = { ...hints, ...reading };
    return answersOf(this.constructor.name, output, target, all);
  }

  /** Texts become the places of their labels. */
  protected override read(given: unknown, what: 'output' | 'target'): Sequence {
    return placesOf(this.constructor.name, this.reading.labels, given) ?? super.read(given, what);
  }
}

/** Texts as the places of their labels, i32; undefined for what is no text. @throws {OptionError} if one is no label */
export const placesOf = (op: string, labels: readonly string[] | undefined, given: unknown): Tensor | undefined =>
  isTexts(given) && given.length > 0 ? tensor(placesAmong(op, labels, given), { dtype: 'i32' }) : undefined;

/** The places of texts among labels; those of several rows behind each other. */
function placesAmong(
  op: string,
  labels: readonly string[] | undefined,
  given: readonly (string | readonly string[])[],
): Int32Array {
  const places = new Map(labels?.map((label, place) => [label, place]));
  return Int32Array.from(given.flat(), (text) => {
    const place = places.get(text);
    if (place !== undefined) return place;
    throw new OptionError(op, {
      given: describe(text),
      expected: labels === undefined ? 'numbers, or texts where the labels are known' : `one of ${describe(labels)}`,
      fix: labels === undefined ? "name the classes: labels: ['ham', 'spam']" : 'correct it, or add it to the labels',
    });
  });
}

/**
 * The number of classes of a batch.
 *
 * @param expected  as the options tell
 * @throws {ShapeError} if the output has another number
 */
export function classesOf(op: string, { classes }: Answers, output: Sequence, expected: number | undefined): number {
  if (expected === undefined || classes === undefined || classes === expected) return expected ?? classes ?? 2;
  const yesOrNo = classes === 2 && valuesOf(output).shape.at(-1) !== 2;
  throw new ShapeError(op, {
    given: `output ${describe(valuesOf(output))}`,
    expected: yesOrNo ? 'numClasses: 2 for yes or no' : `last axis ${expected} (numClasses)`,
    fix: 'choose numClasses as the model has outputs; answers that are classes are i32',
  });
}

/** Classes with `otherwise` in the place of what is none. */
export const withinClasses = (x: Tensor, classes: number, otherwise: number): Tensor =>
  maskedFill(x, logicalOr(lt(x, 0), ge(x, classes)), otherwise);

/** @throws {OptionError} if a label or an answer was no class, which is seen when sums are read */
export function checkOdd(op: string, what: 'label' | 'answer', odd: number, classes: number): void {
  if (odd === 0) return;
  throw new OptionError(op, {
    given: `${odd} ${odd === 1 ? `${what} that is` : `${what}s that are`} no class`,
    expected: `whole numbers in 0..${classes - 1}, or the ignoreIndex`,
    fix: `correct the ${what}s, or choose numClasses as there are classes`,
  });
}
