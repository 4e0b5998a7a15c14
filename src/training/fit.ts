import { memory } from '../tensor/memory';
import { checkValidation } from './check-validation';
import { countOf } from './batches';
import { tellError } from './callback';
import type { CheckedTrainer } from './check-trainer-options';
import type { EpochRecord } from './epoch-record';
import { checkFigure, figureOf, type WithFigures } from './figure';
import { tell, type FitRun } from './fit-run';
import { Checkpoints } from './checkpoint-run';
import { modesOf, trainingModes } from '../module/modes';
import { makeProgress, silent, type Progress, type ProgressMaker } from './progress';
import { trainEpoch, type Underway } from './training-epoch';
import { checkParameters } from './training-error';
import { Validations } from './validations';

/** Trains for all epochs, unless the training is stopped; the modes of the model are afterwards as before. */
export async function fitEpochs(fit: FitRun): Promise<void> {
  const { trainer, options, history, run, stopping } = fit;
  const { epochs, callbacks } = options;
  const { schedule } = trainer;
  if (schedule?.figure !== undefined && schedule.figure !== 'loss')
    checkFigure(schedule.constructor.name, 'figure', schedule.figure, run.figures);
  if (options.validation !== undefined) checkValidation(trainer.form, options.validation);
  const checkpoints = await Checkpoints.begin(fit);
  const restore = modesOf(trainer.model);
  const train = trainingModes(trainer.model);
  let progress = silent; // until nothing is refused any more: it listens to its stream
  try {
    progress = await shownBy(options.progress, epochs);
    fit.shown.progress = progress;
    checkpoints?.tellFrom();
    const now = { progress, checkpoints, validations: new Validations(fit, progress) };
    await tell(fit, (callback) => callback.onStart?.(run));
    await checkpoints?.loadCallbacks();
    checkpoints?.checkCallbacks();
    // An epoch that was running is brought to its end, whoever has asked to stop.
    const goesOn = (): boolean => stopping() === undefined || checkpoints?.from?.running !== undefined;
    for (let epoch = checkpoints?.from?.epoch ?? 1; epoch <= epochs && goesOn(); epoch++) {
      train();
      await tell(fit, (callback) => callback.onTrain?.(run));
      const record = await fitEpoch(fit, epoch, now);
      history.add(record);
      progress.end(record);
      await tell(fit, (callback) => callback.onEpochEnd?.(record, run));
      noteStop(fit, epoch);
      await checkpoints?.afterEpoch(record);
    }
    await checkpoints?.end();
    await tell(fit, (callback) => callback.onEnd?.(run));
  } catch (error) {
    await tellError(callbacks, error, run);
    throw error;
  } finally {
    progress.stop();
    fit.shown.progress = silent;
    restore();
    await checkpoints?.close();
  }
}

async function shownBy(made: boolean | ProgressMaker, epochs: number): Promise<Progress> {
  if (typeof made === 'function') return made(epochs);
  return made ? makeProgress(epochs) : silent;
}

/** After an epoch that is the last one because of `stop`, and not as it was to be. */
function noteStop({ options, history, steps, shown, stopping, reason }: FitRun, epoch: number): void {
  if (stopping() === undefined || epoch >= options.epochs) {
    history.noteStop(undefined);
    return;
  }
  const stopped = { epoch, step: steps.count, reason: reason() ?? 'stop() was called' };
  history.noteStop(stopped);
  shown.progress.note(`stopped after epoch ${epoch} of ${options.epochs}: ${stopped.reason}`);
}

async function fitEpoch(fit: FitRun, epoch: number, now: Underway): Promise<EpochRecord> {
  const { trainer, steps, options, optimizer, run } = fit;
  const started = performance.now() - 1000 * (now.checkpoints?.from?.running?.seconds ?? 0);
  now.progress.start(epoch, countOf(fit.loader));
  const trained = await trainEpoch({ ...fit, ...now, epoch, started });
  const { train, skipped, gradientNorm, examples, seconds } = trained;
  if (options.onNaN !== 'ignore') await checkParameters(optimizer, trainer.model, epoch);
  const { learningRates } = steps;
  await tell(fit, (callback) => callback.onMeasure?.(run));
  const validation = (await now.validations.afterEpoch(epoch))?.validation;
  steps.tellUnread();
  if (trainer.scheduleEvery !== 'step') moveSchedule(trainer, { train, ...(validation && { validation }) });
  return {
    epoch,
    step: steps.count,
    train,
    ...(validation && { validation }),
    ...(skipped > 0 ? { skipped } : {}),
    learningRate: learningRates[0] ?? Number.NaN,
    learningRates,
    ...(gradientNorm && { gradientNorm }),
    seconds: (performance.now() - started) / 1000,
    examples,
    examplesPerSecond: examples / seconds,
    memory: { tensors: memory().peakBytes, process: process.memoryUsage.rss() },
  };
}

/** After an epoch. */
function moveSchedule({ schedule }: CheckedTrainer, figures: WithFigures): void {
  const loss = figures.validation?.loss ?? figures.train?.loss;
  const named = schedule?.figure;
  schedule?.step(named === undefined || named === 'loss' ? loss : figureOf(figures, named));
}
