import { loadParts } from '../io/checkpoint';
import type { CheckedCheckpoints } from './checkpoint-options';
import { CheckpointFolder } from './checkpoint-folder';
import { identityOf, type Identity } from './checkpoint-identity';
import { checkKeepable } from './checkpoint-keepable';
import { resumeFrom, treeOf, type BestSoFar, type Position, type RunningEpoch } from './checkpoint-state';
import { bestText, type EpochRecord, type ValidationRecord } from './epoch-record';
import { checkFigure, figureOf, type WithFigures } from './figure';
import { directionOf, isBetter, type Mode } from './figure-direction';
import type { FitRun } from './fit-run';
import { Interrupt } from './interrupt';
import { writeLine } from './progress';
import { TrainingError } from './training-error';
import { counted } from '../tensor/counted';

const op = 'Trainer.fit';
const bestOp = `${op}: checkpoints.best`;

/** An epoch, and where in it. */
type Place = Pick<Position, 'epoch' | 'running'>;

/** The checkpoints of a running `fit`. */
export class Checkpoints {
  readonly #fit: FitRun;
  readonly #options: CheckedCheckpoints;
  readonly #folder: CheckpointFolder;
  readonly #identity: Identity;
  readonly #interrupt: Interrupt;
  readonly #mode: Mode;
  #best: BestSoFar | undefined;
  /** Whether that is of this moment, and not written yet. */
  #unwritten = false;
  #from: Position | undefined;
  #loadCallbacks: (() => Promise<void>) | undefined;
  #loaded: () => void = () => undefined;
  #metricsChecked = false;
  /** Whether that is known which shows the training. */
  #begun = false;
  /** Whether all is written: where the training is at its end, or after Ctrl-C. */
  #whole = false;

  private constructor(fit: FitRun, options: CheckedCheckpoints, folder: CheckpointFolder) {
    this.#fit = fit;
    this.#options = options;
    this.#folder = folder;
    this.#identity = identityOf(fit);
    this.#mode = modeOf(fit, options);
    this.#interrupt = new Interrupt(() => this.#tellAsked());
  }

