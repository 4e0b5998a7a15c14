import { placesIn, type Place } from '../module/fields';
import { Module } from '../module/module';
import { isPackaged } from '../module/packaged';
import type { Parameter } from '../module/parameter';
import { BufferTensor } from '../module/parameter';
import { rebuild, type ModuleClasses } from '../module/rebuild';
import { assign } from '../module/state-dict';
import { DeviceError, OptionError } from '../tensor/errors';
import { keepRandomState } from '../tensor/generator';
import { noGrad } from '../tensor/grad-mode';
import { renamed } from '../tensor/op-name';
import { mostQuantizedColumns, quantizeRows } from '../tensor/ops/quantized';
import { nearMiss } from '../tensor/option-names';
import { describe } from '../tensor/options';
import { asGiven, readOptions } from '../tensor/read-options';
import { scope } from '../tensor/scope';
import { variantOf } from './gated-options';
import { GRU } from './gru';
import { Linear } from './linear';
import { LSTM } from './lstm';
import type { QuantizedGRU } from './quantized-gru';
import type { QuantizedLinear } from './quantized-linear';
import type { QuantizedLSTM } from './quantized-lstm';
import type { QuantizedRNN } from './quantized-rnn';
import { RNN } from './rnn';

/** Options of `quantizeDynamic`. */
export interface QuantizeDynamicOptions {
  /**
   * Paths of the layers, or of modules that hold them, as in `model.namedModules()`: `['encoder', 'head']`. One that
   * cannot be quantised is an error then. Default: all that can be.
   */
  layers?: readonly string[];
}

/** What a model becomes: a layer its quantised form; any other keeps its class, and has such layers in it. */
export type QuantizedForm<M extends Module> = M extends LSTM
  ? QuantizedLSTM
  : M extends RNN
    ? QuantizedRNN
    : M extends GRU
      ? QuantizedGRU
      : M extends Linear
        ? QuantizedLinear
        : M;

/** What `quantizeDynamic` gives. */
export interface QuantizeDynamicResult<M extends Module = Module> {
  /** The model with weights of 8 bits, in evaluation. */
  model: M;
  /** Paths of the layers that have them. */
  quantized: string[];
  /** The Linear and recurrent layers that are left in f32. */
  left: UnquantizedLayer[];
}

/** A layer that `quantizeDynamic` leaves as it is. */
export interface UnquantizedLayer {
  /** Where it stands in the model. */
  path: string;
  /** Why it is left. */
  reason: string;
}

/**
 * A copy of a model for inference on the CPU: the matrices of its Linear, LSTM, GRU and RNN layers have 8 bits, with a
 * scale for each row, and their inputs are rounded to 8 bits while it runs, each row by its own largest number (dynamic
 * quantisation). These weights take a quarter of the file, and half of the memory once a layer has run, since it keeps
 * them as its kernel wants them, too; beside them a recurrent layer takes little more for a batch than in f32. Biases,
 * gates, cells and all other layers stay f32. How much accuracy that costs is for you to measure, on your data.
 *
 *     const { model: small, left } = quantizeDynamic(model);
 *     const { accuracy } = await new Trainer({ model: small, loss, metrics }).evaluate(test);
 *     await save(small, 'small.safetensors');
 *
 * Shapes: those of the model, of which each layer keeps its own.
 *
 * The model itself stays as it is. The copy is built as `load` builds it, from classes and options, and can be saved
 * and loaded in the same way; it is not trained. Layers that are one module at several places stay one, and so do
 * Linear layers that share a weight. Left in f32 are layers that share weights with others, as the head of a language
 * model does with its embedding, variants of a cell, layers in f64, and classes that extend a layer.
 *
 * @param model  on the CPU; its own classes keep the argument of their constructor in a field `options`, as for `save`
 * @throws {OptionError} if `layers` names no module or one that cannot be quantised; if there is nothing to quantise;
 *   if the model cannot be built again
 * @throws {DeviceError} if the model is not on the CPU
 * @see torch.ao.quantization.quantize_dynamic
 */
export function quantizeDynamic<M extends Module>(
  model: M,
  options?: QuantizeDynamicOptions,
): QuantizeDynamicResult<QuantizedForm<M>>;
export function quantizeDynamic(model: Module, options: QuantizeDynamicOptions = {}): QuantizeDynamicResult {
  checkModel(model);
  const { layers } = readLayers(options);
  if (isCandidate(model)) {
    const reason = reasonAgainst(model);
    if (reason !== undefined) throw nothingDone(model, [{ layer: model, path: 'it', places: [], reason }]);
    if (layers !== undefined)
      throw new OptionError('quantizeDynamic', {
        given: `layers: ${describe(layers)} of a single ${model.constructor.name}`,
        expected: 'the layer alone, which has none inside',
        fix: 'leave layers out',
      });
    return { model: filled(model), quantized: [''], left: [] };
  }
  const copy = copyOf(model);
  return { model: copy.eval(), ...quantizeInPlace(copy, layers) };
}

