import { OptionError, type ErrorParts } from '../tensor/errors';
import { describe } from '../tensor/options';
import { ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh } from './activations';
import { AdditiveAttention } from './additive-attention';
import { BatchNorm1d } from './batch-norm-1d';
import { Bidirectional } from './bidirectional';
import { Conv1d } from './conv-1d';
import { Dropout } from './dropout';
import { Embedding } from './embedding';
import { GaussianNoise } from './gaussian-noise';
import { GRU } from './gru';
import { LayerNorm } from './layer-norm';
import { Linear } from './linear';
import { LSTM } from './lstm';
import { Module, type ModuleConfig } from './module';
import { MultiplicativeAttention } from './multiplicative-attention';
import { Parameter } from './parameter';
import { LastStep, MaxPool, MeanPool } from './pooling';
import { Residual } from './residual';
import { RNN } from './rnn';
import { ScaledDotProductAttention } from './scaled-dot-product-attention';
import { Sequential } from './sequential';
import { Standardize } from './standardize';
import { TimeDistributed } from './time-distributed';

/** Classes of the user's by name, as `{ Tagger }`. */
export type ModuleClasses = Readonly<Record<string, new (...args: never[]) => Module>>;

/** Built of options alone. */
const layers: ModuleClasses = {
  AdditiveAttention, BatchNorm1d, Conv1d, Dropout, ELU, Embedding, GaussianNoise, GELU, GRU, LastStep, LayerNorm, LeakyReLU, Linear, LogSoftmax, LSTM,
  MaxPool, MeanPool, MultiplicativeAttention, ReLU, RNN, ScaledDotProductAttention, Sigmoid, SiLU, Softmax, Softplus, Standardize, Tanh,
};

/** Built of modules, and of options after them. */
const containers: ModuleClasses = { Bidirectional, Residual, Sequential, TimeDistributed };

/** Why a module cannot be rebuilt, in parts, so that `load` can add which file it was reading. */
export class RebuildError extends OptionError {
  /** @param own  whether the fault is that of a class of the user's, not of the configuration */
  constructor(readonly parts: ErrorParts, readonly own = false) {
    super('load', parts);
  }
}

/** Whether a class is one of the package's layers or containers. */
export const isBuiltIn = (constructor: unknown): boolean => [...Object.values(layers), ...Object.values(containers)].some((known) => known === constructor);

/**
 * Builds the module that a configuration describes, with fresh weights.
 *
 * @param config   what `module.config()` returned; it may come from a file and is checked
 * @param classes  classes of the user's own that it holds, by name. Each is built with the `options` that its object had, or without arguments.
 * @throws {RebuildError} if a class is unknown, or the configuration is not one, or the constructor of a class of the user's throws
 */
export function rebuild(config: ModuleConfig, classes: ModuleClasses = {}): Module {
  const { name, options, children, tied } = checkConfig(config);
  const settings = options === undefined ? [] : [options];
  const own = Object.hasOwn(classes, name) ? classes[name] : undefined;
  const layer = Object.hasOwn(layers, name) ? layers[name] : undefined;
  const container = Object.hasOwn(containers, name) ? containers[name] : undefined;
  const parts = own === undefined && container !== undefined ? children.map((child) => rebuild(child, classes)) : [];
  const made = own ?? layer ?? container;
  if (made === undefined) {
    throw new RebuildError({ given: `a model that holds a ${name}`, expected: 'a class of stmnet or one that is passed', fix: `load(path, { classes: { ${name} } })` });
  }
  const module: unknown = own === undefined ? Reflect.construct(made, [...parts, ...settings]) : constructOwn(own, name, settings);
  if (!(module instanceof Module)) throw new RebuildError({ given: `class ${name}, which is no Module`, expected: 'a class that extends Module', fix: `let ${name} extend Module` }, true);
  tied.forEach((paths) => tie(module, paths));
  return module;
}

/** Builds an object of a class of the user's, whose constructor may throw whatever it likes. */
function constructOwn(own: ModuleClasses[string], name: string, settings: readonly unknown[]): unknown {
  try {
    return Reflect.construct(own, settings);
  } catch (error) {
    const call = `new ${name}(${settings.length > 0 ? 'options' : ''})`;
    const reason = (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split('\n', 1)[0]?.replace(/\.$/, '') ?? '';
    const failure = new RebuildError({
      given: `${name}, whose constructor fails (${reason}),`, expected: `${call} to build the model that was saved`,
      fix: `keep the constructor's argument in a field options of ${name} before saving, and let the constructor take it; see the error's cause`,
    }, true);
    failure.cause = error;
    throw failure;
  }
}

interface CheckedConfig {
  name: string;
  options: unknown;
  children: ModuleConfig[];
  tied: string[][];
}

function checkConfig(config: ModuleConfig): CheckedConfig {
  const given: unknown = config;
  if (typeof given !== 'object' || given === null || !('class' in given) || typeof given.class !== 'string') throw damaged(describe(given));
  const children: unknown = 'children' in given ? given.children : [];
  if (!Array.isArray(children)) throw damaged(`children: ${describe(children)}`);
  const tied: unknown = 'tied' in given ? given.tied : [];
  if (!Array.isArray(tied) || !tied.every(isPaths)) throw damaged(`tied: ${describe(tied)}`);
  return { name: given.class, options: 'options' in given ? given.options : undefined, children, tied };
}

const isPaths = (value: unknown): value is string[] => Array.isArray(value) && value.every((path) => typeof path === 'string');

const damaged = (given: string): RebuildError =>
  new RebuildError({ given: `a configuration with ${given}`, expected: '{ class, options?, children?, tied? }', fix: 'save the model again: save(model, path)' });

/** Lets the later paths hold the parameter of the first. */
function tie(module: Module, [first = '', ...others]: readonly string[]): void {
  const { holder, key } = holderOf(module, first);
  const shared: unknown = Reflect.get(holder, key);
  for (const path of others) {
    const place = holderOf(module, path);
    Reflect.set(place.holder, place.key, shared);
  }
}

/** The object and key that hold the parameter at a path; only own fields are followed. */
function holderOf(module: Module, path: string): { holder: object; key: string } {
  const keys = path.split('.');
  const key = keys.pop() ?? '';
  let holder: object = module;
  for (const step of keys) {
    const next: unknown = Object.hasOwn(holder, step) ? Reflect.get(holder, step) : undefined;
    if (typeof next !== 'object' || next === null) throw damaged(`tied path ${describe(path)}`);
    holder = next;
  }
  if (!Object.hasOwn(holder, key) || !(Reflect.get(holder, key) instanceof Parameter)) throw damaged(`tied path ${describe(path)}`);
  return { holder, key };
}
