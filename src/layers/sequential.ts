import { OptionError } from '../tensor/errors';
import type { Sequence } from '../tensor/padded-sequence';
import { applyLayer, checkModule, sequenceOf } from '../module/apply';
import { carriedBy } from '../module/carried';
import { Module } from '../module/module';
import type { Stepping } from '../module/stream';
import { checkLastSteps } from './last-step-check';
import { RecurrentStack } from './recurrent-stack';

/** States of the layers that have one, by their places: those of an LSTM are { h, c }. */
export type SequentialState = Readonly<Record<string, unknown>>;

/** What a Sequential gives that carries its state. */
export interface SequentialResult {
  /** What the last layer gives. */
  output: Sequence;
  /** What the next call begins with. */
  state: SequentialState;
}

/** Runs a layer from a state, and takes apart what it returns. */
function applyCarrying(
  layer: Module,
  input: Sequence,
  before: unknown,
  place: number,
): { output: Sequence; state?: unknown } {
  const forward: Module['forward'] = Reflect.get(layer, 'forward');
  const result: unknown = Reflect.apply(forward, layer, [input, before]);
  const carried = carriedBy(result);
  if (carried !== undefined) return { ...carried, output: sequenceOf('Sequential.forward', layer, carried) };
  for (const [, part] of layer.namedModules()) {
    if (part.stepping !== 'carried' && !(part instanceof RecurrentStack)) continue;
    throw new OptionError('Sequential.forward', {
      given:
        `a state for layer ${place}, whose ${part.constructor.name} cannot get it through ` + layer.constructor.name,
      expected: 'recurrent layers in the Sequential itself, or modules that return { output, state }',
      fix: 'write a Module whose forward(input, state) passes the state on',
    });
  }
  return { output: sequenceOf('Sequential.forward', layer, result) };
}

/**
 * Modules one after the other. A recurrent layer passes its `output` on and starts from zeros; for its states write a
 * Module.
 *
 *     new Sequential(new LSTM({ inputSize: 12, hiddenSize: 64 }), new LastStep(), new Linear({ inFeatures: 64,
 *       outFeatures: 9 }))
 *
 * A LastStep that does not fit the recurrent layer before it, as one without `bidirectional` after a bidirectional
 * LSTM, is told once in a warning (`STM_LAST_STEP`), at the first call of `forward`.
 *
 * Parameters are named by place, as in PyTorch: `0.weight_ih_l0`, `2.bias`. So are the layers: `model[0]`.
 *
 * @throws {OptionError} if there is no layer, or one is not a Module
 * @see torch.nn.Sequential
 */
export class Sequential extends Module implements Iterable<Module> {
  readonly [place: number]: Module;
  #checked = false;

  constructor(...layers: Module[]) {
    super();
    if (layers.length === 0)
      throw new OptionError('Sequential', {
        given: 'no layer',
        expected: 'at least one',
        fix: 'pass the layers one by one: new Sequential(a, b)',
      });
    layers.forEach((layer, place) => {
      checkModule(
        'Sequential',
        `layer ${place}`,
        layer,
        'pass the layers one by one, not in an array; wrap a function in a Module',
      );
      Reflect.set(this, place, layer);
    });
  }

  /** Number of layers. */
  get length(): number {
    return Array.from(this).length;
  }

  /** The layers, first one first. */
  *[Symbol.iterator](): Generator<Module> {
    for (let place = 0; ; place++) {
      const layer = this[place];
      if (layer === undefined) return;
      yield layer;
    }
  }

  /**
   * With a state as second argument: each layer begins with what it ended the call before with.
   *
   * @param state  what the call before has returned; undefined in the first, where states are zeros
   * @throws {OptionError} if a recurrent layer stands within a layer that does not pass its state on
   */
  forward(input: Sequence, state: SequentialState | undefined): SequentialResult;
  /** What the last layer gives, after all before it. */
  forward(input: Sequence): Sequence;
  forward(input: Sequence, ...carried: readonly [SequentialState?]): unknown {
    if (!this.#checked) checkLastSteps(this.#inOrder());
    const before = carried[0] ?? {};
    const state: Record<string, unknown> = {};
    let value = input;
    for (const [place, layer] of Array.from(this).entries()) {
      if (carried.length === 0) {
        value = applyLayer('Sequential.forward', layer, value);
        continue;
      }
      const { output, state: next } = applyCarrying(layer, value, before[place], place);
      value = output;
      if (next !== undefined) state[place] = next;
    }
    return carried.length === 0 ? value : { output: value, state };
  }

  /** All layers in the order in which they run, also those of a Sequential within, which is then checked with this. */
  #inOrder(): Module[] {
    this.#checked = true;
    return Array.from(this).flatMap((layer) => (layer instanceof Sequential ? layer.#inOrder() : [layer]));
  }

  override get stepping(): Stepping {
    return this.givenModules().some(({ stepping }) => stepping === 'whole') ? 'whole' : 'each';
  }

  protected override givenModules(): readonly Module[] {
    return Array.from(this);
  }
}
