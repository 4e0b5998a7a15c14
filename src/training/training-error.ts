import { CTCLoss } from '../losses/ctc';
import { Loss } from '../losses/loss';
import type { Module } from '../module/module';
import type { Optimizer } from '../optimizers/optimizer';
import { StmnetError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { isFinite } from '../tensor/ops/elementwise';
import { all } from '../tensor/ops/reduce';
import { scope } from '../tensor/scope';
import type { Tensor } from '../tensor/tensor';
import type { Batches } from './batches';
import type { CheckedTrainer } from './check-trainer-options';
import { diagnose, oddField, type Diagnosis } from './diagnosis';
import type { FitRun } from './fit-run';
import type { EmptyTerms, Odd } from './mean-loss';
import { restoreStatistics, statisticsOf } from './recent-steps';
import { largestMagnitude } from './update';
import { counted } from '../tensor/counted';

/** A training that cannot go on as it is: its loss, a gradient or a parameter is not finite, or nothing counts. */
export class TrainingError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_TRAINING';
}

/** Where a step of `fit` was. */
export interface Place {
  readonly epoch: number;
  readonly batch: number;
  readonly step: number;
}

/** In words. */
export const wordsOf = ({ epoch, batch, step }: Place): string =>
  `epoch ${epoch}, batch ${batch} (step ${step} of the trainer)`;

const LOOK = 'for sqrt, norm, log or division at 0 in the model and the loss';
const HISTORY = 'trainer.history has the epochs before';

/**
 * The error of a step whose loss or gradient is not finite. Neither it nor a later one has changed a parameter, so that
 * it can be repeated to find out where that began. Running means and variances become those before the step again.
 */
export async function oddStep({ trainer, steps, optimizer }: FitRun, odd: Odd, place: Place): Promise<TrainingError> {
  const { model } = trainer;
  const spoiled = await spoiledParameters(optimizer, model);
  const recent = steps.recent.of(place.step);
  let diagnosis: Diagnosis | undefined;
  for (const step of recent) if (diagnosis?.first === undefined) diagnosis = await diagnose(trainer, step);
  recent.toReversed().forEach(restoreStatistics);
  return new TrainingError('Trainer.fit', {
    given: `${oddText(odd)} in ${wordsOf(place)}${beginText(diagnosis)}`,
    expected: odd.what === 'loss' ? 'a finite number' : 'finite numbers',
    fix: spoiled.length === 0 ? adviceOn(odd, diagnosis, trainer) : reload(spoiled),
  });
}

function oddText(odd: Odd): string {
  if (odd.what === 'loss') return `a loss of ${odd.value}`;
  return odd.what === 'gradient'
    ? 'a gradient of NaN or infinity'
    : `gradients that overflow at a scale of ${odd.value}`;
}

function beginText(diagnosis: Diagnosis | undefined): string {
  if (diagnosis === undefined) return '';
  return diagnosis.first === undefined ? ', but not when it is repeated' : `, first in ${diagnosis.first}`;
}

/** What keeps a training from growing over, other than what it had. */
function smaller({ clipGradNorm: had = Number.POSITIVE_INFINITY }: Pick<CheckedTrainer, 'clipGradNorm'>): string {
  const clipped = had > 1 ? ' or clipGradNorm: 1' : ` or a clipGradNorm below ${had}`;
  return `a smaller learningRate${had > 0 ? clipped : ''} keeps a training from growing over`;
}

function adviceOn(odd: Odd, diagnosis: Diagnosis | undefined, trainer: CheckedTrainer): string {
  const { fields = [] } = diagnosis ?? {};
  const rate = smaller(trainer);
  const rest = `onNaN: 'skip' leaves such batches out. The weights are those before the step, and ${HISTORY}`;
  if (fields.length > 0) return `take NaN or infinity out of ${fields.join(' and ')}; ${rate}; ${rest}`;
  const { loss } = trainer;
  const mayBeCtc = loss instanceof CTCLoss || !(loss instanceof Loss);
  const look = odd.what === 'loss' ? `look for ${IN_LOSS}${mayBeCtc ? CTC : ''}` : `look ${LOOK}`;
  // A loss that has grown over is infinite. That of CTC is so for a target that does not fit, too.
  const grown = odd.what === 'loss' && odd.value === Number.POSITIVE_INFINITY && !(loss instanceof CTCLoss);
  return `${grown ? `${rate}; else ${look}` : `${look}; ${rate}`}; ${rest}`;
}

