import { RecurrentLayer } from '../../layers/recurrent-layer';
import { zeros } from '../../tensor/factories';
import { noGrad } from '../../tensor/grad-mode';
import { add, cast, mul } from '../../tensor/ops/elementwise';
import { sum } from '../../tensor/ops/reduce';
import { reshape } from '../../tensor/ops/shape';
import { flag, nonNegativeNumber, positiveInteger } from '../../tensor/options';
import { mathMode } from '../../tensor/math-mode';
import { lengthsOf, PaddedSequence, valuesOf, type Sequence } from '../../tensor/padded-sequence';
import { asGiven, readOptions, withDefault } from '../../tensor/read-options';
import { insideStep } from '../../tensor/replay-notes';
import { keep, scope } from '../../tensor/scope';
import type { Tensor } from '../../tensor/tensor';
import type { CallbackState, TrainerCallback, TrainingRun, TrainingStep } from '../callback';
import type { EpochRecord } from '../epoch-record';
import { writeLine } from '../progress';
import { findingsIn, gradientLines, type GradientRecord, type LayerNorms } from '../gradient-record';

/** Options of GradientReport. */
export interface GradientReportOptions {
  /** After how many epochs to look, each time at the first step of an epoch. Default 1. */
  everyEpochs?: number;
  /** A gradient vanishes where it is less than this part of the largest one in the layer. Default 1e-6. */
  vanishing?: number;
  /** A gradient explodes where it is more than this many times that at the end it comes from. Default 1e3. */
  exploding?: number;
  /** Whether to draw it on standard error after the epoch. Default: on a terminal. */
  print?: boolean;
}

/** A recurrent layer of the model, and zeros that were added to its input in the step that is looked at. */
interface Probe {
  readonly name: string;
  readonly layer: RecurrentLayer;
  input?: { readonly zeros: Tensor; readonly lengths: readonly number[] | undefined };
}

/**
 * Shows how large gradients are, once an epoch: the norm of each parameter's, and for each recurrent layer the norm of
 * what arrives at its input at each time step, which tells whether it vanishes or explodes on its way back through
 * time, in which layer and at which step. Kept as `gradients` in the record of the epoch, and drawn on a terminal:
 *
 *     gradients of step 1: lstm.weight_hh_l0 0.31, head.weight 0.12, …
 *       lstm: 2.1e-9 ▁▁▂▃▄▅▆▇█ 0.014, 9 steps
 *       ! the gradient in lstm vanishes: at step 3 of 9 it is 8.0e-9, and at step 9 of 9 it is 0.014
 *
 * Norms of parameters are those after clipping, those at time steps before it. There are no time steps with `compile`,
 * since replays do not call the layers, with `precision: 'f16'`, where the gradient at an input is that of a scaled
 * loss, and with `accumulate`, where it is that of one batch. Of a layer that a step calls several times the last call
 * counts. With `precision: 'f16'` steps whose gradients overflow, which the GradScaler leaves out, are passed over: the
 * first other step of the epoch counts, and an epoch of none has no `gradients`.
 *
 * @throws {OptionError} if an option is unknown or out of range
 */
export class GradientReport implements TrainerCallback {
  readonly #options: Required<GradientReportOptions>;
  #probes: Probe[] = [];
  #restore: (() => void)[] = [];
  #looking = false;
  #found: GradientRecord | undefined;

