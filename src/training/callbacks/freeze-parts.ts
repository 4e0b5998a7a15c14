import { parametersOfPart } from '../../module/model-part';
import type { Module } from '../../module/module';
import type { Parameter } from '../../module/parameter';
import { OptionError } from '../../tensor/errors';
import { describe, isPlainObject, nonNegativeInteger } from '../../tensor/options';
import { readOptions, type OptionReader } from '../../tensor/read-options';
import type { CallbackState, TrainerCallback, TrainingRun } from '../callback';
import type { EpochRecord } from '../epoch-record';

/** Parts of a model that stay as they are: by their paths, all the time, or each for so many epochs. */
export type FrozenParts = readonly string[] | Readonly<Record<string, number>>;

/** Options of FreezeParts. */
export interface FreezePartsOptions {
  /** The parts: `['embedding', 'lstm']`, or with epochs after which they learn, too: `{ embedding: 2, lstm: 1 }`. */
  parts: FrozenParts;
}

/** Reads which parts are frozen, and for how long. */
export const frozenParts: OptionReader<FrozenParts> = (op, name, value) => {
  const isText = (part: unknown): boolean => typeof part === 'string' && part !== '';
  const isEpochs = (epochs: unknown): boolean => Number.isSafeInteger(epochs) && Number(epochs) >= 1;
  if (Array.isArray(value) && value.length > 0 && value.every(isText)) return Object.freeze([...value]);
  const entries = isPlainObject(value) ? Object.entries(value) : [];
  const odd = entries.find(([, epochs]) => !isEpochs(epochs));
  if (entries.length > 0 && odd === undefined) return Object.freeze({ ...(value as Record<string, number>) });
  throw new OptionError(op, {
    given: odd === undefined ? `${name}: ${describe(value)}` : `${odd[0]}: ${describe(odd[1])} in ${name}`,
    expected: 'names of parts of the model, or for each a whole number of epochs of at least 1',
    fix: `pass such as ${name}: ['features', 'encoder'], or ${name}: { features: 2, encoder: 1 }`,
  });
};

/** A part that is frozen. */
interface Frozen {
  /** For so many epochs. */
  readonly epochs: number;
  /** Its parameters; once it is frozen those that learned before. */
  readonly parameters: readonly Parameter[];
}

const op = 'FreezeParts';

/**
 * Parts of a model that are to be frozen, and for how long, those within others first.
 *
 * @param option  what they are called, for messages
 * @throws {OptionError} if one is not in the model, or nothing is left to learn
 * @internal
 */
export function partsToFreeze(caller: string, option: string, model: Module, parts: FrozenParts): readonly Frozen[] {
  const epochsOf = (path: string): number =>
    Array.isArray(parts) ? Number.POSITIVE_INFINITY : ((parts as Readonly<Record<string, number>>)[path] ?? 0);
  const paths = Array.isArray(parts) ? (parts as readonly string[]) : Object.keys(parts);
  // An inner part, whose path is longer, is not freed with the outer one.
  const found = paths
    .toSorted((a, b) => b.length - a.length)
    .map((path) => ({ epochs: epochsOf(path), parameters: parametersOfPart(caller, option, model, path) }));
  const frozen = new Set(found.flatMap(({ parameters }) => parameters));
  if (model.parameters().some((parameter) => parameter.requiresGrad && !frozen.has(parameter))) return found;
  throw new OptionError(caller, {
    given: `${option}: ${describe(parts)}, which are all of the model`,
    expected: 'something that learns in the first epoch',
    fix: 'leave out the part nearest to the output, such as head',
  });
}

/**
 * Keeps parts of a model as they are while the rest of it learns, all the time, or for the first epochs: with numbers
 * that grow towards the input, layers join one after another (gradual unfreezing; Howard and Ruder, 2018).
 *
 *     callbacks: [new FreezeParts({ parts: ['embedding'] })]
 *     callbacks: [new FreezeParts({ parts: { lstm: 1, embedding: 2 } })] // the embedding learns from epoch 3 on
 *
 * A part is a module, by its path in the model, `encoder.1`, or a parameter, `head.bias`. Its parameters require no
 * gradient meanwhile, so that nothing is computed for them, weight decay leaves them alone, and an optimizer begins
 * with them when they join. Running means and variances of a BatchNorm1d go on: `model.encoder.eval()` before `fit`
 * stops them. When the training is over, the parameters require gradients as before it; one that is taken up again goes
 * on bit for bit.
 *
 * @throws {OptionError} if an option is unknown or out of range; at the start of a training, if a part is not in the
 *   model, or nothing is left to learn
 */
export class FreezeParts implements TrainerCallback {
  readonly #parts: FrozenParts;
  #frozen: Frozen[] = [];
  #epochs = 0;

  constructor(options: FreezePartsOptions) {
    this.#parts = readOptions(op, options, { parts: frozenParts }).parts;
  }

  onStart({ model }: TrainingRun): void {
    this.#free(Number.POSITIVE_INFINITY);
    this.#epochs = 0;
    for (const { epochs, parameters } of partsToFreeze(op, 'parts', model, this.#parts)) {
      const own = parameters.filter((parameter) => parameter.requiresGrad);
      own.forEach((parameter) => parameter.requiresGrad_(false));
      this.#frozen.push({ epochs, parameters: own });
    }
  }

  onEpochEnd({ epoch }: EpochRecord): void {
    this.#epochs = epoch;
    this.#free(epoch);
  }

  onEnd(): void {
    this.#free(Number.POSITIVE_INFINITY);
  }

  onError(): void {
    this.#free(Number.POSITIVE_INFINITY);
  }

  state(): CallbackState {
    return { data: { epochs: this.#epochs } };
  }

  loadState({ data }: CallbackState): void {
    this.#epochs = nonNegativeInteger(`${op}.loadState`, 'epochs', data['epochs']);
    this.#free(this.#epochs);
  }

  /** The parts. */
  identity(): Readonly<Record<string, unknown>> {
    return { parts: this.#parts };
  }

  /** Lets those learn that were frozen for so many epochs at most. */
  #free(epochs: number): void {
    for (const frozen of this.#frozen) {
      if (frozen.epochs <= epochs) frozen.parameters.forEach((parameter) => parameter.requiresGrad_(true));
    }
    this.#frozen = this.#frozen.filter((frozen) => frozen.epochs > epochs);
  }
}