const IN_LOSS = 'log or division by 0 there';
const CTC = ', and for a CTC target too long for its input';

/** The error of a validation loss that is not finite. A DataLoader is walked again for the item that holds NaN. */
export async function oddValidation(
  trainer: CheckedTrainer,
  loader: Batches<unknown>,
  value: number,
  when: string,
): Promise<TrainingError> {
  const field = await oddField(loader);
  const look =
    field === undefined
      ? 'look for NaN or infinity in the validation data and in what the model keeps of the training data, and for ' +
        `log or division by 0 in the model; ${smaller(trainer)}`
      : `take NaN or infinity out of ${field}`;
  return new TrainingError('Trainer.fit', {
    given: `a validation loss of ${value} ${when}`,
    expected: 'a finite number',
    fix: `${look}; onNaN: 'skip' goes on. ${HISTORY}`,
  });
}

/**
 * @throws {TrainingError} if a parameter in training, or a mean or variance of the batches, is NaN or infinite after an
 * epoch: no later step could mend it
 */
export async function checkParameters(optimizer: Optimizer, model: Module, epoch: number): Promise<void> {
  const statistics = statisticsOf(model);
  const groups = [
    ...optimizer.groups.map(({ parameters }): readonly Tensor[] => parameters),
    statistics.map(([, values]) => values),
  ].filter(({ length }) => length > 0);
  const { reads } = scope(() => ({ reads: groups.map((values) => largestMagnitude(values, []).data()) }));
  const largest = await Promise.all(reads);
  if (largest.every(([value]) => Number.isFinite(value))) return;
  const spoiled = [...(await spoiledParameters(optimizer, model)), ...(await spoiledOf(statistics))];
  throw new TrainingError('Trainer.fit', {
    given: `NaN or infinity in ${listed(spoiled)} after epoch ${epoch}`,
    expected: 'finite numbers',
    fix: reload(spoiled),
  });
}

const reload = (spoiled: readonly string[]): string =>
  `load weights saved before: NaN or infinity stands in ${listed(spoiled)}, which no step can mend. Take a smaller ` +
  `learningRate; look for NaN or infinity in the input of earlier batches and ${LOOK}; ${HISTORY}`;

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? 'a parameter outside the model'
    : `${names.slice(0, 3).join(', ')}${names.length > 3 ? ' and others' : ''}`;

/**
 * Names of the parameters in training that hold NaN or infinity. Parameters that are not trained may hold them on
 * purpose, as a mask of -Infinity does.
 */
async function spoiledParameters(optimizer: Optimizer, model: Module): Promise<string[]> {
  const trained = new Set<Tensor>(optimizer.groups.flatMap(({ parameters }) => parameters));
  return spoiledOf([...model.namedParameters()].filter(([, parameter]) => trained.has(parameter)));
}

async function spoiledOf(named: readonly (readonly [string, Tensor])[]): Promise<string[]> {
  const { reads } = noGrad(() => scope(() => ({ reads: named.map(([, values]) => all(isFinite(values)).data()) })));
  const finite = await Promise.all(reads);
  return named.flatMap(([name], index) => (finite[index]?.[0] === 1 ? [] : [name]));
}

/** An epoch without anything to learn from: of the loss, or of a term of it, nothing counts, so that it is 0 / 0. */
export function nothingCounts(epoch: number, batches: number, { terms, of }: EmptyTerms): TrainingError {
  const all = terms.length === of;
  const where = `${counted(batches, 'batch', 'batches')} in epoch ${epoch} of which nothing counts for`;
  const look = 'look whether all labels are ignoreIndex, all weights 0 or all sequences empty';
  return new TrainingError('Trainer.fit', {
    given: all
      ? `${where} the loss`
      : `${where} term ${terms.join(' and ')} of the ${of} of the loss, so that it is NaN`,
    expected: all ? 'at least one target that does' : 'a finite number of each term: steps with NaN are left out',
    fix: all ? look : `let such a term be 0 where its divisor is, { loss: zeros([]), divisor: 0 }; else ${look}`,
  });
}
