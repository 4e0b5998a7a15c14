import { OptionError } from '../tensor/errors';
import { checkPath } from '../files/check-path';
import { modeGiven, type Mode } from './figure-direction';
import { checkPlain, describe, flag, positiveInteger } from '../tensor/options';
import { optional, readOptions, withDefault } from '../tensor/read-options';

/** Which checkpoint is the best one. */
export interface BestOptions {
  /** By which figure, as in `validation.loss`: `train.NAME` or `validation.NAME`. */
  figure: string;
  /** Whether it should become small or large. Default: what its name says, as of a loss or an accuracy. */
  mode?: 'min' | 'max';
}

/** Options of the checkpoints of a training. */
export interface CheckpointOptions {
  /** Where they are, made if it is not there: `step-000000500.safetensors` and so on, and `best.safetensors`. */
  folder: string;
  /** After how many training steps there is one. Default: only at the end of epochs. */
  everySteps?: number;
  /** After how many epochs there is one. Default 1. */
  everyEpochs?: number;
  /** How many to keep beside the best one; older ones are removed when a new one is whole. Default 2. */
  keep?: number;
  /**
   * Keeps the best one, too. It is looked for after each epoch and each validation within one, whatever `everySteps`
   * and `everyEpochs` say. Default: none.
   */
  best?: BestOptions;
  /**
   * Whether the model has the weights of the best one at the end of the training; not beside an EarlyStopping with
   * `restoreBest`. Default false.
   */
  restoreBest?: boolean;
}

/** With the mode if it was given. */
export interface CheckedBest {
  readonly figure: string;
  readonly mode: Mode | undefined;
}

/** With their defaults. */
export interface CheckedCheckpoints {
  readonly folder: string;
  readonly everySteps: number | undefined;
  readonly everyEpochs: number;
  readonly keep: number;
  readonly best: CheckedBest | undefined;
  readonly restoreBest: boolean;
}

/**
 * Checks the options of the checkpoints, and fills in the defaults.
 *
 * @throws {OptionError} if one is unknown or out of range
 */
export function readCheckpoints(op: string, given: unknown): CheckedCheckpoints {
  const known = ['folder', 'everySteps', 'everyEpochs', 'keep', 'best', 'restoreBest'];
  checkPlain(op, given, known, "checkpoints: { folder: 'run/checkpoints' }");
  const read = readOptions<CheckedCheckpoints>(`${op}: checkpoints`, given as CheckedCheckpoints, {
    folder: (_op, _name, value) => folderOf(op, value),
    everySteps: optional(positiveInteger),
    everyEpochs: withDefault(positiveInteger, 1),
    keep: withDefault(positiveInteger, 2),
    best: (_op, _name, value) => (value === undefined ? undefined : bestOf(`${op}: checkpoints.best`, value)),
    restoreBest: withDefault(flag, false),
  });
  if (!read.restoreBest || read.best !== undefined) return read;
  throw new OptionError(op, {
    given: 'checkpoints with restoreBest and no best',
    expected: 'a figure to tell the best one by',
    fix: "add best: { figure: 'validation.loss' }",
  });
}

function folderOf(op: string, folder: unknown): string {
  checkPath(op, folder, "fit(loader, { checkpoints: { folder: 'run/checkpoints' } })");
  return folder;
}

function bestOf(op: string, given: unknown): CheckedBest {
  checkPlain(op, given, ['figure', 'mode'], "best: { figure: 'validation.loss' }");
  return readOptions<object, CheckedBest>(op, given, {
    figure: (caller, name, value) => {
      if (typeof value === 'string') return value; // which one it is, fit looks at
      throw new OptionError(caller, {
        given: `${name}: ${describe(value)}`,
        expected: 'the name of a figure',
        fix: "pass such as figure: 'validation.loss'",
      });
    },
    mode: optional(modeGiven),
  });
}
