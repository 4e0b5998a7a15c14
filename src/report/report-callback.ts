import { checkPath } from '../files/check-path';
import { nonNegativeNumber } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { TrainerCallback } from '../training/callback';
import { writeReport } from './write-report';

/** Options of ReportCallback. */
export interface ReportCallbackOptions {
  /** Seconds between two pages at least, those of the beginning and the end apart. Default 3. */
  everySeconds?: number;
}

/**
 * Keeps the report of a run folder up to date while a training writes there: at its beginning, after epochs, and at its
 * end. It reads the folder alone, so that it stands behind the callbacks that write `history.json`.
 *
 * @throws {OptionError} if an option is unknown or out of range, or the folder no text
 * @throws {FormatError} from `fit`, if a file of the folder is damaged
 * @throws {FileError} from `fit`, if the folder has no `config.json` yet, or a file cannot be read or written
 */
export class ReportCallback implements TrainerCallback {
  /** The run folder. */
  readonly folder: string;
  readonly #pause: number;
  #next = 0;

  constructor(folder: string, options: ReportCallbackOptions = {}) {
    checkPath('ReportCallback', folder, "new ReportCallback('run')");
    this.folder = folder;
    const read = readOptions('ReportCallback', options, { everySeconds: withDefault(nonNegativeNumber, 3) });
    this.#pause = 1000 * read.everySeconds;
  }

  async onStart(): Promise<void> {
    this.#next = 0; // the first epoch is shown at once
    await writeReport(this.folder, { running: true });
  }

  async onEpochEnd(): Promise<void> {
    if (performance.now() < this.#next) return;
    await writeReport(this.folder, { running: true });
    this.#next = performance.now() + this.#pause;
  }

  async onEnd(): Promise<void> {
    await writeReport(this.folder);
  }

  async onError(): Promise<void> {
    await writeReport(this.folder);
  }
}
