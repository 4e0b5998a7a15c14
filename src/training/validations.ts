import type { ValidationRecord } from './epoch-record';
import { evaluateBatches } from './evaluation';
import { tell, type FitRun } from './fit-run';
import type { Progress } from './progress';
import { oddValidation } from './training-error';

/** The validations of a training, at the ends of epochs and, as `validateEvery` says, within them. */
export class Validations {
  readonly #fit: FitRun;
  readonly #progress: Progress;
  #last: ValidationRecord | undefined;

  constructor(fit: FitRun, progress: Progress) {
    this.#fit = fit;
    this.#progress = progress;
  }

  /** Whether there is to be one after this step of an epoch. */
  due(): boolean {
    const { steps, options } = this.#fit;
    return options.validateEvery !== undefined && steps.count % options.validateEvery === 0;
  }

  /** After a training step: validates if it is the time for it, and tells the callbacks. @returns what it came to */
  async afterStep(epoch: number): Promise<ValidationRecord | undefined> {
    if (!this.due()) return undefined;
    const { steps, history, run } = this.#fit;
    const record = await this.#measure(epoch, `at step ${steps.count}`);
    if (record === undefined) return undefined;
    history.addValidation(record);
    this.#progress.validation(record);
    await tell(this.#fit, (callback) => callback.onValidation?.(record, run));
    return record;
  }

  /** At the end of an epoch. What was measured after its last step is not measured again. */
  async afterEpoch(epoch: number): Promise<ValidationRecord | undefined> {
    if (this.#last?.step === this.#fit.steps.count && this.#last.epoch === epoch) return this.#last;
    return this.#measure(epoch, `after epoch ${epoch}`);
  }

  async #measure(epoch: number, when: string): Promise<ValidationRecord | undefined> {
    const { trainer, options, steps } = this.#fit;
    if (options.validation === undefined) return undefined;
    const validation = await evaluateBatches(this.#fit, options.validation, ` of the validation ${when}`);
    if (!Number.isFinite(validation.loss) && options.onNaN === 'stop')
      throw await oddValidation(trainer, options.validation, validation.loss, when);
    this.#last = { epoch, step: steps.count, validation };
    return this.#last;
  }
}
