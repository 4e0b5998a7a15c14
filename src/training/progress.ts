import type { SingleBar } from 'cli-progress';
import { flag } from '../tensor/options';
import { epochLine, figuresText, validationLine, type EpochRecord, type ValidationRecord } from './epoch-record';

/** Where progress goes: standard error, so that what a script prints stays apart. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  /** Writes a text. */
  write(text: string): unknown;
  /** Calls `listener` at an error, until `off`. */
  on(event: 'error', listener: () => void): unknown;
  /** Calls `listener` no more. */
  off(event: 'error', listener: () => void): unknown;
}

/**
 * Shows how a training goes on, in a way of one's own: what `progress` of `fit` may make. None of its methods is waited
 * for.
 */
export interface Progress {
  /** Before the first step of an epoch of so many steps, if that is known. */
  start(epoch: number, steps: number | undefined): void;
  /**
   * After a step.
   *
   * @param done  steps of the epoch so far
   * @returns whether fresh figures would be shown now
   */
  step(done: number): boolean;
  /** Takes fresh figures of the running epoch. */
  figures(values: Record<string, number>): void;
  /** After a validation within an epoch. */
  validation(record: ValidationRecord): void;
  /** After an epoch and its validation. */
  end(record: EpochRecord): void;
  /** Shows a line, before, between or within epochs. @param text  without an end of line */
  note(text: string): void;
  /** Takes back what the terminal should not keep, when a training breaks off. */
  stop(): void;
  /**
   * Whether whoever made it tells of Ctrl-C, too: then a training with checkpoints writes no lines about it to standard
   * error. Default false.
   */
  readonly tellsInterrupts?: boolean;
}

/** Makes what shows a training of so many epochs, before the first step. */
export type ProgressMaker = (epochs: number) => Progress;

/** Reads whether to show a training, or what does so. @throws {OptionError} if it is neither */
export const readProgress = (op: string, name: string, value: unknown): boolean | ProgressMaker =>
  typeof value === 'function' ? (value as ProgressMaker) : flag(op, name, value ?? true);

/**
 * A bar with loss, metrics, rate and time left on a terminal, one line an epoch elsewhere.
 *
 * @param epochs  how many there will be
 * @param stream  standard error unless a test says otherwise
 */
export async function makeProgress(epochs: number, stream: ProgressStream = process.stderr): Promise<Progress> {
  return guarded(await progressOn(stream, epochs), stream);
}

/** One line an epoch, on a terminal as elsewhere. @param epochs  how many there will be */
export const makeLineProgress = (epochs: number, stream: ProgressStream = process.stderr): Progress =>
  guarded(lineProgress(epochs, stream), stream);

function guarded(progress: Progress, stream: ProgressStream): Progress {
  // Who reads it may have gone, as after `2>&1 | head`, or its disk is full: that ends no training. Node tells of a
  // failed write after the write, and of one to a pipe whose reader has gone each time.
  const ignore = (): void => undefined;
  stream.on('error', ignore);
  return {
    ...progress,
    stop() {
      progress.stop();
      setImmediate(() => stream.off('error', ignore));
    },
  };
}

/** Writes a line to a stream that nobody may read any more. */
export function writeLine(stream: ProgressStream, text: string): void {
  const ignore = (): void => undefined;
  stream.on('error', ignore);
  stream.write(`${text}\n`);
  setImmediate(() => stream.off('error', ignore));
}

async function progressOn(stream: ProgressStream, epochs: number): Promise<Progress> {
  if (stream.isTTY !== true) return lineProgress(epochs, stream);
  // Loaded when a bar is drawn, so that require('stmnet') stays quick.
  const { SingleBar, Presets } = await import('cli-progress');
  // The cursor stays and lines wrap as ever (the bar is cut to the width): after Ctrl-C nothing has to be brought back.
  return barProgress(
    epochs,
    stream,
    (format) =>
      new SingleBar(
        {
          stream: stream as NodeJS.WritableStream,
          format,
          hideCursor: false,
          linewrap: true,
          clearOnComplete: true,
          etaBuffer: 50,
          fps: 10,
          noTTYOutput: false,
        },
        Presets.shades_classic,
      ),
  );
}

/** Progress that shows nothing. */
export const silent: Progress = {
  start: () => undefined,
  step: () => false,
  figures: () => undefined,
  validation: () => undefined,
  end: () => undefined,
  note: () => undefined,
  stop: () => undefined,
};

function lineProgress(epochs: number, stream: ProgressStream): Progress {
  return {
    ...silent,
    validation: (record) => void stream.write(`${validationLine(record, epochs)}\n`),
    end: (record) => void stream.write(`${epochLine(record, epochs)}\n`),
    note: (text) => void stream.write(`${text}\n`),
  };
}

function barProgress(epochs: number, stream: ProgressStream, makeBar: (format: string) => SingleBar): Progress {
  let bar: SingleBar | undefined;
  let [started, asked, took, text, checked] = [0, 0, 0, '', ''];
  const rate = (done: number): string =>
    `${((1000 * done) / Math.max(performance.now() - started, 1)).toFixed(1)} steps/s`;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    start(epoch, steps) {
      stop();
      [started, text, checked] = [performance.now(), '', ''];
      const format =
        steps === undefined ? '{value} steps | {rate}' : '{bar} {value}/{total} | {rate} | {eta_formatted} left';
      bar = makeBar(`epoch ${epoch}/${epochs} ${format}{figures}`);
      bar.start(steps ?? 0, 0, { rate: rate(0), figures: '' });
    },
    step(done) {
      bar?.update(done, { rate: rate(done), figures: text + checked });
      const now = performance.now();
      if (now - asked < Math.max(100, 10 * took)) return false; // figures of a long epoch may take their time
      asked = now;
      return true;
    },
    figures(values) {
      took = performance.now() - asked;
      text = ` | ${figuresText(values)}`;
    },
    validation(record) {
      checked = ` | validation ${figuresText(record.validation)}`;
    },
    end(record) {
      stop();
      stream.write(`${epochLine(record, epochs)}\n`);
    },
    note(text) {
      stream.write(bar === undefined ? `${text}\n` : `\r\u001b[K${text}\n`); // the bar is drawn anew below
    },
    stop,
  };
}
