import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { portableRandom } from '../data/portable-random';
import { makeFolder } from '../files/make-folder';
import { readJson } from '../files/json-file';
import { numberIn, objectIn, textIn, type Reader } from '../report/json-form';
import { flagOf } from '../tasks/catalogue/descriptor';
import type { SearchRange } from '../tasks/catalogue/task-entry';
import { isPlainObject } from '../tensor/options';
import {
  checkSame,
  figureIn,
  keepResults,
  keptResults,
  otherExperiment,
  type ExperimentIdentity,
} from './kept-results';

/** Settings of a trial, by the names of the API; without any the defaults. */
export type Settings = Readonly<Record<string, number | string>>;

/** What a trial came to in one round. */
export interface TrialResult {
  /** 1 for the first. */
  readonly trial: number;
  /** Epochs of its training, which is that of its round. */
  readonly epochs: number;
  /** The figure, which may be NaN; null where the training failed. */
  readonly value: number | null;
  /** The loss, by which trials of one value are told apart. */
  readonly loss?: number;
  readonly seconds: number;
  /** Why it failed. */
  readonly error?: string;
}

const anyTrialIn = objectIn(
  { trial: numberIn, epochs: numberIn, value: figureIn, seconds: numberIn },
  { loss: figureIn, error: textIn },
);

/** What failed says why. In older files both NaN and no figure are null. */
const trialIn: Reader<TrialResult> = (value, path) => {
  const result = anyTrialIn(value, path);
  return result.error === undefined ? result : { ...result, value: null };
};

/** What each trial came to with the most epochs: a search that became larger trains some with fewer later on. */
export function furthestOf(results: readonly TrialResult[]): readonly TrialResult[] {
  const inOrder = results.toSorted((a, b) => a.epochs - b.epochs);
  return [...new Map(inOrder.map((result) => [result.trial, result])).values()];
}

/** A round: so many of the best trials go through so many epochs, each from the start. */
export interface Round {
  readonly trials: number;
  readonly epochs: number;
}

/** One in so many goes on to the next round. */
const REDUCTION = 3;

/**
 * Rounds of successive halving (Jamieson and Talwalkar, 2016): each has a third of the trials of the one before and
 * three times its epochs, so that all cost about the same.
 *
 * @param trials  of the first round
 * @param epochs  of the last one
 */
export function roundsOf(trials: number, epochs: number): readonly Round[] {
  const rounds: Round[] = [];
  // No round has less than one trial or one epoch.
  const reductions = Math.floor(Math.log(Math.min(trials, epochs)) / Math.log(REDUCTION) + 1e-9);
  const count = 1 + reductions;
  for (let round = 0; round < count; round++) {
    const left = Math.max(Math.ceil(trials / REDUCTION ** round), 1);
    rounds.push({ trials: left, epochs: Math.max(Math.round(epochs / REDUCTION ** (count - 1 - round)), 1) });
  }
  return rounds;
}

/**
 * Settings of all trials. The first has none of its own, the others are drawn, one after another: the first of many are
 * those of few.
 *
 * @param open  what is drawn
 */
export function drawTrials(
  open: readonly SearchRange[],
  { trials, seed }: { trials: number; seed: number },
): readonly Settings[] {
  const random = portableRandom(seed);
  const uniform = (): number => random.below(1_000_000) / 1_000_000;
  for (let skipped = 0; skipped < 10; skipped++) uniform(); // the first numbers of small seeds are small
  const drawn = Array.from({ length: trials - 1 }, () =>
    Object.fromEntries(open.map((range): [string, number | string] => [range.name, valueIn(range, uniform())])),
  );
  return [{}, ...drawn];
}

/** @param part  in [0, 1) */
function valueIn({ values }: SearchRange, part: number): number | string {
  if ('scale' in values) {
    const { low, high, scale } = values;
    const value = scale === 'log' ? low * (high / low) ** part : low + (high - low) * part;
    return Number(value.toPrecision(3));
  }
  return values[Math.floor(part * values.length)] ?? '';
}