function readLayers(options: QuantizeDynamicOptions): { layers: readonly string[] | undefined } {
  const { layers }: { layers?: unknown } = readOptions('quantizeDynamic', options, { layers: asGiven });
  if (layers === undefined) return { layers };
  if (Array.isArray(layers) && layers.length > 0 && layers.every((path) => typeof path === 'string')) return { layers };
  throw new OptionError('quantizeDynamic', {
    given: `layers: ${describe(layers)}`,
    expected: "paths of modules, as ['encoder', 'head']",
    fix: 'leave it out for all layers that can be quantised',
  });
}

function checkModel(model: unknown): void {
  if (!(model instanceof Module))
    throw new OptionError('quantizeDynamic', {
      given: `${describe(model)} as model`,
      expected: 'a Module',
      fix: isTask(model)
        ? 'pass it to quantizeTask(task) of stmnet/tasks, which stmnet quantize RUN does, too, or quantise task.model'
        : 'pass the model itself: quantizeDynamic(model)',
    });
  const place = [...model.namedTensors()].find(([, tensor]) => tensor.device !== 'cpu');
  if (place === undefined) return;
  throw new DeviceError('quantizeDynamic', {
    given: `${place[0]} ${describe(place[1])}`,
    expected: 'a model on the cpu, where weights of 8 bits are for',
    fix: "move it there first: model.to('cpu')",
  });
}

/** Whether it is what `stmnet/tasks` has, which stands above the layers. */
const isTask = (given: unknown): boolean =>
  typeof given === 'object' && given !== null && 'task' in given && 'model' in given && 'predict' in given;

/** The model built once more, with the same values. */
function copyOf(model: Module): Module {
  const classes = new Map<string, unknown>();
  for (const { constructor } of model.rebuiltModules())
    if (!isPackaged(constructor)) classes.set(constructor.name, constructor);
  try {
    const copy = keepRandomState(() => rebuild(model.config(), Object.fromEntries(classes) as ModuleClasses));
    copy.to('cpu').loadStateDict(model.stateDict()); // it was made on the default device
    return copy;
  } catch (error) {
    throw renamed(error, 'quantizeDynamic');
  }
}

/**
 * As `quantizeInPlace`, of what a caller has given.
 *
 * @param op  who is called, for the messages
 * @throws as `quantizeDynamic`
 * @internal
 */
export function quantizeInPlaceOf(
  op: string,
  model: Module,
  options: QuantizeDynamicOptions,
): Pick<QuantizeDynamicResult, 'quantized' | 'left'> {
  try {
    checkModel(model);
    return quantizeInPlace(model, readLayers(options).layers);
  } catch (error) {
    throw renamed(error, op);
  }
}

/** A layer that may be quantised, and all places where it stands. */
interface Candidate {
  readonly layer: Module;
  readonly path: string;
  readonly places: Place[];
  /** Why it is left as it is. */
  reason: string | undefined;
}

/**
 * Puts quantised layers in the place of those of a model that nobody else uses.
 *
 * @param named  as `layers` of the options
 * @throws {OptionError} as `quantizeDynamic`
 * @internal
 */
function quantizeInPlace(model: Module, named?: readonly string[]): Pick<QuantizeDynamicResult, 'quantized' | 'left'> {
  const candidates = candidatesIn(model);
  for (const path of named ?? []) checkNamed(model, path, candidates);
  for (const one of candidates)
    if (named !== undefined && !named.some((outer) => one.places.some(({ path }) => isWithin(path, outer))))
      one.reason ??= 'not among layers';
  const chosen = (): Candidate[] => candidates.filter(({ reason }) => reason === undefined);
  // Whom a layer shares a weight with decides whether it can be; one that is left may be such a sharer.
  for (let one = sharer(model, chosen()); one !== undefined; one = sharer(model, chosen())) one[0].reason = one[1];
  const refused = candidates.find(
    ({ places, reason }) => reason !== undefined && places.some(({ path }) => named?.includes(path)),
  );
  if (refused !== undefined) throw cannot(refused.path, refused.layer, refused.reason ?? '');
  const done = chosen();
  if (done.length === 0) throw nothingDone(model, candidates);
  const matrices = new Map<Parameter, readonly BufferTensor[]>();
  for (const { layer, places } of done) {
    const quantized = filled(layer, matrices);
    for (const { holder, key } of places) Reflect.set(holder, key, quantized);
  }
  for (const { layer } of done) for (const parameter of layer.parameters()) parameter.dispose();
  const left = candidates.flatMap(({ path, reason }) => (reason === undefined ? [] : [{ path, reason }]));
  return { quantized: done.map(({ path }) => path), left };
}

const isWithin = (path: string, outer: string): boolean => path === outer || path.startsWith(`${outer}.`);

const isCandidate = (module: unknown): module is Linear | LSTM | GRU | RNN =>
  module instanceof Linear || module instanceof LSTM || module instanceof GRU || module instanceof RNN;

function candidatesIn(model: Module): Candidate[] {
  const found = new Map<Module, Candidate>();
  for (const place of placesIn(model, 'once')) {
    const { part: layer, path } = place;
    if (!isCandidate(layer)) continue;
    const known = found.get(layer);
    if (known === undefined) found.set(layer, { layer, path, places: [place], reason: reasonAgainst(layer) });
    else known.places.push(place);
  }
  return [...found.values()];
}