  constructor(options: GradientReportOptions = {}) {
    this.#options = readOptions('GradientReport', options, {
      everyEpochs: withDefault(positiveInteger, 1),
      vanishing: withDefault(nonNegativeNumber, 1e-6),
      exploding: withDefault(nonNegativeNumber, 1e3),
      print: withDefault(flag, Boolean(process.stderr.isTTY)),
    });
  }

  onStart({ model, history, accumulate = 1 }: TrainingRun): void {
    this.#end();
    for (const [name, layer] of model.namedModules())
      if (layer instanceof RecurrentLayer && accumulate === 1)
        this.#watch({ name: name === '' ? 'the model' : name, layer });
    this.#looking = history.epochs.length % this.#options.everyEpochs === 0;
  }

  /** Lets the layer add zeros to its input, whose gradient is that of the input. */
  #watch(probe: Probe): void {
    const { layer } = probe;
    const forward: RecurrentLayer['forward'] = Reflect.get(layer, 'forward');
    const probing = (input: Sequence, ...rest: readonly unknown[]): unknown =>
      Reflect.apply(forward, layer, [
        this.#looking && layer.training && !insideStep() && mathMode() !== 'f16' ? withProbe(probe, input) : input,
        ...rest,
      ]);
    Reflect.set(layer, 'forward', probing);
    this.#probes.push(probe);
    this.#restore.push(() => Reflect.set(layer, 'forward', forward));
  }

  async onStep({ model, precision }: TrainingRun, { step }: TrainingStep): Promise<void> {
    if (!this.#looking) return;
    this.#looking = false;
    const named = [...model.namedParameters()];
    const { squares, layers } = noGrad(() =>
      scope(() => ({
        squares: named.map(([, { grad }]) => (grad === undefined ? undefined : squareSum(grad).data())),
        layers: this.#probes.map((probe) => readNorms(probe)),
      })),
    );
    const norms = await Promise.all(squares.map(async (read) => Math.sqrt((await read)?.[0] ?? Number.NaN)));
    const read = await Promise.all(layers);
    const overflows = norms.some((norm, index) => squares[index] !== undefined && !Number.isFinite(norm));
    this.#looking = precision === 'f16' && overflows;
    if (this.#looking) return;
    const parameters = Object.fromEntries(named.map(([name], index) => [name, norms[index] ?? Number.NaN]));
    const found = read.filter((layer) => layer !== undefined);
    this.#found = {
      step,
      parameters,
      steps: Object.fromEntries(found.map(({ name, norms: along }) => [name, along])),
      findings: findingsIn(parameters, found, this.#options),
    };
  }

  onEpochEnd(record: EpochRecord): void {
    const found = this.#found;
    this.#found = undefined;
    this.#looking = record.epoch % this.#options.everyEpochs === 0;
    if (found === undefined) return;
    record.gradients = found;
    if (this.#options.print) writeLine(process.stderr, gradientLines(found).join('\n'));
  }

  onEnd(): void {
    this.#end();
  }

  onError(): void {
    this.#end();
  }

  state(): CallbackState {
    return { data: { looking: this.#looking, found: this.#found } };
  }

  /** @throws {OptionError} if the state is that of something else */
  loadState({ data }: CallbackState): void {
    const read = readOptions<object, { looking: boolean; found: GradientRecord | undefined }>(
      'GradientReport.loadState',
      data,
      { looking: flag, found: asGiven },
    );
    this.#looking = read.looking;
    this.#found = read.found;
  }

  #end(): void {
    for (const restore of this.#restore) restore();
    for (const { input } of this.#probes) input?.zeros.dispose();
    [this.#probes, this.#restore, this.#looking, this.#found] = [[], [], false, undefined];
  }
}

function withProbe(probe: Probe, input: Sequence): Sequence {
  const values = valuesOf(input);
  probe.input?.zeros.dispose();
  const leaf = keep(zeros(values.shape, { dtype: values.dtype, device: values.device, requiresGrad: true }));
  probe.input = { zeros: leaf, lengths: lengthsOf(input) };
  return input instanceof PaddedSequence ? input.map((given) => add(given, leaf)) : add(values, leaf);
}

const squareSum = (x: Tensor): Tensor => sum(mul(cast(x, 'f64'), cast(x, 'f64')));

/** Begins to read the norms along time; undefined where the layer was not called. */
async function readNorms(probe: Probe): Promise<LayerNorms | undefined> {
  const { name, layer, input } = probe;
  const grad = input?.zeros.grad;
  delete probe.input;
  if (input === undefined || grad === undefined) return undefined;
  const { batchFirst, bidirectional } = layer.options;
  const [rows = 0, steps = 0] = batchFirst ? grad.shape : [grad.shape[1], grad.shape[0]];
  const wide = cast(grad, 'f64');
  const squares = sum(mul(wide, wide), [batchFirst ? 0 : 1, 2]);
  const reading = reshape(squares, [steps]).data();
  input.zeros.dispose();
  const rowsAt = (step: number): number => input.lengths?.filter((length) => length > step).length ?? rows;
  const norms = Array.from(await reading, (square, step) => Math.sqrt(square / Math.max(rowsAt(step), 1)));
  return { name, bidirectional, norms };
}
