import { hasState } from '../io/checkpoint';
import { modesOf, trainingModes } from '../module/modes';
import { Module } from '../module/module';
import { assign } from '../module/state-dict';
import type { Optimizer } from '../optimizers/optimizer';
import { OptionError } from '../tensor/errors';
import { getRandomState, setRandomState } from '../tensor/generator';
import { noGrad } from '../tensor/grad-mode';
import { clone } from '../tensor/ops/elementwise';
import { describe, finiteNumber, positiveInteger } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import { noBatch, type Batches } from './batches';
import type { CheckedTrainer } from './check-trainer-options';
import { walkEpoch } from './epoch-walk';
import { foreignParameters } from './foreign-parameters';
import type { Steps } from './step';

/** Options of `findLearningRate`. */
export interface LearningRateSearchOptions {
  /** The first rate, above 0. Default 1e-6. */
  from?: number;
  /** The last one. Default 1. */
  to?: number;
  /** Training steps, at least 10. Default 100. */
  steps?: number;
}

/** The loss over rising learning rates. */
export interface LearningRateCurve {
  /** Rates of the first parameter group, ascending in equal factors; those of other groups keep their ratio to it. */
  readonly learningRates: readonly number[];
  /** The loss of each step, before its update. */
  readonly losses: readonly number[];
  /** The losses as a running mean that forgets a tenth at each step, corrected for its beginning. */
  readonly smoothed: readonly number[];
  /** Where the smoothed loss falls most steeply; undefined where it does not fall. */
  readonly suggestion: number | undefined;
}

/** What a search works with. */
export interface Search {
  readonly trainer: CheckedTrainer;
  readonly optimizer: Optimizer;
  readonly steps: Steps;
}

/** The smoothed loss at which a search ends: so many times the least one. */
const DIVERGED = 4;
const FORGETTING = 0.9;

/**
 * Trains with a rate that rises from step to step, and puts everything back: weights and buffers of the model and the
 * loss, whatever else the optimizer changes, optimizer, schedule, counters, random numbers and the place in the data.
 * Carried state begins anew.
 *
 * @throws {OptionError} if an option is unknown or out of range, or there is no batch
 */
export async function searchLearningRate(
  { trainer, optimizer, steps }: Search,
  loader: Batches<unknown>,
  given: LearningRateSearchOptions,
): Promise<LearningRateCurve> {
  const op = 'Trainer.findLearningRate';
  const options = readSearch(op, given);
  const putBack = keepAll({ trainer, optimizer, steps });
  const placed = hasState(loader) && 'loadState' in loader ? { loader, place: loader.state() } : undefined;
  const restoreModes = modesOf(trainer.model);
  trainingModes(trainer.model)();
  steps.begin();
  steps.carried.reset();
  try {
    return curveOf(...(await measured({ trainer, optimizer, steps }, loader, options)));
  } finally {
    restoreModes();
    placed?.loader.loadState(placed.place as never);
    putBack();
  }
}

/** Copies what steps change. @returns what puts it back, and lets go of the copies */
function keepAll({ trainer, optimizer, steps }: Search): () => void {
  const { model, loss, schedule } = trainer;
  const modules = loss instanceof Module ? [model, loss] : [model];
  const weights = modules.map((module) => ({ module, state: module.stateDict({ copy: true }) }));
  const others = foreignParameters(trainer, optimizer).map((value) => ({ value, copy: noGrad(() => clone(value)) }));
  const state = optimizer.stateDict({ copy: true });
  const [scheduled, counters, random] = [schedule?.stateDict(), steps.state(), getRandomState()];
  return () => {
    for (const { module, state: before } of weights) module.loadStateDict(before);
    for (const { value, copy } of others) assign(value, copy);
    if (scheduled !== undefined) schedule?.loadStateDict(scheduled);
    optimizer.loadStateDict(state); // has the last word on the rates
    optimizer.zeroGrad();
    steps.begin();
    steps.loadState({ ...counters, carried: {} });
    setRandomState(random);
    const states = [...weights.map((kept) => kept.state), state.state, counters.scaler?.state ?? {}];
    for (const copy of [...states.flatMap((of) => Object.values(of)), ...others.map(({ copy }) => copy)])
      copy.dispose();
  };
}

function readSearch(op: string, given: LearningRateSearchOptions): Required<LearningRateSearchOptions> {
  const options = readOptions(op, given, {
    from: withDefault(finiteNumber, 1e-6),
    to: withDefault(finiteNumber, 1),
    steps: withDefault(positiveInteger, 100),
  });
  const { from, to, steps } = options;
  if (from > 0 && to > from && steps >= 10) return options;
  throw new OptionError(op, {
    given: describe([from, to, steps]),
    expected: 'from above 0, to above from, and at least 10 steps',
    fix: 'pass such as { from: 1e-6, to: 1, steps: 100 }, or leave them out',
  });
}

/** The rates and losses of the steps, until there are enough or the loss has grown away. */
async function measured(
  { optimizer, steps }: Search,
  loader: Batches<unknown>,
  { from, to, steps: count }: Required<LearningRateSearchOptions>,
): Promise<[rates: number[], losses: number[]]> {
  const base = optimizer.groups.map(({ learningRate }) => learningRate);
  const rates: number[] = [];
  const losses: number[] = [];
  const goesOn = (): boolean => losses.length < count && !hasDiverged(losses);
  while (goesOn()) {
    const batches = await walkEpoch(loader, {
      place: (batch) => `batch ${batch} of the search for a learning rate`,
      step: (make) => {
        const rate = from * (to / from) ** (rates.length / (count - 1));
        optimizer.groups.forEach((group, index) => {
          const ratio = (base[index] ?? 0) / (base[0] ?? 0);
          group.learningRate = Number.isFinite(ratio) ? rate * ratio : rate;
        });
        const { step } = steps.train('Trainer.findLearningRate', make(), 'skip');
        if (step === undefined) return { done: steps.computed() };
        rates.push(rate);
        return { done: step.loss.data().then(([loss = Number.NaN]) => losses.push(loss)) };
      },
      after: async (_, drain) => {
        await drain();
        return goesOn();
      },
    });
    if (batches === 0) throw noBatch('Trainer.findLearningRate');
  }
  return [rates, losses];
}

function hasDiverged(losses: readonly number[]): boolean {
  const smoothed = smooth(losses);
  const last = smoothed.at(-1) ?? 0;
  return (
    !Number.isFinite(losses.at(-1) ?? 0) || (losses.length > 10 && last > DIVERGED * Math.abs(Math.min(...smoothed)))
  );
}

function smooth(losses: readonly number[]): number[] {
  let mean = 0;
  return losses.map((loss, index) => {
    mean = FORGETTING * mean + (1 - FORGETTING) * loss;
    return mean / (1 - FORGETTING ** (index + 1));
  });
}

function curveOf(learningRates: readonly number[], losses: readonly number[]): LearningRateCurve {
  const smoothed = smooth(losses);
  let [suggestion, steepest]: [number | undefined, number] = [undefined, 0];
  // The rates rise in equal factors, so that a difference is a slope over their logarithm. The first losses, of which
  // the mean knows little, and the last one, which may be NaN, do not count.
  for (let i = 5; i + 1 < smoothed.length; i++) {
    const slope = ((smoothed[i + 1] ?? 0) - (smoothed[i - 1] ?? 0)) / 2;
    if (slope < steepest) [suggestion, steepest] = [learningRates[i], slope];
  }
  return { learningRates, losses, smoothed, suggestion };
}
