import { setTimeout as sleep } from 'node:timers/promises';
import { loadSafetensors, LSTM, saveSafetensors, type Stream } from 'stmnet';
import type { Job, Now } from '../turns/protocol';
import { STEPS_COMPARED, type StreamOptions } from './stream-case';

/** One step of one sequence through two layers, read back: what a server does for each frame. */
export class StreamJob implements Job {
  readonly #model: LSTM;
  readonly #pause: number;
  readonly #now: Now;
  readonly #frame: Float32Array;
  #stream: Stream;

  constructor({ size, pause }: StreamOptions, now: Now) {
    this.#model = new LSTM({ inputSize: size, hiddenSize: size, numLayers: 2 });
    this.#stream = this.#model.createStream();
    this.#pause = pause;
    this.#now = now;
    this.#frame = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  }

  save(file: string): Promise<void> {
    return saveSafetensors(file, this.#model.stateDict());
  }

  async load(file: string): Promise<void> {
    this.#model.loadStateDict(await loadSafetensors(file));
    this.#stream = this.#model.createStream();
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
