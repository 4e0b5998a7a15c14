import { mapTensors } from '../tensor/nested-tensors';
import { noGrad } from '../tensor/grad-mode';
import { clone } from '../tensor/ops/elementwise';
import { FormatError, OptionError } from '../tensor/errors';
import { describe, isPlainObject } from '../tensor/options';
import { remedy } from '../tensor/package-copies';
import { keep, scope } from '../tensor/scope';
import { refuseInStep } from '../tensor/replay-notes';
import type { Tensor } from '../tensor/tensor';
import { checkPath } from '../files/check-path';
import { packTree, unpackTree } from './checkpoint-tree';
import { readTensors } from './read-tensors';
import { writeTensors, type MakeRoom } from './safetensors';
import { formatError, quoted, type Source } from './safetensors-header';

/** The newest format of checkpoints that is written and read. It rises when an older reader would misread a file. */
const currentFormat = 1;
const formatKey = 'stmnet.checkpoint.format';
const treeKey = 'stmnet.checkpoint';

/** What has a state that a checkpoint can hold: modules, optimizers, schedules, a GradScaler, loaders. */
export type CheckpointPart =
  | {
      /** What there is to keep. */
      stateDict(): object;
      /**
       * Goes on from there.
       *
       * @param state  what `stateDict` gave
       */
      loadStateDict(state: never): unknown;
    }
  | {
      /** What there is to keep. */
      state(): unknown;
      /**
       * Goes on from there.
       *
       * @param state  what `state` gave
       */
      loadState(state: never): unknown;
    };

/**
 * Writes the state of a training to one file, for a loop of one's own:
 *
 *     await saveCheckpoint('run/last.safetensors', { model, optimizer, schedule, random: getRandomState(), epoch });
 *
 * The values are those of the moment of the call: training may go on at once. The file is a safetensors file with a
 * SHA-256 of all its bytes; it appears whole or not at all, so that a full disk or a killed process leaves the one
 * before as it was.
 *
 * @param path   the file, replaced if it exists
 * @param parts  by name: what has a state, as models, optimizers, schedules, a GradScaler and loaders have; or plain
 *   data, that is numbers (NaN too), strings, tensors, typed arrays, and arrays and plain objects of these
 * @throws {OptionError} if a part is neither; if `path` is no string; inside a step of `compile`
 * @throws {NativeError} with the code ERR_STM_OUT_OF_MEMORY if the host has no room for a copy of the values
 * @throws {FileError} if `path` cannot be written; its code is the system's: ENOENT, EACCES, ENOSPC, …
 */
export async function saveCheckpoint(path: string, parts: Readonly<Record<string, unknown>>): Promise<void> {
  const op = 'saveCheckpoint';
  checkPath(op, path, `${op}(path, { model, optimizer })`);
  checkParts(op, parts);
  refuseInStep(`${op}()`, 'save outside the step');
  await writeCheckpoint({ op, path }, parts);
}

/**
 * Reads what `saveCheckpoint` wrote, and lets parts go on from there:
 *
 *     const parts = { model, schedule, optimizer };
 *     const { random, epoch } = await loadCheckpoint<{ random: RandomState; epoch: number }>(path, parts);
 *     setRandomState(random);
 *
 * All of the file is checked before anything changes. If a part refuses its state, as a model of another size does, all
 * parts are as before.
 *
 * @param path   a regular file
 * @param parts  by name, those that are to take over their states, in their order: a schedule before its optimizer
 * @returns the rest by name: plain data, and the states of parts that were not asked for. Its tensors lie on the CPU
 *   and are the caller's
 * @throws {FormatError} if the file is damaged, of a newer format, or no checkpoint
 * @throws {OptionError} if a part is not in the file, has no state, or refuses the one that is there
 * @throws {ShapeError} if a model or an optimizer has other shapes than the one that was saved
 * @throws {NativeError} with the code ERR_STM_OUT_OF_MEMORY if it does not fit into memory
 * @throws {FileError} if `path` cannot be read; its code is the system's: ENOENT, EACCES, …
 */
export async function loadCheckpoint<Rest extends object = Record<string, unknown>>(
  path: string,
  parts: Readonly<Record<string, CheckpointPart>> = {},
): Promise<Rest> {
  const op = 'loadCheckpoint';
  checkPath(op, path, `${op}(path, { model, optimizer })`);
  checkParts(op, parts);
  const stateful = Object.entries(parts).map(([name, part]) => [name, checkPart(op, name, part)] as const);
  const { tree, tensors } = await readCheckpoint({ op, path });
  const kept = new Set<Tensor>();
  try {
    const missing = stateful.find(([name]) => !Object.hasOwn(tree, name));
    if (missing !== undefined) throw noSuchPart({ op, path }, missing[0], Object.keys(tree));
    await loadParts(stateful.map(([name, part]) => [part, tree[name]]));
    const rest = Object.fromEntries(Object.entries(tree).filter(([name]) => !Object.hasOwn(parts, name)));
    mapTensors(rest, (x) => (kept.add(x), x));
    return rest as Rest;
  } finally {
    for (const tensor of tensors) if (!kept.has(tensor)) tensor.dispose();
  }
}