  /**
   * Takes the folder, and puts the training where its newest checkpoint was if it is to be taken up again.
   *
   * @throws {FileError} if the folder cannot be written, or is in use
   * @throws {OptionError} if the checkpoint is of another training, or there is one and it is not to be taken up again
   * @throws {FormatError} if all checkpoints are damaged
   */
  static async begin(fit: FitRun): Promise<Checkpoints | undefined> {
    const { checkpoints, resume } = fit.options;
    if (checkpoints === undefined) return undefined;
    modeOf(fit, checkpoints); // before the folder is made
    const folder = await CheckpointFolder.open(op, checkpoints.folder);
    let begun: Checkpoints | undefined;
    try {
      begun = new Checkpoints(fit, checkpoints, folder);
      await (resume ? begun.#resume() : folder.refuseOld());
    } catch (error) {
      await (begun ?? folder).close();
      throw error;
    }
    return begun;
  }

  /** Where the training goes on; undefined where it begins. */
  get from(): Position | undefined {
    return this.#from;
  }

  async #resume(): Promise<void> {
    const found = await this.#folder.newest();
    if (found === undefined) return;
    const { position, callbacks, loaded } = await resumeFrom(this.#fit, this.#identity, found);
    this.#from = position;
    const { steps, history, options } = this.#fit;
    const epoch = position.running === undefined ? Math.min(position.epoch, options.epochs) : position.epoch;
    history.noteResume({ path: found.path, epoch, step: steps.count });
    this.#best = this.#sameBest(position.best);
    this.#loadCallbacks = callbacks;
    this.#loaded = loaded;
    // A process that was killed just then may have left an older one there.
    if (this.#best?.step === this.#fit.steps.count) await this.#folder.linkBest(this.#best.step);
  }

  /** Says where the training goes on, or that there is nothing to go on with. */
  tellFrom(): void {
    const { history, options, shown } = this.#fit;
    this.#begun = true;
    if (this.#interrupt.asked) this.#tellAsked();
    const { resumed } = history;
    if (resumed === undefined || this.#wasEnded) return;
    const { path, step } = resumed;
    const { epoch } = this.#from ?? resumed;
    const ended = epoch > options.epochs;
    const within = this.#from?.running !== undefined;
    const place = within ? `within epoch ${epoch}, after step ${step}` : `of the end of epoch ${epoch - 1}`;
    // A schedule that is made for so many epochs, as most are, is another one for more, which would be refused.
    const advice =
      this.#fit.trainer.schedule === undefined
        ? 'pass more epochs to train on, or another folder to begin anew'
        : 'to train longer, begin anew in another folder, with more epochs';
    shown.progress.note(
      ended
        ? `nothing to train: ${path} is ${place}, and epochs is ${options.epochs}; ${advice}`
        : `goes on in epoch ${epoch} of ${options.epochs}, after step ${step}, from ${path}`,
    );
  }

  /** The best one so far, unless another figure is to tell it from now on: values of two figures do not compare. */
  #sameBest(before: BestSoFar | undefined): BestSoFar | undefined {
    const { best } = this.#options;
    if (best === undefined) return before;
    return before?.figure === best.figure && before.mode === this.#mode ? before : undefined;
  }

  /** Brings the callbacks to where they were, once they have begun. */
  async loadCallbacks(): Promise<void> {
    await this.#loadCallbacks?.();
    const { stopping, reason } = this.#from ?? {};
    if (stopping === undefined) return;
    if (this.#wasEnded) this.#tellEnded();
    this.#fit.decided.stopping = stopping;
    this.#fit.run.stop({
      after: stopping === 'after step' ? 'step' : 'epoch',
      ...(reason !== undefined && { reason }),
    });
  }

  /** Whether a callback has ended the training that is to be taken up. */
  get #wasEnded(): boolean {
    return this.#from !== undefined && this.#from.stopping !== undefined && this.#from.running === undefined;
  }

  #tellEnded(): void {
    const { history, options, steps } = this.#fit;
    process.emitWarning(
      `${op}: got a training that a callback ended after epoch ${history.epochs.length}, and so it does not go on to ` +
        `epoch ${options.epochs}.\n  Fix: to train on, begin anew in another folder; for the weights there ` +
        `await loadCheckpoint(${JSON.stringify(this.#folder.pathOf(steps.count))}, { model }).`,
      { type: 'StmnetWarning', code: 'STM_TRAINING_ENDED' },
    );
  }

