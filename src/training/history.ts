import { inspect } from 'node:util';
import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import { optional, readOptions } from '../tensor/read-options';
import { epochLine, type EpochRecord, type ValidationRecord } from './epoch-record';
import { checkFigure, figureOf } from './figure';
import { directionOf, isBetter, modeGiven, type Mode } from './figure-direction';
import { recordsOf, withoutOdd, type ResumeRecord, type StopRecord } from './history-json';
import { counted } from '../tensor/counted';

/** Options of `best` of a History. */
export interface FigureOptions {
  /** Whether the figure should become small or large. Default: what its name says, as of a loss or an accuracy. */
  mode?: Mode | undefined;
}

/** The best value of a figure. */
export interface BestRecord {
  /** A finite number. */
  readonly value: number;
  /** 1 for the first. */
  readonly epoch: number;
  /** Training steps before it. */
  readonly step: number;
}

/** The epochs of a training, in order. */
export class History {
  readonly #epochs: EpochRecord[] = [];
  readonly #within: ValidationRecord[] = [];
  #stopped: StopRecord | undefined;
  #resumed: ResumeRecord | undefined;

  /**
   * The history in what `JSON.stringify` made of one.
   *
   * @param json  the text, or what JSON.parse made of it
   * @throws {FormatError} if it is something else
   */
  static fromJSON(json: unknown): History {
    const { epochs, validations, stopped } = recordsOf('History.fromJSON', json);
    const history = new History();
    for (const record of epochs) history.add(record);
    for (const record of validations) history.addValidation(record);
    history.#stopped = stopped;
    return history;
  }

  /** The records, first epoch first. */
  get epochs(): readonly EpochRecord[] {
    return this.#epochs;
  }

  /** The last record; undefined before the first epoch. */
  get last(): EpochRecord | undefined {
    return this.#epochs.at(-1);
  }

  /** All validations, those at the ends of epochs and those within them, in order. */
  get validations(): readonly ValidationRecord[] {
    const ends = this.#epochs.flatMap(({ epoch, step, validation }) =>
      validation === undefined ? [] : [{ epoch, step, validation }],
    );
    const isEnd = (record: ValidationRecord): boolean =>
      ends.some(({ epoch, step }) => epoch === record.epoch && step === record.step);
    return [...this.#within.filter((record) => !isEnd(record)), ...ends].toSorted((a, b) => a.step - b.step);
  }

  /** Where the training ended before its last epoch, and why; undefined where it did not. */
  get stopped(): StopRecord | undefined {
    return this.#stopped;
  }

  /** From where `fit` has taken up the training; undefined where it began. */
  get resumed(): ResumeRecord | undefined {
    return this.#resumed;
  }

  /**
   * The best value of a figure over all epochs and validations, and where it was. Of several equal ones the first.
   *
   * @param figure  `train.NAME` or `validation.NAME`
   * @param options.mode  whether it should become small or large. Default: what its name says, as of a loss
   * @returns undefined if there is no finite one
   * @throws {OptionError} if there is no such figure, or its name does not tell the mode
   */
  best(figure: string, options: FigureOptions = {}): BestRecord | undefined {
    const op = 'History.best';
    const { mode } = readOptions<FigureOptions, { mode: Mode | undefined }>(op, options, { mode: optional(modeGiven) });
    const all = this.#epochs.flatMap((record) => [
      ...Object.keys(record.train).map((name) => `train.${name}`),
      ...Object.keys(record.validation ?? {}).map((name) => `validation.${name}`),
    ]);
    checkFigure(op, 'figure', figure, [...new Set(all)]);
    const direction = mode ?? directionOf(op, figure);
    let best: BestRecord | undefined;
    for (const record of figure.startsWith('validation.') ? this.validations : this.#epochs) {
      const value = figureOf(record, figure);
      if (value !== undefined && isBetter(value, best?.value, direction))
        best = { value, epoch: record.epoch, step: record.step };
    }
    return best;
  }

  /** Notes where the training ends early. @internal */
  noteStop(record: StopRecord | undefined): void {
    this.#stopped = record;
  }

  /** Notes from where it goes on. @internal */
  noteResume(record: ResumeRecord): void {
    this.#resumed = record;
  }

  /** Adds the record of an epoch. */
  add(record: EpochRecord): void {
    this.#epochs.push(record);
  }

  /** Adds the record of a validation within an epoch. */
  addValidation(record: ValidationRecord): void {
    this.#within.push(record);
  }

  /**
   * One training figure over the epochs.
   *
   * @param name  `loss` or the name of a metric
   * @throws {OptionError} if there is no such figure
   */
  train(name: string): number[] {
    this.#checkName('History.train', name);
    return this.#epochs.map((record) => record.train[name] ?? Number.NaN);
  }

  /**
   * One validation figure over the epochs; NaN where there was no validation.
   *
   * @param name  `loss` or the name of a metric
   * @throws {OptionError} if there is no such figure
   */
  validation(name: string): number[] {
    this.#checkName('History.validation', name);
    return this.#epochs.map((record) => record.validation?.[name] ?? Number.NaN);
  }

  #checkName(op: string, name: string): void {
    const names = [
      ...new Set(
        this.#epochs.flatMap(({ train, validation = {} }) => [...Object.keys(train), ...Object.keys(validation)]),
      ),
    ];
    if (names.length === 0 || names.includes(name)) return;
    const meant = nearMiss(String(name), names);
    const fix = meant === undefined ? 'give the Trainer a metric of this name' : `write '${meant}'`;
    throw new OptionError(op, { given: describe(name), expected: `one of ${names.join(', ')}`, fix });
  }

  /**
   * For JSON.stringify: { epochs, validations }, the records, and `stopped` if it was. NaN and infinity, which JSON has
   * no numbers for, are the strings `NaN`, `Infinity` and `-Infinity`; `History.fromJSON` makes numbers of them again.
   */
  toJSON(): unknown {
    const stopped = this.#stopped === undefined ? {} : { stopped: this.#stopped };
    return withoutOdd({ epochs: this.#epochs, validations: this.#within, ...stopped });
  }
}

/** Epochs that `console.log` shows. */
const SHOWN = 100;

// Not in the class: a computed member would need node:util in the typings of whoever uses them.
Object.defineProperty(History.prototype, inspect.custom, {
  configurable: true,
  writable: true,
  value(this: History): string {
    const { epochs } = this;
    const earlier = Math.max(epochs.length - SHOWN, 0);
    const lines = epochs.slice(earlier).map((record) => epochLine(record, epochs.length));
    return [
      `History of ${counted(epochs.length, 'epoch')}`,
      ...(earlier > 0 ? [`… ${earlier} earlier`] : []),
      ...lines,
    ].join('\n  ');
  },
});