/**
 * `saveCheckpoint` for callers with a name of their own in messages.
 *
 * @param makeRoom  called once if the disk is full, before a second try
 * @throws as `saveCheckpoint`
 */
export async function writeCheckpoint(
  source: Source,
  parts: Readonly<Record<string, unknown>>,
  makeRoom?: MakeRoom,
): Promise<void> {
  // States are made for this alone, as far as they are made here. All reads are begun when the scope ends.
  const { done } = scope(() => {
    const states = Object.entries(parts).map(([name, part]) => [name, hasState(part) ? stateOf(part) : part] as const);
    const { json, arrays } = packTree(source.op, Object.fromEntries(states));
    return { done: writeTensors(source, arrays, { [formatKey]: String(currentFormat), [treeKey]: json }, makeRoom) };
  });
  await done;
}

/** A checkpoint that was read. */
export interface ReadCheckpoint {
  /** States and plain data by name. */
  tree: Record<string, unknown>;
  /** All tensors in it, on the CPU: the caller's to dispose of. */
  tensors: Tensor[];
}

/**
 * Reads a whole checkpoint.
 *
 * @throws {FormatError} if it is damaged or none; of a newer format, with the code ERR_STM_VERSION
 */
export async function readCheckpoint(source: Source): Promise<ReadCheckpoint> {
  const { tensors: arrays, metadata } = await readTensors(source);
  const [format, json] = [metadata.get(formatKey), metadata.get(treeKey)];
  if (format === undefined || json === undefined) {
    const fix = metadata.has('stmnet.config')
      ? 'read the model in it by load(path)'
      : 'read its tensors by loadSafetensors(path)';
    throw formatError(source, `no ${treeKey} in the metadata`, 'a file that saveCheckpoint() or fit() wrote', fix);
  }
  if (format !== String(currentFormat))
    throw new FormatError(
      source.op,
      {
        given: `a checkpoint of format ${quoted(format)} in ${source.path}`,
        expected: `format ${currentFormat}`,
        fix: 'update stmnet to a version that knows this format',
      },
      'ERR_STM_VERSION',
    );
  const { tree, tensors } = unpackTree(source, json, arrays);
  if (isPlainObject(tree)) return { tree, tensors };
  throw formatError(source, `${describe(tree)} as ${treeKey}`, 'an object of parts');
}

/**
 * Lets each part take over its state, one after the other. If one refuses it, all are put back to where they were.
 *
 * @throws what the part says that refuses its state
 */
export async function loadParts(parts: readonly (readonly [part: CheckpointPart, state: unknown])[]): Promise<void> {
  const before: (readonly [part: CheckpointPart, state: unknown])[] = [];
  try {
    for (const [part, state] of parts) {
      before.unshift([part, scope(() => keep(noGrad(() => mapTensors(stateOf(part), clone))))]);
      await loadState(part, state);
    }
  } catch (error) {
    for (const [part, state] of before) await loadState(part, state);
    throw error;
  } finally {
    for (const [, state] of before) mapTensors(state, (x) => (x.dispose(), x));
  }
}

/** Whether a value has a state, and takes one over. */
export function hasState(part: unknown): part is CheckpointPart {
  if (typeof part !== 'object' || part === null) return false;
  const has = (name: string): boolean => typeof Reflect.get(part, name) === 'function';
  return (has('stateDict') && has('loadStateDict')) || (has('state') && has('loadState'));
}

/** Of a class with both, the state dict goes before: a layer may have a method `state` for something else. */
const stateOf = (part: CheckpointPart): unknown => ('stateDict' in part ? part.stateDict() : part.state());

async function loadState(part: CheckpointPart, state: unknown): Promise<void> {
  await ('loadStateDict' in part ? part.loadStateDict(state as never) : part.loadState(state as never));
}

function checkParts(op: string, parts: unknown): void {
  if (isPlainObject(parts)) return;
  throw new OptionError(op, {
    given: `${describe(parts)} as parts`,
    expected: 'an object of parts by name',
    fix: remedy(parts, `call ${op}(path, { model, optimizer })`),
  });
}

function checkPart(op: string, name: string, part: unknown): CheckpointPart {
  if (hasState(part)) return part;
  throw new OptionError(op, {
    given: `${describe(part)} as ${name}`,
    expected: 'a part with a state, such as a model or an optimizer',
    fix: remedy(part, `leave it out, and take it from the result: const { ${name} } = await ${op}(path, …)`),
  });
}

const noSuchPart = ({ op, path }: Source, name: string, there: readonly string[]): OptionError =>
  new OptionError(op, {
    given: `${name}, which is not in ${path}`,
    expected: `one of ${there.join(', ')}`,
    fix: 'pass the parts under the names that they were saved under, or leave out what was not saved',
  });
