import { appendFileSync } from 'node:fs';
import { appendFile, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { checkPath } from '../../files/check-path';
import { fileError } from '../../files/file-error';
import { makeFolder } from '../../files/make-folder';
import { OptionError } from '../../tensor/errors';
import { describe, flag, nonNegativeInteger, positiveInteger } from '../../tensor/options';
import { optional, readOptions, withDefault } from '../../tensor/read-options';
import type { CallbackState, TrainerCallback, TrainingRun, TrainingStep } from '../callback';
import type { EpochRecord, ValidationRecord } from '../epoch-record';
import { eventRecord, type EventContent } from './event-file';

/** Options of TensorBoard. */
export interface TensorBoardOptions {
  /** After how many training steps to write their loss beside, which is then read. Default: never. */
  everySteps?: number;
  /** Whether to write a histogram of each parameter after each epoch, for which it is read. Default false. */
  histograms?: boolean;
}

interface Settings {
  readonly everySteps: number | undefined;
  readonly histograms: boolean;
}

/**
 * Writes what TensorBoard shows into a folder: `tensorboard --logdir run`. The figures of each epoch and each
 * validation stand at their training step under `train/NAME` and `validation/NAME`, beside `learningRate`,
 * `gradientNorm`, `examplesPerSecond` and the modules of the model as a text. `scalar`, `histogram` and `text` add what
 * one likes.
 *
 * Events are in the file after each epoch, and before each checkpoint. Each training writes a file of its own; one that
 * is taken up again from a checkpoint voids what was written after that, so that each step stands there once.
 *
 * @throws {OptionError} if an option is unknown or out of range, or the path no text
 * @throws {FileError} from `fit`, before the first step, if the folder cannot be written; its code is the system's
 */
export class TensorBoard implements TrainerCallback {
  /** The folder. */
  readonly folder: string;
  readonly #options: Settings;
  #path: string | undefined;
  #files = 0;
  #events: Buffer[] = [];
  #step = 0;

  constructor(folder: string, options: TensorBoardOptions = {}) {
    checkPath('TensorBoard', folder, "new TensorBoard('run')");
    this.folder = folder;
    this.#options = readOptions<object, Settings>('TensorBoard', options, {
      everySteps: optional(positiveInteger),
      histograms: withDefault(flag, false),
    });
  }

  /**
   * Adds a number to be shown; it is in the file after the epoch, or after `flush`.
   *
   * @param tag    its name; what stands before a `/` is the group
   * @param value  NaN and infinity are shown as such
   * @param step   at which it stands, 0 or more
   * @throws {OptionError} if the tag is no text, or the step no whole number of at least 0
   */
  scalar(tag: string, value: number, step: number): void {
    if (typeof value !== 'number') throw notValue('TensorBoard.scalar', value, 'a number');
    this.#add('TensorBoard.scalar', step, { tag: checkTag('TensorBoard.scalar', tag), scalar: value });
  }

  /**
   * Adds the distribution of numbers.
   *
   * @param tag      its name; what stands before a `/` is the group
   * @param numbers  such as `await parameter.data()`; those that are not finite are left out
   * @param step     at which it stands, 0 or more
   * @throws {OptionError} as `scalar` does, or if there are no numbers
   */
  histogram(tag: string, numbers: ArrayLike<number>, step: number): void {
    const op = 'TensorBoard.histogram';
    if (!ArrayBuffer.isView(numbers) && !Array.isArray(numbers)) throw notValue(op, numbers, 'an array of numbers');
    this.#add(op, step, { tag: checkTag(op, tag), numbers });
  }

  /**
   * Adds a text.
   *
   * @param tag   its name; what stands before a `/` is the group
   * @param text  may be Markdown
   * @param step  at which it stands, 0 or more
   * @throws {OptionError} as `scalar` does, or if it is no text
   */
  text(tag: string, text: string, step: number): void {
    if (typeof text !== 'string') throw notValue('TensorBoard.text', text, 'a string');
    this.#add('TensorBoard.text', step, { tag: checkTag('TensorBoard.text', tag), text });
  }

  #add(op: string, step: number, content: EventContent): void {
    this.#events.push(eventRecord(Date.now() / 1000, nonNegativeInteger(op, 'step', step), content));
  }

  /** Writes what was added. @throws {FileError} if that cannot be done; its code is the system's */
  async flush(): Promise<void> {
    const events = this.#events;
    this.#events = [];
    try {
      if (this.#path === undefined) {
        await makeFolder('TensorBoard', this.folder);
        const parts = [await this.#begun(), hostname(), process.pid, this.#files++];
        this.#path = join(this.folder, `events.out.tfevents.${parts.join('.')}`);
        events.unshift(eventRecord(Date.now() / 1000, 0, { version: 'brain.Event:2' }));
      }
      await appendFile(this.#path, Buffer.concat(events));
    } catch (error) {
      throw fileError('TensorBoard', this.#path ?? this.folder, 'write', error);
    }
  }

  /** When this file began, in seconds since 1970, after all before it: files are read in the order of their names. */
  async #begun(): Promise<number> {
    const names = await readdir(this.folder);
    const before = names.map((name) => Number(/^events\.out\.tfevents\.(\d{10})\./u.exec(name)?.[1] ?? 0));
    return Math.max(Math.floor(Date.now() / 1000), ...before.map((seconds) => seconds + 1));
  }

  /** Begins a file with the modules. @throws {FileError} if that cannot be done; its code is the system's */
  async onStart({ model, steps }: TrainingRun): Promise<void> {
    this.#path = undefined;
    this.text('model', `    ${String(model).replaceAll('\n', '\n    ')}`, steps);
    await this.flush();
  }

  /** Adds the loss, where it is the time for it. @throws {NativeError} if the device could not compute it */
  async onStep(_: TrainingRun, { step, loss }: TrainingStep): Promise<void> {
    this.#step = step;
    const { everySteps } = this.#options;
    if (everySteps !== undefined && step % everySteps === 0) this.scalar('step/loss', await loss.item(), step);
  }

  /** Writes the figures. @throws {FileError} if that cannot be done; its code is the system's */
  async onValidation({ step, validation }: ValidationRecord): Promise<void> {
    this.#figures('validation', validation, step);
    await this.flush();
  }

  /** Writes the record. @throws {FileError} if that cannot be done; its code is the system's */
  async onEpochEnd(record: EpochRecord, { model }: TrainingRun): Promise<void> {
    const { step, train, validation = {}, learningRates, gradientNorm, examplesPerSecond } = record;
    this.#figures('train', train, step);
    this.#figures('validation', validation, step);
    learningRates.forEach((rate, group) =>
      this.scalar(learningRates.length > 1 ? `learningRate/${group}` : 'learningRate', rate, step),
    );
    if (gradientNorm !== undefined) this.#figures('gradientNorm', gradientNorm, step);
    this.scalar('examplesPerSecond', examplesPerSecond, step);
    if (this.#options.histograms)
      for (const [name, parameter] of model.namedParameters())
        this.histogram(`parameters/${name}`, await parameter.data(), step);
    await this.flush();
  }

  #figures(part: string, figures: Readonly<Record<string, number>>, step: number): void {
    for (const [name, value] of Object.entries(figures)) this.scalar(`${part}/${name}`, value, step);
  }

  /** Writes what was added. @throws {FileError} if that cannot be done; its code is the system's */
  onEnd(): Promise<void> {
    return this.flush();
  }

  /** Writes what was added. @throws {FileError} if that cannot be done; its code is the system's */
  async onError(): Promise<void> {
    if (this.#path !== undefined) await this.flush();
  }

  /** Writes what was added: what was before a checkpoint comes no second time. @throws {FileError} as `flush` does */
  state(): CallbackState {
    if (this.#path !== undefined && this.#events.length > 0) {
      const events = this.#events;
      this.#events = [];
      try {
        appendFileSync(this.#path, Buffer.concat(events)); // at once: it is to be there before the checkpoint
      } catch (error) {
        throw fileError('TensorBoard', this.#path, 'write', error);
      }
    }
    return { data: { step: this.#step } };
  }

  /**
   * Voids what was written after it.
   *
   * @throws {FileError} if that cannot be written; its code is the system's
   * @throws {OptionError} if it is the state of something else
   */
  async loadState({ data }: CallbackState): Promise<void> {
    const { step } = readOptions<object, { step: number }>('TensorBoard.loadState', data, { step: nonNegativeInteger });
    this.#step = step;
    this.#add('TensorBoard.loadState', step + 1, { restart: true });
    await this.flush();
  }
}

function checkTag(op: string, tag: unknown): string {
  if (typeof tag === 'string' && tag !== '') return tag;
  const fix = "name it, as in 'train/loss'";
  throw new OptionError(op, { given: `tag: ${describe(tag)}`, expected: 'a string with at least one character', fix });
}

const notValue = (op: string, value: unknown, expected: string): OptionError =>
  new OptionError(op, { given: describe(value), expected, fix: 'read a tensor first: await x.item(), await x.data()' });
