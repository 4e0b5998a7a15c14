import { countOf } from './batches';
import { tellError } from './callback';
import type { CheckedTrainer } from './check-trainer-options';
import type { EpochRecord, Figures } from './epoch-record';
import { evaluateBatches } from './evaluation';
import { checkFigure, figureOf, type WithFigures } from './figure';
import type { FitRun } from './fit-run';
import { modesOf, trainingModes } from '../module/modes';
import { makeProgress, silent, type Progress } from './progress';
import { trainEpoch } from './training-epoch';
import { checkParameters, oddValidation } from './training-error';

/** Trains for all epochs, unless the training is stopped; the modes of the model are afterwards as before. */
export async function fitEpochs(fit: FitRun): Promise<void> {
  const { trainer, options, history, run, stopping } = fit;
  const { epochs, callbacks } = options;
  const { schedule } = trainer;
  if (schedule?.figure !== undefined && schedule.figure !== 'loss')
    checkFigure(schedule.constructor.name, 'figure', schedule.figure, run.figures);
  const progress = options.progress ? await makeProgress(epochs) : silent;
  const restore = modesOf(trainer.model);
  const train = trainingModes(trainer.model);
  try {
    for (const callback of callbacks) await callback.onStart?.(run);
    for (let epoch = 1; epoch <= epochs && stopping() === undefined; epoch++) {
      train();
      const record = await fitEpoch(fit, epoch, progress);
      history.add(record);
      progress.end(record);
      for (const callback of callbacks) await callback.onEpochEnd?.(record, run);
    }
    for (const callback of callbacks) await callback.onEnd?.(run);
  } catch (error) {
    await tellError(callbacks, error, run);
    throw error;
  } finally {
    progress.stop();
    restore();
  }
}

async function fitEpoch(fit: FitRun, epoch: number, progress: Progress): Promise<EpochRecord> {
  const { trainer, steps, options, optimizer } = fit;
  const started = performance.now();
  progress.start(epoch, countOf(fit.loader));
  const strict = options.nonFiniteLoss === 'throw' && trainer.precision !== 'f16';
  const { train, skipped } = await trainEpoch({ ...fit, epoch, progress, strict });
  await checkParameters(optimizer, trainer.model, epoch);
  const { learningRate } = steps;
  const validation = await validate(fit, epoch);
  steps.tellUnread();
  if (trainer.scheduleEvery !== 'step') moveSchedule(trainer, { train, ...(validation && { validation }) });
  return {
    epoch,
    train,
    ...(validation && { validation }),
    ...(skipped > 0 ? { skipped } : {}),
    learningRate,
    seconds: (performance.now() - started) / 1000,
  };
}

/** The figures of the validation batches after an epoch; undefined if there are none. */
async function validate(fit: FitRun, epoch: number): Promise<Figures | undefined> {
  const { validation, nonFiniteLoss } = fit.options;
  if (validation === undefined) return undefined;
  const figures = await evaluateBatches(fit, validation, ` of the validation after epoch ${epoch}`);
  if (!Number.isFinite(figures.loss) && nonFiniteLoss === 'throw') throw oddValidation(figures.loss, epoch);
  return figures;
}

/** After an epoch. */
function moveSchedule({ schedule }: CheckedTrainer, figures: WithFigures): void {
  const loss = figures.validation?.loss ?? figures.train?.loss;
  const named = schedule?.figure;
  schedule?.step(named === undefined || named === 'loss' ? loss : figureOf(figures, named));
}
