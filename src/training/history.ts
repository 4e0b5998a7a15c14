import { inspect } from 'node:util';
import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import { epochLine, type EpochRecord, type ValidationRecord } from './epoch-record';
import { recordsOf, withoutOdd } from './history-json';

/** The epochs of a training, in order. */
export class History {
  readonly #epochs: EpochRecord[] = [];
  readonly #within: ValidationRecord[] = [];

  /**
   * The history in what `JSON.stringify` made of one.
   *
   * @param json  the text, or what JSON.parse made of it
   * @throws {FormatError} if it is something else
   */
  static fromJSON(json: unknown): History {
    const { epochs, validations } = recordsOf('History.fromJSON', json);
    const history = new History();
    for (const record of epochs) history.add(record);
    for (const record of validations) history.addValidation(record);
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
   * For JSON.stringify: { epochs, validations }, the records. NaN and infinity, which JSON has no numbers for, are the
   * strings `NaN`, `Infinity` and `-Infinity`; `History.fromJSON` makes numbers of them again.
   */
  toJSON(): unknown {
    return withoutOdd({ epochs: this.#epochs, validations: this.#within });
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
      `History of ${epochs.length} ${epochs.length === 1 ? 'epoch' : 'epochs'}`,
      ...(earlier > 0 ? [`… ${earlier} earlier`] : []),
      ...lines,
    ].join('\n  ');
  },
});