/** What makes a search the same one; its number of trials is no option. */
export interface SearchIdentity extends ExperimentIdentity {
  /** Names of those that it draws. */
  readonly searched: readonly string[];
  /** Trials of the first round, which may become more: those of before stay what they are. */
  readonly trials: number;
}

/** The folder of a search: what is done is known after a kill. */
export class TuningFolder {
  readonly path: string;
  readonly #identity: SearchIdentity;
  readonly #results: TrialResult[];

  private constructor(path: string, identity: SearchIdentity, results: TrialResult[]) {
    this.path = path;
    this.#identity = identity;
    this.#results = results;
  }

  /**
   * Begins a search in a folder, or goes on with the same one, if need be with more trials. Trials are drawn one after
   * another, and each is trained from its start, so that those of a larger search are what they would have been at
   * once. What a smaller search trained to the end stays, too, and may be the best, though the larger one would have
   * left it behind in an earlier round.
   *
   * @throws {InputError} if the folder holds another search, or one of more trials, or is damaged
   */
  static async open(path: string, identity: SearchIdentity): Promise<TuningFolder> {
    await makeFolder('tune', path);
    const folder = new TuningFolder(path, identity, await resultsIn(join(path, 'tune.json'), identity));
    await folder.#write();
    return folder;
  }

  /** What is done, in its order. */
  get results(): readonly TrialResult[] {
    return this.#results;
  }

  /** What a trial came to with so many epochs; undefined if it has not been trained. */
  find(trial: number, epochs: number): TrialResult | undefined {
    return this.#results.find((result) => result.trial === trial && result.epochs === epochs);
  }

  /** Where a trial is trained. */
  runOf(trial: number, epochs: number): string {
    return join(this.path, 'trials', `${String(trial).padStart(3, '0')}-${epochs}`);
  }

  /** What options a trial was trained with, the defaults too, as its run folder has them; as far as it is there. */
  async settingsOf(trial: number, names: readonly string[]): Promise<Settings> {
    const epochs = this.#results.find((result) => result.trial === trial)?.epochs ?? 0;
    const config = await readJson('tune', join(this.runOf(trial, epochs), 'config.json'));
    if (!isPlainObject(config)) return {};
    const parts = [config['options'], config['training']].filter(isPlainObject);
    const known = names.flatMap((name): [string, number | string][] => {
      const value = parts.find((part) => name in part)?.[name];
      return typeof value === 'number' || typeof value === 'string' ? [[name, value]] : [];
    });
    return Object.fromEntries(known);
  }

  /** Keeps what a trial came to; of its run folder the checkpoints go, which are of use to a training alone. */
  async add(result: TrialResult): Promise<void> {
    this.#results.push(result);
    await this.#write();
    await rm(join(this.runOf(result.trial, result.epochs), 'checkpoints'), { recursive: true, force: true });
  }

  async #write(): Promise<void> {
    const { options, examples, searched, trials } = this.#identity;
    await keepResults('tune', join(this.path, 'tune.json'), {
      options: { ...options, searched, trials },
      examples,
      results: this.#results,
    });
  }
}

const flagsIn = (names: unknown): string =>
  Array.isArray(names) ? names.map(String).map(flagOf).join(', ') : 'nothing';

async function resultsIn(file: string, identity: SearchIdentity): Promise<TrialResult[]> {
  const kept = await keptResults(file, trialIn);
  if (kept === undefined) return [];
  const { searched, trials } = identity;
  const { searched: drawn, trials: before, ...options } = kept.options;
  checkSame(file, 'search', { ...kept, options }, identity);
  if (String(drawn) !== String(searched))
    throw otherExperiment(file, 'search', `looks for ${flagsIn(drawn)}, not ${flagsIn(searched)}`);
  if (typeof before === 'number' && trials < before)
    throw otherExperiment(file, 'search', `began with --trials ${before}, of which there can be more, but not fewer`);
  return [...kept.results];
}
