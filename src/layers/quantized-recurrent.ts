import { zeros } from '../tensor/factories';
import { quantizedRecurrent } from '../tensor/ops/quantized';
import { flag, positiveInteger } from '../tensor/options';
import { withDefault, type Readers } from '../tensor/read-options';
import type { Sequence } from '../tensor/padded-sequence';
import type { Tensor } from '../tensor/tensor';
import { claim } from '../module/allowance';
import { BufferTensor } from '../module/parameter';
import type { FloatingDType } from '../module/uniform';
import { refuseTraining } from './quantized';
import { recurrentReaders, type RecurrentOptions } from './recurrent-options';
import { RecurrentStack, type BatchOutput, type HiddenState, type StackBatch } from './recurrent-stack';
import {
  byLayerAndDirection,
  currentTensors,
  elementsOf,
  viewsOf,
  weightShapes,
  type CellKind,
} from './recurrent-weights';

/** Options that the quantised recurrent layers share: those of the f32 layer that say what it is, without training. */
export type QuantizedRecurrentLayerOptions = Pick<
  RecurrentOptions,
  'inputSize' | 'hiddenSize' | 'numLayers' | 'bias' | 'batchFirst' | 'bidirectional' | 'learnedState'
>;

/** Readers of the options that they share. */
export const quantizedReaders: Readers<QuantizedRecurrentLayerOptions> = {
  inputSize: positiveInteger,
  hiddenSize: positiveInteger,
  numLayers: recurrentReaders.numLayers,
  bias: withDefault(flag, true),
  batchFirst: withDefault(flag, true),
  bidirectional: withDefault(flag, false),
  learnedState: withDefault(flag, false),
};

/** Those of a layer that a quantised one has as well. */
export const sharedOptions = (options: Required<QuantizedRecurrentLayerOptions>): QuantizedRecurrentLayerOptions => {
  const { inputSize, hiddenSize, numLayers, bias, batchFirst, bidirectional, learnedState } = options;
  return { inputSize, hiddenSize, numLayers, bias, batchFirst, bidirectional, learnedState };
};

/**
 * Base of QuantizedLSTM, QuantizedGRU and QuantizedRNN: a stack of layers for inference on the CPU whose matrices have
 * 8 bits, each row with a scale. Input and h are rounded to 8 bits as well, row by row and step by step, while it runs;
 * biases, gates and c are f32.
 *
 * The matrices lie in one buffer, scales and biases in another, in the order of a RecurrentLayer's weights.
 */
export abstract class QuantizedRecurrentLayer<State extends HiddenState = HiddenState> extends RecurrentStack<State> {
  /** The options with their defaults. */
  abstract override readonly options: Readonly<Required<QuantizedRecurrentLayerOptions>>;
  /** `weight_ih_l0` i8, `weight_ih_l0_scale` f32, `weight_hh_l0`, …, `weight_hr_l0`, `weight_ih_l0_reverse`, … */
  [weight: `weight_${string}`]: BufferTensor;
  /** `initial_h` and, of an LSTM, `initial_c`: the state to begin with, if it was learned. */
  [initial: `initial_${string}`]: BufferTensor;
  /** `bias_ih_l0`, `bias_hh_l0`, `bias_ih_l0_reverse`, … */
  [bias: `bias_${string}`]: BufferTensor;
  readonly #kind: CellKind;
  readonly #matrices: readonly string[];
  readonly #columns: readonly string[];

  /** @internal */
  protected constructor(options: Required<QuantizedRecurrentLayerOptions>, kind: CellKind) {
    super(kind);
    this.#kind = kind;
    const shapes = [...weightShapes(options, kind)];
    const matrices = new Map(shapes.filter(([, shape]) => shape.length > 1));
    const columns = new Map(
      shapes.map(([name, shape]) => [shape.length > 1 ? `${name}_scale` : name, shape.slice(0, 1)]),
    );
    const buffers = new Map([...blanks(matrices, 'i8'), ...blanks(columns, 'f32')]);
    this.#matrices = [...matrices.keys()];
    this.#columns = [...columns.keys()];
    const plain = (name: string): string => name.replace(/_scale$/, '');
    const names = [...buffers.keys()].sort((a, b) => byLayerAndDirection(plain(a), plain(b)) || a.length - b.length);
    for (const name of names) Reflect.set(this, name, buffers.get(name));
    if (!options.learnedState) return;
    const stack = options.numLayers * (options.bidirectional ? 2 : 1);
    const width = kind.projSize > 0 ? kind.projSize : options.hiddenSize;
    const states: [string, number[]][] = [
      ['initial_h', [stack, width]],
      ...(kind.cell === 'lstm' ? [['initial_c', [stack, options.hiddenSize]] as [string, number[]]] : []),
    ];
    for (const [name, buffer] of blanks(new Map(states), 'f32')) Reflect.set(this, name, buffer);
  }

  protected override get elementDType(): FloatingDType {
    return 'f32';
  }

  protected override get elementDevice(): string {
    return this.#current(this.#columns.slice(0, 1))[0]?.device ?? 'cpu';
  }

  protected override learnedStates(): readonly Tensor[] {
    return this.#current(this.#kind.cell === 'lstm' ? ['initial_h', 'initial_c'] : ['initial_h']);
  }

  #current(names: readonly string[]): BufferTensor[] {
    return currentTensors(this, names, BufferTensor);
  }

  override get isQuantized(): boolean {
    return true;
  }

  protected override run<X extends Sequence>(input: X, state: unknown): { output: X; cells?: X } & State {
    refuseTraining(this);
    return super.run(input, state);
  }

  protected override runStack({ input, batchFirst, lengths, ...states }: StackBatch): BatchOutput {
    const { hiddenSize, numLayers, bidirectional, bias } = this.options;
    const { cell, projSize } = this.#kind;
    return quantizedRecurrent(input, this.#current(this.#matrices), this.#current(this.#columns), {
      cell,
      hiddenSize,
      projSize,
      numLayers,
      bidirectional,
      bias,
      batchFirst,
      ...states,
      lengths,
    });
  }
}

/** Zeros that are views of one buffer, one after the other. */
function blanks(shapes: ReadonlyMap<string, readonly number[]>, dtype: 'i8' | 'f32'): Map<string, BufferTensor> {
  const elements = [elementsOf(shapes)];
  claim(elements);
  return viewsOf(zeros(elements, { dtype }), shapes, (view) => new BufferTensor(view));
}
