import { hasState, loadParts, type CheckpointPart } from '../io/checkpoint';
import { Module } from '../module/module';
import { assign } from '../module/state-dict';
import { OptionError } from '../tensor/errors';
import { getRandomState, setRandomState, type RandomState } from '../tensor/generator';
import { noGrad } from '../tensor/grad-mode';
import type { Tensor } from '../tensor/tensor';
import { nameOf, type CallbackState, type TrainerCallback } from './callback';
import type { FoundCheckpoint } from './checkpoint-folder';
import { checkIdentity, type Identity } from './checkpoint-identity';
import type { Mode } from './figure-direction';
import type { FitRun, Stopping } from './fit-run';
import { foreignParameters } from './foreign-parameters';
import { recordsOf } from './history-json';
import type { RunningFiguresState } from './running-figures';

/** What a checkpoint keeps of an epoch that has begun. */
export interface RunningEpoch {
  /** Batches so far. */
  readonly batches: number;
  /** Steps that were left out since something was not finite. */
  readonly skipped: number;
  /** Rows of the batches. */
  readonly examples: number;
  /** How long it has taken so far. */
  readonly seconds: number;
  /** Milliseconds of that which validations took. */
  readonly validating: number;
  readonly figures: RunningFiguresState;
  /** Where the generator stood when it began. */
  readonly random: RandomState;
}

/** The best checkpoint so far. */
export interface BestSoFar {
  /** By which figure, and whether that should become small or large. */
  readonly figure: string;
  readonly mode: Mode;
  readonly value: number;
  readonly step: number;
  readonly epoch: number;
}

/** Where a training stands. */
export interface Position {
  /** The epoch that is running or comes next, 1 for the first. */
  readonly epoch: number;
  /** Undefined between two epochs. */
  readonly running?: RunningEpoch | undefined;
  readonly best?: BestSoFar | undefined;
  /** Whether a callback has asked for the end. */
  readonly stopping?: Stopping;
  /** Why, if one has. */
  readonly reason?: string | undefined;
}

/** A checkpoint of `fit`, as a tree. */
interface FitTree {
  readonly identity: Identity;
  readonly position: Position;
  readonly random: RandomState;
  readonly history: unknown;
  readonly callbacks: readonly { readonly name: string; readonly state: CallbackState }[];
  readonly [part: string]: unknown;
}

/** All of a training, of now: states are taken by whoever writes it. */
export function treeOf(fit: FitRun, identity: Identity, position: Position): Record<string, unknown> {
  const tree: FitTree = {
    identity,
    position,
    random: getRandomState(),
    history: fit.history.toJSON(),
    callbacks: fit.options.callbacks.flatMap((callback) => {
      const state = callback.state?.();
      return state === undefined ? [] : [{ name: nameOf(callback), state }];
    }),
    ...Object.fromEntries(partsOf(fit)),
  };
  return tree;
}

/**
 * What has a state, in the order in which it is loaded: a schedule sets learning rates, which those of the optimizer
 * take the place of.
 */
function partsOf(fit: FitRun): [name: string, part: CheckpointPart][] {
  const { model, loss, schedule } = fit.trainer;
  return [
    ['model', model],
    ...(loss instanceof Module ? [['loss', loss] as [string, CheckpointPart]] : []),
    ['others', othersOf(fit)],
    ...(schedule === undefined ? [] : [['schedule', schedule] as [string, CheckpointPart]]),
    ['optimizer', fit.optimizer],
    ['steps', fit.steps],
    ...(hasState(fit.loader) ? [['loader', fit.loader] as [string, CheckpointPart]] : []),
  ];
}

/** What is trained and lies outside of model and loss. */
function othersOf({ trainer, optimizer }: FitRun): CheckpointPart {
  const others = foreignParameters(trainer, optimizer);
  return {
    state: (): Tensor[] => others.map((value) => value.detach()),
    loadState: (values: readonly Tensor[]): void =>
      noGrad(() => values.forEach((value, index) => others[index] && assign(others[index], value))),
  };
}

/**
 * Puts a training where a checkpoint was: model, optimizer and all that belongs to it, except callbacks, which begin
 * first. If anything does not fit nothing changes.
 *
 * @returns the position, and what brings the callbacks and the random numbers there
 * @throws {OptionError} if the checkpoint is of another training
 */
export async function resumeFrom(
  fit: FitRun,
  identity: Identity,
  { path, tree: read, tensors }: FoundCheckpoint,
): Promise<{ position: Position; callbacks: () => Promise<void>; loaded: () => void }> {
  const op = 'Trainer.fit';
  const tree = read as Partial<FitTree>;
  const { position, history, callbacks = [], random } = tree;
  if (position === undefined || history === undefined || random === undefined)
    throw new OptionError(op, {
      given: `${path}, which saveCheckpoint() wrote`,
      expected: 'a checkpoint of fit',
      fix: 'give the checkpoints of fit a folder of their own',
    });
  checkIdentity(op, path, tree.identity, identity);
  const records = recordsOf(op, history);
  const states = statesFor(fit.options.callbacks, callbacks, path);
  await loadParts(partsOf(fit).map(([name, part]) => [part, tree[name]]));
  for (const record of records.epochs) fit.history.add(record);
  for (const record of records.validations) fit.history.addValidation(record);
  fit.history.noteStop(records.stopped);
  return {
    position,
    callbacks: async () => {
      for (const [callback, state] of states) await callback.loadState?.(state);
      setRandomState(random); // after all that may have drawn numbers, as a callback in its onStart
    },
    loaded: () => {
      for (const tensor of tensors) tensor.dispose();
    },
  };
}

/** The state of each callback that has one: of its class, in their order. */
function statesFor(
  callbacks: readonly TrainerCallback[],
  saved: FitTree['callbacks'],
  path: string,
): (readonly [TrainerCallback, CallbackState])[] {
  const left = [...saved];
  const found = callbacks.flatMap((callback) => {
    const place = left.findIndex(({ name }) => callback.loadState !== undefined && name === nameOf(callback));
    const [entry] = place < 0 ? [] : left.splice(place, 1);
    return entry === undefined ? [] : [[callback, entry.state] as const];
  });
  if (left.length === 0) return found;
  throw new OptionError('Trainer.fit', {
    given: `callbacks without ${left.map(({ name }) => name).join(', ')}, of which ${path} has the state`,
    expected: 'the callbacks that the checkpoint was made with',
    fix: 'pass them again, with state() and loadState()',
  });
}
