// What a step does beside its ops, as far as compile() must know of it. Written by what runs inside a step, read by
// compile() alone.
import { binding } from '../native/load';
import { OptionError } from './errors';

/** What the JavaScript of one run of a step has told. */
export interface Notes {
  /** Must all hold for the run to be like this one, each under what it is about. */
  readonly conditions: Map<object, () => boolean>;
  /** To be done before each replay, in this order. */
  readonly effects: (() => void)[];
}

interface Run extends Notes {
  readonly recording: boolean;
}

const runs: Run[] = []; // at most one; per environment: each worker loads a copy of this module

/** Whether a step of compile() is running now, whether or not it is being recorded. @internal */
export const insideStep = (): boolean => runs.length > 0;

/** Runs the JavaScript of a step. @internal */
export function takeNotes<R>(recording: boolean, fn: () => R): { result: R; notes: Notes } {
  const run: Run = { conditions: new Map(), effects: [], recording };
  runs.push(run);
  try {
    return { result: fn(), notes: run };
  } finally {
    runs.pop();
  }
}

/**
 * For state in JavaScript that decides what a step does: a compiled step runs as now only while `holds` says so.
 *
 * @param about  what holds the state; the first condition about it in a step stands
 * @internal
 */
export function assume(about: object, holds: () => boolean): void {
  const conditions = runs.at(-1)?.conditions;
  if (conditions !== undefined && !conditions.has(about)) conditions.set(about, holds);
}

/**
 * For state in JavaScript that a step changes: `effect` is done before each replay.
 *
 * @returns false if the step is not being recorded, and the caller has to do it now
 * @internal
 */
export function onReplay(effect: () => void): boolean {
  const run = runs.at(-1);
  if (run?.recording !== true) return false;
  run.effects.push(effect);
  return true;
}

/**
 * Runs the ops of `fn` at once, even in a step that is being recorded: for state that is made on first use.
 * @internal
 */
export function outsideRecordings<R>(fn: () => R): R {
  const before = binding.pauseRecording(true);
  try {
    return fn();
  } finally {
    binding.pauseRecording(before);
  }
}

/**
 * Refuses what a replay cannot do.
 *
 * @param call  as in `item()`
 * @throws {OptionError} inside a step of compile(), already in the run that is not recorded
 * @internal
 */
export function refuseInStep(call: string, fix = 'return the tensor and read it outside'): void {
  if (!insideStep()) return;
  throw new OptionError(
    'compile',
    { given: `${call} inside a compiled step`, expected: 'a step that can be repeated without JavaScript', fix },
    'ERR_STM_RECORDING',
  );
}
