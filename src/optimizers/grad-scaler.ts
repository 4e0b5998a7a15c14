import { binding } from '../native/load';
import { defaultDevice } from '../tensor/device';
import { OptionError, ShapeError } from '../tensor/errors';
import { full } from '../tensor/factories';
import { noGrad } from '../tensor/grad-mode';
import {
  add,
  cast,
  clone,
  copy_,
  fill_,
  ge,
  gt,
  isFinite,
  logicalAnd,
  logicalNot,
  maximum,
  mul,
  reciprocal,
  where,
} from '../tensor/ops/elementwise';
import { describe, finiteNumber, flag, positiveInteger } from '../tensor/options';
import { asGiven, readOptions, withDefault, type OptionReader, type Readers } from '../tensor/read-options';
import { onReplay, outsideRecordings } from '../tensor/replay-notes';
import { outsideScopes, scope } from '../tensor/scope';
import { checkTensor, idOf, Tensor, wrap } from '../tensor/tensor';
import { checkOptimizer, ids, type Optimizer } from './optimizer';

/** Options of a GradScaler. */
export interface GradScalerOptions {
  /** What losses are multiplied by at first. Default 65,536. */
  initialScale?: number;
  /** What the scale is multiplied by after `growthInterval` sound steps, above 1. Default 2. */
  growthFactor?: number;
  /** What the scale is multiplied by after a step whose gradients were not finite, between 0 and 1. Default 0.5. */
  backoffFactor?: number;
  /** How many sound steps in a row make the scale grow. Default 2,000. */
  growthInterval?: number;
  /** Without it the scaler does nothing but call `optimizer.step()`. Default true. */
  enabled?: boolean;
}

/**
 * What `GradScaler.stateDict` gives and `loadStateDict` takes: the tensors can be saved as safetensors, the rest as
 * JSON.
 */
export interface GradScalerStateDict {
  /** The options of the scaler that gave the state. */
  options: Required<GradScalerOptions>;
  /** `scale` and `growth_tracker`, f32 []: the scale, and the sound steps since it last changed. */
  state: Record<string, Tensor>;
}

/** On the device of the losses, all f32 []. */
interface ScalerState {
  device: string;
  scale: Tensor;
  tracker: Tensor;
}

/** What was done with an optimizer since the last `update`. */
type Stage = 'unscaled' | 'stepped';

/**
 * Keeps gradients out of the range where f16 rounds them to zero: the loss is multiplied by a scale, the gradients are
 * divided by it before the optimizer sees them, and a step in which one of them is infinite or NaN is left out and
 * makes the scale smaller. All of it happens on the device, without waiting.
 *
 *     const scaler = new GradScaler();
 *     const loss = autocast('f16', () => crossEntropy(model.forward(x), y));
 *     optimizer.zeroGrad();
 *     scaler.scale(loss).backward();
 *     scaler.unscale_(optimizer);                        // only to clip
 *     clipGradNorm(model.parameters(), { maxNorm: 1 });
 *     scaler.step(optimizer);
 *     scaler.update();
 *
 * @throws {OptionError} if an option is unknown or out of range
 * @see torch.amp.GradScaler
 */
export class GradScaler {
  /** The options with their defaults. */
  readonly options: Readonly<Required<GradScalerOptions>>;
  #state: ScalerState | undefined;
  /** Not 0 where gradients were not finite; one for each optimizer, on its device. */
  readonly #found = new Map<Optimizer, Tensor>();
  readonly #stages = new Map<Optimizer, Stage>();

  constructor(options: GradScalerOptions = {}) {
    this.options = readOptions('GradScaler', options, optionReaders);
  }

