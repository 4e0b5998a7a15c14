import { checkSamples } from '../audio/check-samples';
import type { LogMelStream } from '../audio/log-mel-stream';
import type { SequentialState } from '../layers/sequential';
import { firstTensor } from '../module/fields';
import { mapTensors, tensorsIn } from '../tensor/nested-tensors';
import { OptionError } from '../tensor/errors';
import { noGrad } from '../tensor/grad-mode';
import { tensor } from '../tensor/factories';
import { argmax } from '../tensor/ops/reduce';
import { valuesOf } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import type { TypedArray } from '../tensor/tensor';
import type { TrainedSpeech } from './speech-trainer';

/** Recognises a recording that comes piece by piece, as it comes: `recognizer.createStream()` makes it. */
export class SpeechStream {
  readonly #trained: TrainedSpeech;
  readonly #mel: LogMelStream;
  #frames = new Float32Array(0);
  #state: SequentialState | undefined;
  /** The class of the step before: the same once more is no letter of its own. */
  #before = 0;
  #text = '';
  #ended = false;
  /** Whether there was a sample. */
  #heardAny = false;
  #busy: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(trained: TrainedSpeech) {
    this.#trained = trained;
    this.#mel = trained.sound.mel.createStream();
  }

  /** What has been said so far. */
  get text(): string {
    return this.#text;
  }

  /**
   * Hears the next samples. Calls may be made without waiting for those before.
   *
   * @param samples  of one channel, in -1..1, at the sample rate of the training: bytes and whole numbers of 16 bits
   *   are refused
   * @returns the letters that they end, often none
   * @throws {OptionError} if they are no such numbers, or `end` was called
   */
  async push(samples: Float32Array | Float64Array | readonly number[]): Promise<string> {
    this.#checkOpen('push');
    checkSamples('SpeechStream.push', samples);
    this.#heardAny ||= samples.length > 0;
    return this.#hear(this.#mel.push(samples).data);
  }

  /** Hears that nothing follows. @returns the last letters @throws {OptionError} if it was called before */
  async end(): Promise<string> {
    this.#checkOpen('end');
    this.#ended = true;
    return this.#heardAny ? this.#hear(this.#mel.end().data, true) : '';
  }

  #checkOpen(verb: string): void {
    if (!this.#ended) return;
    throw new OptionError(`SpeechStream.${verb}`, {
      given: 'a stream that was ended',
      expected: 'one that goes on',
      fix: 'make a stream for each recording: recognizer.createStream()',
    });
  }

  #hear(frames: Float32Array, ends = false): Promise<string> {
    const heard = this.#busy.then(() => this.#read(frames, ends));
    this.#busy = heard.catch(() => undefined); // whoever made the call hears of it
    return heard;
  }

  async #read(frames: Float32Array, ends: boolean): Promise<string> {
    const { numMels, stack } = this.#trained.sound.options;
    const all = new Float32Array(this.#frames.length + frames.length);
    all.set(this.#frames);
    all.set(frames, this.#frames.length);
    const count = all.length / numMels;
    const whole = (ends ? Math.ceil(count / stack) : Math.floor(count / stack)) * stack;
    const steps = new Float32Array(whole * numMels);
    steps.set(all.subarray(0, steps.length));
    // The last frame fills its step up.
    for (let frame = count; frame < whole; frame++) steps.set(all.subarray((count - 1) * numMels), frame * numMels);
    this.#frames = all.slice(Math.min(steps.length, all.length));
    if (whole === 0) return '';
    const { classes, state } = this.#advance(steps, whole);
    for (const x of tensorsIn(this.#state)) x.dispose();
    this.#state = state;
    return this.#letters(await classes);
  }

  #advance(steps: Float32Array, count: number): { classes: Promise<TypedArray>; state: SequentialState } {
    const { model, sound } = this.#trained;
    return noGrad(() =>
      scope(() => {
        const device = firstTensor(model)?.device;
        const frames = tensor({ data: steps, shape: [1, count, sound.options.numMels] }, device ? { device } : {});
        const { output, state } = model.next(frames, this.#state);
        return {
          classes: argmax(valuesOf(output), -1).data(),
          state: mapTensors(state, (x) => x.detach()) as SequentialState,
        };
      }),
    );
  }

  #letters(classes: TypedArray): string {
    const found: number[] = [];
    for (const one of classes) {
      const letter = Number(one);
      if (letter !== 0 && letter !== this.#before) found.push(letter);
      this.#before = letter;
    }
    const text = this.#trained.letters.decode(found);
    this.#text += text;
    return text;
  }
}
