import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { writeJson } from '../files/json-file';
import { makeFolder } from '../files/make-folder';
import { version } from '../files/package-version';
import { numThreads } from '../tensor/device';
import { ReportCallback } from '../report';
import type { TrainerCallback, TrainingRun } from '../training/callback';
import { CsvLogger } from '../training/callbacks/csv-logger';
import { GradientReport } from '../training/callbacks/gradient-report';
import { TensorBoard } from '../training/callbacks/tensorboard';

/** What a run folder says of the training beside its figures. */
export interface RunConfig {
  /** What the command line calls the task. */
  readonly task: string;
  /** The options of the task, and their defaults. */
  readonly options: object;
  /** How it was trained, with the defaults that its examples led to. */
  readonly training: object;
  /** Where it computes. */
  readonly device: string;
  /** Where its examples come from, if that is known. */
  readonly source?: object;
}

/** The folder of a training: everything it leaves, under names that do not change. */
export class RunFolder {
  /** The folder. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** What to give `fit` as the folder of checkpoints. */
  get checkpoints(): string {
    return join(this.path, 'checkpoints');
  }

  /** Whether there is a training to go on with. */
  get hasCheckpoints(): boolean {
    return existsSync(this.checkpoints) && readdirSync(this.checkpoints).some((name) => name.endsWith('.safetensors'));
  }

  /** The file of the trained task. */
  get model(): string {
    return join(this.path, 'model.safetensors');
  }

  /** The file of the task after its best epoch so far, while the training has not come to its end. */
  get unfinished(): string {
    return join(this.path, 'unfinished.safetensors');
  }

  /** Makes the folder, and writes `config.json`. */
  async #begin({ device, ...config }: RunConfig): Promise<void> {
    await makeFolder('fit', this.path);
    await this.write('config.json', { stmnet: version, ...config, environment: environment(device) });
  }

  /**
   * What writes the folder once a training begins, which it does not in the folder of another: `config.json`,
   * `history.csv`, `history.json` and `report.html` after each epoch, and `tensorboard/`.
   *
   * @param resume  whether files of a training that is taken up again are gone on with
   */
  callbacks(config: RunConfig, resume: boolean): TrainerCallback[] {
    return [
      { onStart: () => this.#begin(config) },
      new CsvLogger(join(this.path, 'history.csv'), { append: resume }),
      new TensorBoard(join(this.path, 'tensorboard')),
      new GradientReport({ print: false }),
      new HistoryFile(this),
      new ReportCallback(this.path),
    ];
  }

  /** Writes plain data as JSON, whole or not at all. @throws {FileError} if it cannot be written */
  write(name: string, data: unknown): Promise<void> {
    return writeJson('fit', join(this.path, name), data);
  }
}

/** Keeps `history.json` as it is after each epoch. */
class HistoryFile implements TrainerCallback {
  readonly #folder: RunFolder;

  constructor(folder: RunFolder) {
    this.#folder = folder;
  }

  onEpochEnd(_record: unknown, run: TrainingRun): Promise<void> {
    return this.#folder.write('history.json', run.history);
  }

  onEnd(run: TrainingRun): Promise<void> {
    return this.#folder.write('history.json', run.history);
  }
}

/** Where a training runs, as far as it decides how fast it is and what bits come out. */
const environment = (device: string): object => ({
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  threads: numThreads(),
  device,
});