  /** The scale of now, f32 []; a copy. */
  getScale(): Tensor {
    return noGrad(() => clone(this.#on(this.#state?.device ?? defaultDevice()).scale));
  }

  /**
   * The loss times the scale, in its dtype: what `backward` is called on. Differentiable.
   *
   * @param loss  f32 or f64, of any shape
   * @throws {OptionError} if it is no tensor
   */
  scale(loss: Tensor): Tensor {
    checkTensor(loss, 'GradScaler.scale', 'loss');
    if (!this.options.enabled) return loss;
    return mul(loss, cast(this.#on(loss.device).scale, loss.dtype));
  }

  /**
   * Divides the gradients of the optimizer's parameters by the scale, for clipping; `step` does it otherwise. In place.
   *
   * @throws {OptionError} if it was done already since the last `update`
   */
  unscale_(optimizer: Optimizer): void {
    checkOptimizer('GradScaler.unscale_', optimizer, 'pass the optimizer: scaler.unscale_(optimizer)');
    if (!this.options.enabled) return;
    const stage = this.#stages.get(optimizer);
    if (stage !== undefined) {
      throw new OptionError('GradScaler.unscale_', {
        given: `an optimizer that was ${stage} already`,
        expected: 'one call a step, before step()',
        fix: 'call update() at the end of each step',
      });
    }
    this.#unscale(optimizer);
  }

  #unscale(optimizer: Optimizer): void {
    const found = this.#foundOf(optimizer);
    const { scale } = this.#on(found.device);
    noGrad(() =>
      scope(() => {
        const factor = reciprocal(scale);
        const largest = wrap(
          binding.scaleGradients(ids(parametersOf(optimizer)), idOf(factor, 'GradScaler.unscale_', 'factor')),
        );
        copy_(found, maximum(found, cast(logicalNot(isFinite(largest)), 'f32')));
      }),
    );
    this.#enter(optimizer, 'unscaled');
  }

  /**
   * Calls `optimizer.step` in such a way that nothing changes where a gradient was infinite or NaN. `optimizer.steps`
   * counts the call all the same.
   *
   * @param options.skip  f32, one element: unless it is 0 nothing changes either, and the scale does not follow it
   * @throws {OptionError} if it was done already since the last `update`, or an option is unknown
   */
  step(optimizer: Optimizer, options: { skip?: Tensor | undefined } = {}): void {
    checkOptimizer('GradScaler.step', optimizer, 'pass the optimizer: scaler.step(optimizer)');
    const { skip } = readOptions('GradScaler.step', options, { skip: asGiven });
    if (!this.options.enabled) return optimizer.step({ skip });
    const stage = this.#stages.get(optimizer);
    if (stage === 'stepped') {
      throw new OptionError('GradScaler.step', {
        given: 'a second step of an optimizer',
        expected: 'one before each update()',
        fix: 'call update() at the end of each step',
      });
    }
    if (stage === undefined) this.#unscale(optimizer);
    const found = this.#foundOf(optimizer);
    optimizer.step({ skip: skip === undefined ? found : noGrad(() => add(found, skip)) });
    this.#enter(optimizer, 'stepped');
  }

  /**
   * Makes the scale smaller if gradients of any optimizer were not finite since the last call, larger after
   * `growthInterval` sound steps in a row.
   *
   * @throws {OptionError} if nothing was unscaled since the last call
   */
  update(): void {
    if (!this.options.enabled) return;
    const state = this.#state;
    if (state === undefined || this.#stages.size === 0) {
      throw new OptionError('GradScaler.update', {
        given: 'no gradients that were looked at',
        expected: 'step() or unscale_() of an optimizer before',
        fix: 'call update() at the end of each step',
      });
    }
    const found = [...this.#stages.keys()].map((optimizer) => this.#foundOf(optimizer));
    noGrad(() => scope(() => this.#adapt(state, found)));
    const forget = (): void => this.#stages.clear();
    forget();
    onReplay(forget);
  }

  #adapt({ scale, tracker, device }: ScalerState, found: readonly Tensor[]): void {
    const { growthFactor, backoffFactor, growthInterval } = this.options;
    const bad = gt(
      found.map((flagOf) => flagOf.to(device)).reduce((a, b) => maximum(a, b)),
      0,
    );
    const sound = add(tracker, 1),
      grown = mul(scale, growthFactor);
    const due = ge(sound, growthInterval);
    copy_(scale, where(bad, mul(scale, backoffFactor), where(logicalAnd(due, isFinite(grown)), grown, scale)));
    copy_(tracker, where(bad, 0, where(due, 0, sound)));
    for (const flagOf of found) fill_(flagOf, 0);
  }

  /** Scale and options. The tensors are copies. */
  stateDict(): GradScalerStateDict {
    const { scale, tracker } = this.#on(this.#state?.device ?? defaultDevice());
    return noGrad(() => ({
      options: { ...this.options },
      state: { scale: clone(scale), growth_tracker: clone(tracker) },
    }));
  }

  /**
   * Takes over the scale; the options stay those of the constructor.
   *
   * @throws {OptionError} if something is missing or unknown
   * @throws {ShapeError} if a tensor is not f32 []
   */
  loadStateDict(dict: GradScalerStateDict): void {
    const op = 'GradScaler.loadStateDict';
    const { state } = readOptions(op, dict, { options: asGiven, state: asGiven });
    const { scale, growth_tracker: tracker } = readOptions<object, ScalerTensors>(op, state, {
      scale: (_op, _name, value) => savedNumber(op, state, value),
      growth_tracker: (_op, _name, value) => savedNumber(op, state, value),
    });
    const own = this.#on(this.#state?.device ?? defaultDevice());
    noGrad(() =>
      scope(() => {
        copy_(own.scale, scale.to(own.device).reshape([]));
        copy_(own.tracker, tracker.to(own.device).reshape([]));
      }),
    );
  }

  /** The scale on a device: made at first use, and moved if it lies elsewhere. */
  #on(device: string): ScalerState {
    const state = this.#state;
    if (state?.device === device) return state;
    return outsideRecordings(() => {
      if (state === undefined)
        return (this.#state = { device, scale: kept(this.options.initialScale, device), tracker: kept(0, device) });
      binding.moveTensors(ids([state.scale, state.tracker]), device);
      state.device = device;
      return state;
    });
  }

  #foundOf(optimizer: Optimizer): Tensor {
    const device = parametersOf(optimizer)[0]?.device ?? defaultDevice();
    const known = this.#found.get(optimizer);
    if (known?.device === device) return known;
    known?.dispose();
    const made = outsideRecordings(() => kept(0, device));
    this.#found.set(optimizer, made);
    return made;
  }

  #enter(optimizer: Optimizer, stage: Stage): void {
    const enter = (): void => void this.#stages.set(optimizer, stage);
    enter();
    onReplay(enter);
  }
}

const parametersOf = (optimizer: Optimizer): Tensor[] => optimizer.groups.flatMap((group) => group.parameters);

/** One f32 that outlives every scope. */
const kept = (value: number, device: string): Tensor => outsideScopes(() => full([], value, { device }));

/** Reads a number in a range. */
const within =
  (fits: (value: number) => boolean, expected: string): OptionReader<number> =>
  (op, name, given) => {
    const value = finiteNumber(op, name, given);
    if (fits(value)) return value;
    throw new OptionError(op, { given: `${name}: ${value}`, expected, fix: `leave ${name} out` });
  };

const optionReaders: Readers<GradScalerOptions> = {
  initialScale: withDefault(
    within((value) => value > 0, 'a number above 0'),
    2 ** 16,
  ),
  growthFactor: withDefault(
    within((value) => value > 1, 'a number above 1'),
    2,
  ),
  backoffFactor: withDefault(
    within((value) => value > 0 && value < 1, 'a number between 0 and 1'),
    0.5,
  ),
  growthInterval: withDefault(positiveInteger, 2_000),
  enabled: withDefault(flag, true),
};

/** What a saved state holds. */
interface ScalerTensors {
  scale: Tensor;
  growth_tracker: Tensor;
}

/** A number of a saved state, f32 of one element. */
function savedNumber(op: string, state: object, value: unknown): Tensor {
  const fix = 'pass what stateDict() returned';
  if (value === undefined)
    throw new OptionError(op, {
      given: `state ${describe(Object.keys(state))}`,
      expected: 'scale and growth_tracker',
      fix,
    });
  if (value instanceof Tensor && value.dtype === 'f32' && value.size === 1) return value;
  throw new ShapeError(op, { given: describe(value), expected: 'f32 of one element', fix });
}
