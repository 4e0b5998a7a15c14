import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkPath } from '../../files/check-path';
import { fileError } from '../../files/file-error';
import { makeFolder } from '../../files/make-folder';
import { writeSafely } from '../../files/safe-write';
import { FormatError } from '../../tensor/errors';
import { flag, nonNegativeInteger } from '../../tensor/options';
import { readOptions, withDefault } from '../../tensor/read-options';
import type { CallbackState, TrainerCallback, TrainingRun } from '../callback';
import type { EpochRecord, ValidationRecord } from '../epoch-record';

/** Options of CsvLogger. */
export interface CsvLoggerOptions {
  /** Whether to write behind what the file has, rather than in its place. Default false. */
  append?: boolean;
}

/** Values by column; what a row does not have stays empty. */
type Row = ReadonlyMap<string, number>;

/**
 * Writes the history of a training into a CSV file, a line after each epoch and each validation within one, under
 * `epoch`, `step`, the figures of the training such as `train.loss` and `validation.accuracy`, `learningRate` (and
 * `learningRate.1`, … of further groups), `gradientNorm`, `seconds` and `examplesPerSecond`.
 *
 * Numbers are written in full, NaN as `NaN`; the folder of the file is made if it is not there. A line is in the file
 * before the next epoch begins. A training that is taken up again from a checkpoint goes on behind the lines that the
 * file had then; later ones are dropped.
 *
 * @throws {OptionError} if an option is unknown or the path no text
 * @throws {FormatError} from `fit`, with `append`, if the file has other columns
 * @throws {FileError} from `fit`, before the first step, if the file cannot be written; its code is the system's
 */
export class CsvLogger implements TrainerCallback {
  /** The file. */
  readonly path: string;
  readonly #append: boolean;
  #columns: readonly string[] = [];
  #lines = 0;
  #begun = false;

  constructor(path: string, options: CsvLoggerOptions = {}) {
    checkPath('CsvLogger', path, "new CsvLogger('history.csv')");
    this.path = path;
    this.#append = readOptions('CsvLogger', options, { append: withDefault(flag, false) }).append;
  }

  /**
   * Looks whether the file can be written.
   *
   * @throws {FileError} if it cannot be; its code is the system's
   * @throws {FormatError} with `append`, if it has other columns
   */
  async onStart(run: TrainingRun): Promise<void> {
    const groups = run.optimizer.groups.map((_, group) => rateName(group));
    this.#columns = ['epoch', 'step', ...run.figures, ...groups, 'gradientNorm', 'seconds', 'examplesPerSecond'];
    this.#begun = false;
    this.#lines = 0;
    await this.#writing(async () => {
      await makeFolder('CsvLogger', dirname(this.path));
      await appendFile(this.path, ''); // to learn at once that it cannot be written
    });
    if (this.#append) await this.#continueFrom(undefined);
  }

  /** Writes a line. @throws {FileError} if the file cannot be written; its code is the system's */
  async onValidation({ epoch, step, validation }: ValidationRecord): Promise<void> {
    await this.#write(new Map([['epoch', epoch], ['step', step], ...prefixed('validation', validation)]));
  }

  /** Writes a line. @throws {FileError} if the file cannot be written; its code is the system's */
  async onEpochEnd(record: EpochRecord): Promise<void> {
    const { epoch, step, train, validation = {}, learningRates, seconds, examplesPerSecond } = record;
    await this.#write(
      new Map([
        ['epoch', epoch],
        ['step', step],
        ...prefixed('train', train),
        ...prefixed('validation', validation),
        ...learningRates.map((rate, group): [string, number] => [rateName(group), rate]),
        ...(record.gradientNorm === undefined ? [] : [['gradientNorm', record.gradientNorm.mean] as const]),
        ['seconds', seconds],
        ['examplesPerSecond', examplesPerSecond],
      ]),
    );
  }

  async #write(row: Row): Promise<void> {
    const line = lineOf(this.#columns.map((name) => (row.has(name) ? String(row.get(name)) : '')));
    await this.#writing(async () => {
      if (this.#begun) return appendFile(this.path, line);
      await writeFile(this.path, lineOf(this.#columns) + line);
      this.#begun = true;
    });
    this.#lines++;
  }

  state(): CallbackState {
    return { data: { lines: this.#lines } };
  }

  /**
   * Goes on behind the lines of then.
   *
   * @throws {FileError} if the file cannot be read or written; its code is the system's
   * @throws {FormatError} if it has other columns
   * @throws {OptionError} if it is the state of something else
   */
  async loadState({ data }: CallbackState): Promise<void> {
    const { lines } = readOptions<object, { lines: number }>('CsvLogger.loadState', data, {
      lines: nonNegativeInteger,
    });
    await this.#continueFrom(lines);
  }

  /** Goes on behind so many lines of the file, or behind all of them. */
  async #continueFrom(lines: number | undefined): Promise<void> {
    const text = await this.#reading(() => readFile(this.path, 'utf8'));
    if (text === '') return;
    const [header = '', ...rows] = text.split('\n').slice(0, -1); // a last line without its end was cut off
    if (`${header}\n` !== lineOf(this.#columns)) {
      throw new FormatError('CsvLogger', {
        given: `${this.path} with the columns ${header.slice(0, 200)}`,
        expected: this.#columns.join(','),
        fix: 'write to another file, or leave append out to begin it anew',
      });
    }
    const kept = rows.slice(0, lines);
    const whole = [header, ...kept].map((line) => `${line}\n`).join('');
    if (whole !== text) await this.#writing(() => writeSafely(this.path, [Buffer.from(whole)]));
    this.#lines = kept.length;
    this.#begun = true;
  }

  async #writing(work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      throw fileError('CsvLogger', this.path, 'write', error);
    });
  }

  async #reading<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error: unknown) => {
      throw fileError('CsvLogger', this.path, 'read', error);
    });
  }
}

const rateName = (group: number): string => (group === 0 ? 'learningRate' : `learningRate.${group}`);

const prefixed = (part: string, figures: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(figures).map(([name, value]) => [`${part}.${name}`, value]);

/** Names of metrics may hold what CSV must quote. */
const lineOf = (fields: readonly string[]): string =>
  `${fields.map((field) => (/[",\r\n]/u.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\n`;
