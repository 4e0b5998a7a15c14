import { setTimeout as sleep } from 'node:timers/promises';
import { loadSafetensors, LSTM, quantizeDynamic, saveSafetensors, type Stream } from 'stmnet';
import type { Job, Now } from '../turns/protocol';
import { STEPS_COMPARED, type StreamOptions } from './stream-case';

/** One step of one sequence through two layers, read back: what a server does for each frame. */
export class StreamJob implements Job {
  readonly #model: LSTM;
  readonly #pause: number;
  readonly #quantized: boolean;
  readonly #now: Now;
  readonly #frame: Float32Array;
  #stream: Stream;

  constructor({ size, pause, quantized = false }: StreamOptions, now: Now) {
    this.#model = new LSTM({ inputSize: size, hiddenSize: size, numLayers: 2 });
    this.#quantized = quantized;
    this.#stream = this.#newStream();
    this.#pause = pause;
    this.#now = now;
    this.#frame = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  }

  save(file: string): Promise<void> {
    return saveSafetensors(file, this.#model.stateDict());
  }

  async load(file: string): Promise<void> {
    this.#model.loadStateDict(await loadSafetensors(file));
    this.#stream = this.#newStream();
  }

  #newStream(): Stream {
    return (this.#quantized ? quantizeDynamic(this.#model).model : this.#model).createStream();
  }

  async check(): Promise<number[]> {
    let output: ArrayLike<number> = [];
    for (let step = 0; step < STEPS_COMPARED; ++step) output = (await this.#stream.step(this.#frame)).data;
    return Array.from(output);
  }

  async run(): Promise<number> {
    if (this.#pause > 0) await sleep(this.#pause);
    const start = this.#now();
    await this.#stream.step(this.#frame);
    return this.#now() - start;
  }
}