  /** @throws {OptionError} if a callback has a state that cannot be kept */
  checkCallbacks(): void {
    const fix = 'let its state() give { data, tensors }: plain data, and tensors by names; or leave checkpoints out';
    for (const callback of this.#fit.options.callbacks)
      checkKeepable(op, `the callback ${callback.constructor.name}`, callback.state?.(), fix);
  }

  /** Whether the states of the metrics have not been looked at: after one batch they are what they will be. */
  get metricsUnchecked(): boolean {
    return !this.#metricsChecked;
  }

  /**
   * @param states  of the counts of the metrics, in their order
   * @throws {OptionError} if one cannot be kept
   */
  checkMetrics(states: readonly unknown[]): void {
    this.#metricsChecked = true;
    const fix =
      'let count() of a HostMetric return plain data, as Object.fromEntries(map) or [...set], and state() of a count ' +
      'likewise; or leave checkpoints out';
    this.#fit.trainer.metrics.forEach(({ name }, index) => checkKeepable(op, `the metric ${name}`, states[index], fix));
  }

  /** Lets go of what was read, once the running epoch has taken its figures over. */
  taken(): void {
    this.#loaded();
    this.#from = undefined;
  }

  /** Takes what a validation within an epoch has found: the best one so far is to be kept. */
  validated(record: ValidationRecord): void {
    this.#look(record);
  }

  #look(record: WithFigures & { readonly epoch: number }): void {
    const { best } = this.#options;
    const value = best === undefined ? undefined : figureOf(record, best.figure);
    if (best === undefined || value === undefined || !isBetter(value, this.#best?.value, this.#mode)) return;
    this.#best = { figure: best.figure, mode: this.#mode, value, step: this.#fit.steps.count, epoch: record.epoch };
    this.#unwritten = true;
  }

  /** Whether something is to be written after this step of an epoch: a checkpoint, or the best one alone. */
  due(): boolean {
    return this.#unwritten || this.#stepDue();
  }

  #stepDue(): boolean {
    const { everySteps } = this.#options;
    return this.#interrupt.asked || (everySteps !== undefined && this.#fit.steps.count % everySteps === 0);
  }

  /**
   * What is due in the middle of an epoch, all steps of which are done.
   *
   * @throws {TrainingError} with the code ERR_STM_INTERRUPTED after Ctrl-C
   */
  async afterStep(epoch: number, running: RunningEpoch): Promise<void> {
    await this.#write({ epoch, running }, this.#stepDue());
    await this.#interrupted(epoch);
  }

  /**
   * A checkpoint after an epoch, its validation and the callbacks.
   *
   * @throws {TrainingError} with the code ERR_STM_INTERRUPTED after Ctrl-C
   */
  async afterEpoch(record: EpochRecord): Promise<void> {
    this.#look(record);
    const last = record.epoch === this.#fit.options.epochs || this.#fit.stopping() !== undefined;
    const due = last || this.#interrupt.asked || record.epoch % this.#options.everyEpochs === 0;
    await this.#write({ epoch: record.epoch + 1 }, due);
    await this.#interrupted(record.epoch);
  }

  /** After the last epoch: all is written, and the model has its best weights if it is to have them. */
  async end(): Promise<void> {
    await this.#folder.settled();
    this.#whole = true;
    if (this.#best === undefined) return;
    const { restoreBest } = this.#options;
    if (restoreBest) {
      const { tree, tensors } = await this.#folder.best();
      await loadParts([[this.#fit.trainer.model, tree['model']]]);
      for (const tensor of tensors) tensor.dispose();
    }
    const what = restoreBest ? 'the weights are those of then' : `in ${this.#folder.bestPath}`;
    this.#fit.shown.progress.note(`best ${bestText(this.#best)}; ${what}`);
  }

  /** Whatever became of the training. After Ctrl-C the process ends here. */
  async close(): Promise<void> {
    this.taken();
    await this.#folder.close();
    if (this.#whole && this.#interrupt.asked) await this.#interrupt.pass();
    else this.#interrupt.close();
  }

  #tree(position: Place): Record<string, unknown> {
    const { stopping } = this.#fit.decided;
    return treeOf(this.#fit, this.#identity, {
      ...position,
      best: this.#best,
      stopping,
      reason: stopping && this.#fit.reason(),
    });
  }

  /** @param due  whether there is a checkpoint of this step; else the best one alone, if it is of now */
  async #write(position: Place, due: boolean): Promise<void> {
    const best = this.#unwritten;
    if (!due && !best) return;
    await this.#folder.ready();
    this.#unwritten = false;
    if (due) this.#folder.write(this.#fit.steps.count, this.#tree(position), { keep: this.#options.keep, best });
    else this.#folder.writeBest(this.#tree(position));
  }

  async #interrupted(epoch: number): Promise<void> {
    if (!this.#interrupt.asked) return;
    await this.#folder.settled();
    this.#whole = true;
    const { steps, options } = this.#fit;
    const path = this.#folder.pathOf(steps.count);
    const error = new TrainingError(
      op,
      {
        given: `Ctrl-C in epoch ${epoch}, after step ${steps.count}`,
        expected: `to train ${counted(options.epochs, 'epoch')}`,
        fix: `run it again with resume: true, and it goes on from ${path}`,
      },
      'ERR_STM_INTERRUPTED',
    );
    this.#tellInterrupt(`${op}: stopped after step ${steps.count}. Resumed, it goes on from ${path}`);
    throw error;
  }

  /** While the checkpoint is read, nobody knows yet who is to tell of Ctrl-C: then it is told afterwards. */
  #tellAsked(): void {
    if (this.#begun)
      this.#tellInterrupt(`\n${op}: stops after this step, with a checkpoint. Ctrl-C again stops at once.`);
  }

  #tellInterrupt(line: string): void {
    if (this.#fit.shown.progress.tellsInterrupts !== true) writeLine(process.stderr, line);
  }
}

/**
 * Whether the figure of the best checkpoint should become small or large.
 *
 * @throws {OptionError} if there is no such figure, or its name does not tell
 */
function modeOf({ run }: FitRun, { best }: CheckedCheckpoints): Mode {
  if (best === undefined) return 'min';
  checkFigure(bestOp, 'figure', best.figure, run.figures);
  return best.mode ?? directionOf(bestOp, best.figure);
}