const plainClasses: readonly unknown[] = [Linear, LSTM, GRU, RNN];

/** Why a layer has no quantised form, whatever is around it. */
function reasonAgainst(layer: Linear | LSTM | GRU | RNN): string | undefined {
  const { name } = layer.constructor;
  if (!plainClasses.includes(layer.constructor)) return `${name} is a class of your own`;
  if (layer.options.dtype !== 'f32') return `its weights are ${layer.options.dtype}`;
  if (variantOf(name, layer.options) !== undefined) return `it has a variant of the cell of ${name}`;
  const most = mostQuantizedColumns();
  const wide = matricesOf(layer).find(([, { shape }]) => (shape[1] ?? 0) > most);
  return wide && `its ${wide[0]} has rows of more than ${most}`;
}

const isMatrix = (name: string): boolean => name.startsWith('weight');
const matricesOf = (layer: Module): [string, Parameter][] =>
  [...layer.namedParameters()].filter(([name]) => isMatrix(name));

/**
 * The first layer with a parameter that stands elsewhere as well, and where; Linear layers that are quantised together
 * may share their weight.
 */
function sharer(model: Module, chosen: readonly Candidate[]): [Candidate, string] | undefined {
  const paths = new Map<unknown, string[]>();
  for (const [path, tensor] of model.namedTensors()) paths.set(tensor, [...(paths.get(tensor) ?? []), path]);
  const alike = new Set(
    chosen.flatMap(({ layer, places }) => (layer instanceof Linear ? places.map(({ path }) => `${path}.weight`) : [])),
  );
  for (const one of chosen)
    for (const [name, parameter] of one.layer.namedParameters()) {
      const together = one.layer instanceof Linear && name === 'weight';
      const other = paths
        .get(parameter)
        ?.find((path) => !one.places.some((own) => isWithin(path, own.path)) && !(together && alike.has(path)));
      if (other !== undefined) return [one, `its ${name} is ${other} as well`];
    }
  return undefined;
}

/** The quantised form of a layer. @param matrices  those that layers before it had, by their weights: to be shared */
function filled(layer: Module, matrices: Map<Parameter, readonly BufferTensor[]> = new Map()): Module {
  const quantized = layer.emptyQuantized()?.to('cpu');
  if (quantized === undefined) throw new Error(`no quantised ${layer.constructor.name}`);
  const names = (name: string): string[] => (isMatrix(name) ? [name, `${name}_scale`] : [name]);
  for (const [name, parameter] of layer.namedParameters()) {
    const shared = matrices.get(parameter);
    if (shared !== undefined) {
      shared.forEach((buffer, at) => Reflect.set(quantized, names(name)[at] ?? name, buffer));
      continue;
    }
    const buffers = names(name)
      .map((key): unknown => Reflect.get(quantized, key))
      .filter(isBuffer);
    noGrad(() =>
      scope(() => {
        const values = isMatrix(name) ? Object.values(quantizeRows(parameter)) : [parameter];
        buffers.forEach((buffer, at) => assign(buffer, values[at] ?? parameter));
      }),
    );
    if (layer instanceof Linear && isMatrix(name)) matrices.set(parameter, buffers);
  }
  return quantized.eval();
}

const isBuffer = (value: unknown): value is BufferTensor => value instanceof BufferTensor;

function checkNamed(model: Module, path: string, candidates: readonly Candidate[]): void {
  if (candidates.some(({ places }) => places.some((place) => isWithin(place.path, path)))) return;
  const modules = new Map(model.namedModules());
  const module = modules.get(path);
  if (module !== undefined) throw cannot(path, module, 'it neither is nor holds a Linear, LSTM, GRU or RNN');
  const near = nearMiss(path, [...modules.keys()]);
  throw new OptionError('quantizeDynamic', {
    given: `${describe(path)} in layers`,
    expected: `paths of modules: ${candidates.map((one) => one.path).join(', ')}, or of what holds these`,
    fix: near === undefined ? 'see the names in model.namedModules()' : `write ${near}, if that is what you mean`,
  });
}

const cannot = (path: string, { constructor }: Module, reason: string): OptionError =>
  new OptionError('quantizeDynamic', {
    given: `${path} in layers, of class ${constructor.name}: ${reason}`,
    expected: 'a layer whose weights can have 8 bits',
    fix: 'leave it out of layers; it stays in f32 then',
  });

function nothingDone(model: Module, candidates: readonly Candidate[]): OptionError {
  const reasons = candidates.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
  const known = model.modulesInside().some(({ isQuantized }) => isQuantized);
  const without = known ? 'a model whose layers have 8 bits already' : 'a model without Linear, LSTM, GRU and RNN';
  return new OptionError('quantizeDynamic', {
    given: candidates.length === 0 ? without : `a model of layers that stay in f32 (${reasons})`,
    expected: 'a Linear, LSTM, GRU or RNN in f32, of the plain cell, which shares no weight with another kind of layer',
    fix: 'use the model as it is',
  });
}
