import { zeros } from '../tensor/factories';
import { dropout } from '../tensor/ops/random';
import { recurrent, recurrentAhead } from '../tensor/ops/recurrent';
import type { Tensor } from '../tensor/tensor';
import { beginAhead } from '../module/begun-ahead';
import { claim } from '../module/allowance';
import { takeOver, type Parameter } from '../module/parameter';
import type { FloatingDType } from '../module/uniform';
import { variantOf, type Variant } from './gated-options';
import { gatedStack, variantWeights } from './gated-stack';
import { warnOfUnusedDropout, type RecurrentOptions } from './recurrent-options';
import { RecurrentStack, type BatchOutput, type HiddenState, type StackBatch } from './recurrent-stack';
import { byLayerAndDirection, currentWeights, makeWeights, type CellKind } from './recurrent-weights';

/**
 * Base of LSTM, GRU and RNN: a stack of layers over a padded batch.
 *
 * The weights lie in one buffer, and the named parameters are views into it, so that an update or a run sees one block:
 *
 *     W_ih_l0  W_hh_l0  [W_hr_l0]  W_ih_l0_reverse  …  W_hh_lL | b_ih_l0  b_hh_l0  b_ih_l0_reverse  …
 *     └ for each layer and direction                           └ for each layer and direction, if biased
 *
 * All start from U(-1/√H, 1/√H).
 */
export abstract class RecurrentLayer<State extends HiddenState = HiddenState> extends RecurrentStack<State> {
  /** The options with their defaults. */
  abstract override readonly options: Readonly<Required<RecurrentOptions>>;
  /** `weight_ih_l0`, `weight_hh_l0`, `weight_hr_l0`, `weight_ih_l0_reverse`, …, as in PyTorch. */
  [weight: `weight_${string}`]: Parameter;
  /** `initial_h` and, of an LSTM, `initial_c`: the state to begin with, if it is learned. */
  [initial: `initial_${string}`]: Parameter;
  /** `bias_ih_l0`, `bias_hh_l0`, `bias_ih_l0_reverse`, …, as in PyTorch. */
  [bias: `bias_${string}`]: Parameter;
  readonly #kind: CellKind;
  readonly #names: readonly string[];
  /** What the cell is other than the plain one, and the names of its own parameters. */
  readonly #variant: Variant | undefined;
  readonly #variantNames: readonly string[];

  /** @internal */
  protected constructor(options: Required<RecurrentOptions>, kind: CellKind) {
    super(kind);
    this.#kind = kind;
    warnOfUnusedDropout(this.constructor.name, options);
    this.#variant = variantOf(this.constructor.name, options);
    const parameters = makeWeights(options, kind);
    this.#names = [...parameters.keys()];
    const { cell, gates } = kind;
    const own =
      this.#variant !== undefined && (cell === 'lstm' || cell === 'gru')
        ? variantWeights(options, this.#variant, { cell, gates })
        : new Map<string, Parameter>();
    this.#variantNames = [...own.keys()];
    for (const [name, parameter] of own) parameters.set(name, parameter);
    // Fields stand in PyTorch's order, that of the state dict: the biases of a direction after its weights.
    for (const name of [...parameters.keys()].sort(byLayerAndDirection)) Reflect.set(this, name, parameters.get(name));
    if (!options.learnedState) return;
    const stack = options.numLayers * (options.bidirectional ? 2 : 1);
    this.initial_h = learnedFrom([stack, kind.projSize > 0 ? kind.projSize : options.hiddenSize], options.dtype);
    if (cell === 'lstm') this.initial_c = learnedFrom([stack, options.hiddenSize], options.dtype);
  }

  /** The parameters in the order of the buffer. */
  #weights(): Parameter[] {
    return currentWeights(this, this.#names);
  }

  /** The parameters, or what weightDrop leaves of them in training. */
  #droppedWeights(): Tensor[] {
    const weights = this.#weights();
    const { weightDrop } = this.options;
    if (!this.training || weightDrop === 0) return weights;
    return weights.map((weight, at) =>
      this.#names[at]?.startsWith('weight_hh') ? dropout(weight, weightDrop) : weight,
    );
  }

  protected override get elementDType(): FloatingDType {
    return this.options.dtype;
  }

  protected override get elementDevice(): string {
    return currentWeights(this, this.#names.slice(0, 1))[0]?.device ?? 'cpu';
  }

  protected override learnedStates(): readonly Tensor[] {
    return currentWeights(this, this.#kind.cell === 'lstm' ? ['initial_h', 'initial_c'] : ['initial_h']);
  }

  protected override runStack(batch: StackBatch): BatchOutput {
    const { input, batchFirst, lengths, h, c } = batch;
    if (this.#variant !== undefined) return this.#runVariant(this.#variant, batch);
    const { hiddenSize, numLayers, bidirectional, bias, dropout, algo } = this.options;
    const { cell, projSize } = this.#kind;
    const weights = this.#droppedWeights();
    const result = recurrent(input, weights, {
      cell,
      hiddenSize,
      projSize,
      numLayers,
      bidirectional,
      bias,
      batchFirst,
      dropout: this.training ? dropout : 0,
      algo,
      h,
      c,
      lengths,
    });
    if (!bidirectional)
      beginAhead(() => {
        if (input.version === undefined || result.h.version === undefined) return; // disposed of by who ran the step
        recurrentAhead(input, result.h, weights, { cell, hiddenSize, projSize, numLayers, bias, batchFirst, algo });
      });
    return result;
  }

  #runVariant(variant: Variant, batch: StackBatch): BatchOutput {
    const { cell } = this.#kind;
    if (cell !== 'lstm' && cell !== 'gru') throw new Error(`no variants of ${cell}`);
    const tensors = new Map<string, Tensor>();
    this.#droppedWeights().forEach((weight, at) => tensors.set(this.#names[at] ?? '', weight));
    currentWeights(this, this.#variantNames).forEach((weight, at) => tensors.set(this.#variantNames[at] ?? '', weight));
    const options = { ...this.options, batchFirst: batch.batchFirst, cell, training: this.training };
    const { cells, ...result } = gatedStack(batch, { weight: (name) => tensors.get(name), variant, options });
    const shown = cells !== undefined && Reflect.get(this.options, 'returnCells') === true;
    return shown ? { ...result, cells } : result;
  }
}

/** A parameter that begins with zeros. */
function learnedFrom(shape: readonly number[], dtype: FloatingDType): Parameter {
  claim(shape);
  return takeOver(zeros(shape, { dtype }));
}
