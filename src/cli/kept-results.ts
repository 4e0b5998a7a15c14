import { fingerprintOf } from '../data/fingerprint';
import { readJson, writeJson } from '../files/json-file';
import { listIn, membersIn, numberIn, objectIn, textIn, type Reader } from '../report/json-form';
import { isPlainObject } from '../tensor/options';
import type { PlainOptions } from '../tasks/differing-options';
import { withoutOdd } from '../training/history-json';
import type { Experiment } from './experiment';
import { optionDifferences } from './option-differences';
import { InputError } from './report-error';

/** What makes an experiment the same one. */
export interface ExperimentIdentity {
  /** Its options by their names. */
  readonly options: PlainOptions;
  /** What its examples are, as `tracesOf` tells. */
  readonly examples: ExampleTraces;
}

/** What an experiment has left in a file: what it began with, and what it came to so far. */
export interface KeptResults<Result> extends ExperimentIdentity {
  readonly results: readonly Result[];
}

/** A fingerprint of the examples of each part: a file may have others by now. */
export type ExampleTraces = Readonly<Record<string, string>>;

/** Parts of the examples, and the options that name their files: what is held back is of those to train on. */
const PARTS = [
  ['train', ['data']],
  ['validation', ['validation', 'data']],
  ['test', ['test']],
] as const;

/** The fingerprints of all examples of an experiment. */
export const tracesOf = ({ data }: Experiment): ExampleTraces =>
  Object.fromEntries(
    PARTS.flatMap(([part]) => {
      const examples = data[part];
      return examples === undefined ? [] : [[part, fingerprintOf(examples, Infinity)]];
    }),
  );

/** All options of an experiment, by their names. */
export const optionsOf = ({ entry, files, settings, options, training }: Experiment): PlainOptions =>
  JSON.parse(JSON.stringify({ task: entry.name, ...files, ...settings, ...options, ...training })) as PlainOptions;

/** Reads a figure, which may be NaN, as is the AUROC of examples that are all alike; older files have null for that. */
export const figureIn: Reader<number> = (value, path) => (value === null ? Number.NaN : numberIn(value, path));

/**
 * Reads it.
 *
 * @param result  reads one of its results
 * @returns undefined if there is no file
 * @throws {InputError} if it is of another form; {FormatError} if it is no JSON
 * @throws {FileError} if it cannot be read; its code is the system's
 */
export async function keptResults<Result>(
  file: string,
  result: Reader<Result>,
): Promise<KeptResults<Result> | undefined> {
  const fix = 'remove it, or name another folder as --output';
  const kept = await readJson('stmnet', file, fix);
  if (kept === undefined) return undefined;
  const members = { options: membersIn((value) => value), examples: membersIn(textIn), results: listIn(result) };
  try {
    return objectIn(members, {})(isPlainObject(kept) ? kept : {}, '');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`${file} is damaged: ${reason}. Fix: ${fix}.`);
  }
}

/**
 * Writes it, NaN and infinity as in `history.json`.
 *
 * @param op  who writes, for messages
 * @throws {FileError} if it cannot be written; its code is the system's
 */
export const keepResults = (op: string, file: string, kept: KeptResults<unknown>): Promise<void> =>
  writeJson(op, file, { ...kept, results: withoutOdd(kept.results) });

/**
 * @param what  the file is of: `search`
 * @throws {InputError} if an experiment that is to go on has other options than it began with, or other examples in the
 *   same files, which are named
 */
export function checkSame(file: string, what: string, began: ExperimentIdentity, now: ExperimentIdentity): void {
  const differ = optionDifferences(began.options, now.options);
  if (differ !== undefined) throw otherExperiment(file, what, `began with ${differ}`);
  const odd = PARTS.filter(([part]) => began.examples[part] !== now.examples[part]);
  if (odd.length === 0) return;
  const parts = odd.map(([part]) => part).join(' and ');
  const files = new Set(odd.map(([, names]) => names.map((name) => now.options[name]).find((path) => path)));
  const changed = `began with other examples of ${parts} than are in ${[...files].join(' and ')} now`;
  throw new InputError(`${file} is of a ${what} that ${changed}. Fix: name another folder as --output.`);
}

/** The error of a file of another experiment. @param how  it differs: `began with --seed 1, not --seed 9` */
export const otherExperiment = (file: string, what: string, how: string): InputError =>
  new InputError(`${file} is of a ${what} that ${how}. Fix: give the same, or name another folder as --output.`);
