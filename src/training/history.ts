import { inspect } from 'node:util';
import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import { epochLine, type EpochRecord } from './epoch-record';

/** The epochs of a training, in order. */
export class History {
  readonly #epochs: EpochRecord[] = [];

  /** The records, first epoch first. */
  get epochs(): readonly EpochRecord[] {
    return this.#epochs;
  }

  /** The last record; undefined before the first epoch. */
  get last(): EpochRecord | undefined {
    return this.#epochs.at(-1);
  }

  /** Adds the record of an epoch. */
  add(record: EpochRecord): void {
    this.#epochs.push(record);
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

  /** For JSON.stringify: the records. */
  toJSON(): readonly EpochRecord[] {
    return this.#epochs;
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
