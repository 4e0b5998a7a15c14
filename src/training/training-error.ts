import type { Module } from '../layers/module';
import { StmnetError, type ErrorParts } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { isFinite } from '../tensor/ops/elementwise';
import { all } from '../tensor/ops/reduce';
import { scope } from '../tensor/scope';

/** A training that cannot go on as it is: its loss is not finite, or nothing counts. */
export class TrainingError extends StmnetError {
  constructor(op: string, message: ErrorParts, code = 'ERR_STM_TRAINING') {
    super(op, message, code);
  }
}

/** A loss that is not finite, and where it was: in a batch, or in the validation after an epoch. */
export interface NonFinite {
  readonly value: number | undefined;
  readonly epoch: number;
  readonly batch?: number;
  readonly step?: number;
}

/** What to say of a loss that is not finite: parameters tell whether the batch is to blame, or a gradient before it. */
export async function nonFinite(
  model: Module,
  { value = Number.NaN, epoch, batch, step }: NonFinite,
): Promise<TrainingError> {
  const inBatch = `a loss of ${value} in epoch ${epoch}, batch ${batch} (step ${step} of the trainer)`;
  const where = batch === undefined ? `a validation loss of ${value} after epoch ${epoch}` : inBatch;
  const spoiled = await spoiledParameters(model);
  const data = batch === undefined ? 'the validation data' : 'this batch';
  const kept = batch === undefined ? '' : 'The step changed no parameter, and ';
  const some = `${spoiled.slice(0, 3).join(', ')}${spoiled.length > 3 ? ' and others' : ''}`;
  const fix =
    spoiled.length === 0
      ? `look for NaN or infinity in ${data}, for log or division by 0 in the model, for a CTC target too long for its ` +
        'input; a smaller learningRate or clipGradNorm: 1 keeps a training from growing over; ' +
        `nonFiniteLoss: 'skip' leaves such batches out. ${kept}trainer.history has the epochs before`
      : `load weights saved before: NaN or infinity stands in ${some}, because a gradient of an earlier step was not ` +
        'finite; look for sqrt, norm, log or division at 0 in the model and the loss, and take a smaller learningRate. ' +
        'trainer.history has the epochs before';
  return new TrainingError('Trainer.fit', { given: where, expected: 'a finite number', fix });
}

/** Names of the parameters that hold NaN or infinity. */
async function spoiledParameters(model: Module): Promise<string[]> {
  const named = [...model.namedParameters()];
  const { reads } = noGrad(() =>
    scope(() => ({ reads: named.map(([, parameter]) => all(isFinite(parameter)).data()) })),
  );
  const finite = await Promise.all(reads);
  return named.flatMap(([name], index) => (finite[index]?.[0] === 1 ? [] : [name]));
}

/** An epoch without anything to learn from. */
export function nothingCounts(epoch: number, batches: number): TrainingError {
  return new TrainingError('Trainer.fit', {
    given: `${batches} batches in epoch ${epoch} of which nothing counts for the loss`,
    expected: 'at least one target that does',
    fix: 'look whether all labels are ignoreIndex, all class weights 0 or all sequences empty',
  });
}
