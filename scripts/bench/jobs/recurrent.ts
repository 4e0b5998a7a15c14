import {
  autocast,
  GRU,
  loadSafetensors,
  LSTM,
  noGrad,
  saveSafetensors,
  scope,
  synchronize,
  zeros,
  type MathMode,
  type Tensor,
} from 'stmnet';
import type { RecurrentShape } from '../shapes';
import type { Job, JobOptions, Now } from '../turns/protocol';
import { samples, wave } from './waves';

/** Recurrent cells that all sides have. */
export const recurrentCells = ['lstm', 'gru'] as const;
/** One of them. */
export type RecurrentCell = (typeof recurrentCells)[number];
/**
 * What a run is: forward and backward with every gradient; forward until the output is computed; or forward until it is
 * read into memory of the caller's own.
 */
export const recurrentKinds = ['train', 'computed', 'read'] as const;
/** One of them. */
export type RecurrentKind = (typeof recurrentKinds)[number];

/** What a recurrent job is made of. */
export interface RecurrentOptions extends JobOptions {
  readonly shape: RecurrentShape;
  readonly cell: RecurrentCell;
  readonly kind: RecurrentKind;
  /** What products are computed in. Default f32. */
  readonly precision?: MathMode;
}

/** A stack of layers on one batch, through the public API. */
export class RecurrentJob implements Job {
  readonly #layer: LSTM | GRU;
  readonly #forward: () => Tensor;
  readonly #kind: RecurrentKind;
  readonly #now: Now;
  readonly #x: Tensor;
  readonly #gradient: Tensor;

  constructor({ shape, cell, kind, precision }: RecurrentOptions, now: Now) {
    const { T, N, D, H, L, bidirectional } = shape;
    const options = { inputSize: D, hiddenSize: H, numLayers: L, bidirectional, batchFirst: false };
    const directions = bidirectional ? 2 : 1;
    this.#kind = kind;
    this.#now = now;
    const x = wave([T, N, D], 0.37, { requiresGrad: kind === 'train' });
    this.#x = x;
    this.#gradient = wave([T, N, H * directions], 0.11);
    const state = (): Tensor => zeros([L * directions, N, H]);
    let forward: () => Tensor;
    if (cell === 'lstm') {
      const [layer, initial] = [new LSTM(options), { h: state(), c: state() }];
      forward = () => layer.forward(x, initial).output;
      this.#layer = layer;
    } else {
      const [layer, initial] = [new GRU(options), { h: state() }];
      forward = () => layer.forward(x, initial).output;
      this.#layer = layer;
    }
    this.#forward = precision === undefined ? forward : () => autocast(precision, forward);
  }

  run(): Promise<number> {
    return this.#kind === 'train' ? this.#train() : this.#infer();
  }

  async check(): Promise<number[]> {
    if (this.#kind !== 'train') {
      const output = noGrad(() => scope(() => this.#forward()));
      const values = await samples(output);
      output.dispose();
      return values;
    }
    await this.#train();
    const gradients = [this.#x, ...this.#layer.parameters()].map(({ grad }) => grad);
    const all: number[] = [];
    for (const gradient of gradients) if (gradient !== undefined) all.push(...(await samples(gradient, 13)));
    return all;
  }

  save(file: string): Promise<void> {
    return saveSafetensors(file, this.#layer.stateDict());
  }

  async load(file: string): Promise<void> {
    this.#layer.loadStateDict(await loadSafetensors(file));
  }

  dispose(): void {
    for (const tensor of [this.#x, this.#gradient, ...this.#layer.parameters()]) tensor.dispose();
  }

  /**
   * Forward and backward from a given gradient; the gradients of x and of every weight are there when the clock stops.
   * The weights count as changed since the last run, as they are in training: what the engine derives from them it
   * derives anew.
   */
  async #train(): Promise<number> {
    const parameters = this.#layer.parameters();
    for (const parameter of [this.#x, ...parameters]) parameter.grad = undefined;
    noGrad(() => parameters.forEach((parameter) => parameter.mul_(1)));
    await synchronize();
    const start = this.#now();
    scope(() => this.#forward().backward({ gradient: this.#gradient }));
    await synchronize();
    return this.#now() - start;
  }

  /** Forward without recording. */
  async #infer(): Promise<number> {
    const start = this.#now();
    const output = noGrad(() => scope(() => this.#forward()));
    await (this.#kind === 'read' ? output.data() : synchronize());
    const time = this.#now() - start;
    output.dispose();
    return time;
  }
}
