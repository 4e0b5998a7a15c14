import { DataLoader } from '../data/data-loader';
import { itemNames } from '../data/item-places';
import type { Module } from '../module/module';
import { countsRows } from '../tensor/batch-rows';
import { setRandomState, keepRandomState } from '../tensor/generator';
import { noGrad } from '../tensor/grad-mode';
import { clone, copy_, isFinite } from '../tensor/ops/elementwise';
import { all } from '../tensor/ops/reduce';
import { isPlainObject } from '../tensor/options';
import { scope } from '../tensor/scope';
import { rowsOf } from './batch';
import type { Batches } from './batches';
import type { CheckedTrainer } from './check-trainer-options';
import { isRefusal } from './faults';
import type { RecentStep } from './recent-steps';
import { realTensors } from './real-tensors';
import { forward } from './step';

/** Where NaN or infinity began in a step. */
export interface Diagnosis {
  /**
   * The first of the outputs of modules, the loss, and the gradients of parameters that is not finite, in words; those
   * of gradients are looked at from the loss back. Undefined where the step, repeated, was finite.
   */
  readonly first: string | undefined;
  /** Fields of the batch that hold NaN or infinity, in words; of which item, where that is known. */
  readonly fields: readonly string[];
}

/** Something that was looked at, and whether it is finite. */
interface Look {
  readonly name: string;
  readonly finite: Promise<boolean>;
}

/**
 * Repeats a step that changed no parameter, with its batch, state and random numbers, op by op, to find where it was
 * not finite. Parameters, buffers and the random numbers are afterwards as before; gradients are dropped.
 */
export async function diagnose(trainer: CheckedTrainer, step: RecentStep): Promise<Diagnosis> {
  const { model } = trainer;
  const looks: Look[] = [];
  const fields: Look[] = [];
  const begun = scope(() => ({ kept: model.buffers().map((buffer) => noGrad(() => clone(buffer))) })).kept;
  const unhook = Array.from(model.namedModules(), ([path, module]) =>
    module.registerForwardHook((_, __, output) => {
      look(looks, `the output of ${named(path, module)}`, output);
    }),
  );
  try {
    keepRandomState(() =>
      scope(() => {
        setRandomState(step.random);
        for (const [name, field] of Object.entries(step.batch)) look(fields, name, field);
        repeat(trainer, step, looks);
      }),
    );
  } finally {
    for (const remove of unhook) remove();
    trainer.optimizer?.zeroGrad();
    model.buffers().forEach((buffer, index) => {
      const before = begun[index];
      if (before !== undefined) noGrad(() => copy_(buffer, before));
    });
    for (const buffer of begun) buffer.dispose();
  }
  const odd = async (all: readonly Look[]): Promise<string[]> => {
    const finite = await Promise.all(all.map((one) => one.finite));
    return all.filter((_, index) => finite[index] === false).map(({ name }) => name);
  };
  const [first] = await odd(looks);
  return { first, fields: await Promise.all((await odd(fields)).map((name) => inItem(name, step))) };
}

/**
 * A field of a batch that is not finite, with the first item of it that is not. The first axis of a tensor that
 * `collate` did not make may count something else, such as time, also where it is as long as there are items.
 */
async function inItem(name: string, { batch, places }: Pick<RecentStep, 'batch' | 'places'>): Promise<string> {
  const field: unknown = Reflect.get(batch, name);
  const rows = places?.indices.length ?? 0;
  for (const x of realTensors(field, countsRows)) {
    if (places === undefined || x.size === 0 || x.shape[0] !== rows) continue;
    const place = (await noGrad(() => isFinite(x)).data()).indexOf(0);
    if (place >= 0) return `${name} of ${itemNames(places)(Math.floor((place * rows) / x.size))}`;
  }
  return `${name} of this batch`;
}

/**
 * The first field among the batches of a DataLoader that holds NaN or infinity, and of which item it is, in words.
 *
 * @returns undefined if there is none, or the batches come from elsewhere and may not be there a second time
 */
export async function oddField(loader: Batches<unknown>): Promise<string | undefined> {
  if (!(loader instanceof DataLoader)) return undefined;
  for await (const make of loader.batchMakers({ counted: false })) {
    const batch: unknown = make();
    if (!isPlainObject(batch)) return undefined;
    const looks: Look[] = [];
    for (const [name, field] of Object.entries(batch)) look(looks, name, field);
    for (const { name, finite } of looks) if (!(await finite)) return inItem(name, { batch, places: make.places });
  }
  return undefined;
}

function repeat(trainer: CheckedTrainer, { batch, state }: RecentStep, looks: Look[]): void {
  const { model, optimizer } = trainer;
  const { loss } = forward(trainer, batch, { rows: rowsOf(batch), state });
  look(looks, 'the loss, of finite outputs', loss);
  optimizer?.zeroGrad();
  loss.backward();
  for (const [name, parameter] of [...model.namedParameters()].toReversed())
    look(looks, `the gradient of ${name}`, parameter.grad);
}

const named = (path: string, module: Module): string =>
  path === '' ? `the model (${module.constructor.name})` : `${path} (${module.constructor.name})`;

/** Begins to read whether the numbers of a value are finite; what lies past a length does not count. */
function look(looks: Look[], name: string, value: unknown): void {
  for (const x of realTensors(value)) {
    if (x.dtype !== 'f32' && x.dtype !== 'f64') continue;
    const finite = noGrad(() => all(isFinite(x)))
      .data()
      .then(
        ([flag]) => flag === 1,
        (error: unknown) => {
          if (isRefusal(error)) return false;
          throw error;
        },
      );
    finite.catch(() => undefined); // awaited later; until then it is no unhandled rejection
    looks.push({ name, finite });
  }
}
