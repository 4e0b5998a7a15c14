import { checkNBest } from '../decoding/search-options';
import { OptionError } from '../tensor/errors';
import { finiteNumber, flag, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault } from '../tensor/read-options';
import type { Seq2SeqSettings } from './seq2seq-options';
import type { PredictionSettings } from './seq2seq-prediction';

/** How a Seq2Seq's `predict` writes: what is left out is as the task was made. */
export interface Seq2SeqPredictOptions {
  /**
   * How many hypotheses go on after each token; 1 takes the best token each time. It may be more than there are tokens:
   * a beam fills as targets become longer.
   */
  beamSize?: number;
  /** How many targets of each source to tell in `candidates`, at most `beamSize`. Default 1: no candidates. */
  nBest?: number;
  /** α of Wu et al. (2016): above 0 favours longer targets in a beam; scores are divided by it in every search. */
  lengthPenalty?: number;
  /** Tokens of a target at most. */
  maxLength?: number;
  /** Whether to tell what each token of the target took of the source. Default false. */
  attention?: boolean;
}

/** How the targets of an evaluation are written: what is left out is as the task was made. */
export type Seq2SeqEvaluateOptions = Pick<Seq2SeqPredictOptions, 'beamSize' | 'lengthPenalty' | 'maxLength'>;

/** Reads the options of `evaluate`. @throws {OptionError} if one is unknown or out of range */
export const readEvaluateOptions = (op: string, options: Seq2SeqEvaluateOptions): Seq2SeqEvaluateOptions => {
  const read = readOptions<object, { [name in keyof Seq2SeqEvaluateOptions]: number | undefined }>(op, options, {
    beamSize: optional(positiveInteger),
    lengthPenalty: optional(finiteNumber),
    maxLength: optional(positiveInteger),
  });
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
};

/**
 * Reads the options of `predict`.
 *
 * @throws {OptionError} if one is unknown or out of range, nBest above beamSize, or attention asked of a task without
 */
export function readPredictOptions(
  op: string,
  options: Seq2SeqPredictOptions,
  { beamSize, lengthPenalty, maxLength, copyUnknown, attention }: Seq2SeqSettings,
  longest: number,
): PredictionSettings {
  const read = readOptions<object, Omit<PredictionSettings, 'copyUnknown'>>(op, options, {
    beamSize: withDefault(positiveInteger, beamSize),
    nBest: withDefault(positiveInteger, 1),
    lengthPenalty: withDefault(finiteNumber, lengthPenalty),
    maxLength: withDefault(positiveInteger, maxLength ?? longest + BEYOND),
    attention: withDefault(flag, false),
  });
  checkNBest(op, read.nBest, read.beamSize);
  if (read.attention && attention === 'none')
    throw new OptionError(op, {
      given: "attention: true of a task that was made with attention: 'none'",
      expected: 'a task that looks at the source while it writes',
      fix: 'leave attention out, or train with attention: additive or multiplicative',
    });
  return { ...read, copyUnknown };
}

/** Tokens that a target may have more than the longest one of training. */
const BEYOND = 5;
