import { readWav } from '../data/readers/wav';
import { LogMel } from '../audio/log-mel';
import { FileError } from '../files/file-error';
import { FormatError, OptionError, StmnetError } from '../tensor/errors';
import type { HostArray } from '../tensor/host-array';
import { calledPlace, listedPlaces } from './example-place';
import type { CalledExample } from './empty-examples';
import type { SpeechInput, Spoken, SpokenSamples } from './speech-examples';

/** A recording in numbers. */
export interface Heard {
  /** [T, F]; T is a multiple of the frames of a step. */
  readonly frames: HostArray<Float32Array>;
  /** What is said. */
  readonly transcript: string;
  /** What a report and messages call it: the path of its file, or its place. */
  readonly name: string;
  readonly seconds: number;
  /** Whether nothing is to be heard, or more is clipped than a few peaks. */
  readonly flaw: 'silent' | 'clipped' | undefined;
}

/** How recordings become frames. */
export interface SoundOptions {
  readonly sampleRate: number;
  readonly numMels: number;
  /** Frames of a step. */
  readonly stack: number;
}

/** Makes frames of recordings, all of the same sample rate. */
export class SpeechSound {
  readonly options: SoundOptions;
  readonly mel: LogMel;

  constructor({ sampleRate, numMels, stack }: SoundOptions) {
    this.options = { sampleRate, numMels, stack };
    this.mel = new LogMel({ sampleRate, numMels });
  }

  /** Frames of one recording. */
  frames(samples: ArrayLike<number>): HostArray<Float32Array> {
    return filledUp(this.mel.transform(samples), this.options.stack);
  }

  /**
   * Hears recordings, with what is said in them.
   *
   * @param called  what a message calls one
   * @throws {OptionError} naming all that have another sample rate; {FileError}, {FormatError} for files
   */
  async listen(op: string, spoken: readonly Spoken[], called: CalledExample | 'recording'): Promise<Heard[]> {
    const heard: Heard[] = [];
    const others: { readonly name: string; readonly rate: number }[] = [];
    for (const [place, one] of spoken.entries()) {
      const name = nameOf(one, `${called} ${place}`);
      const { samples, sampleRate } = await soundOf(one.input).catch((error: unknown) => {
        throw withPlace(error, one);
      });
      if (sampleRate === this.options.sampleRate) heard.push(this.#heard(one, samples, name));
      else others.push({ name: calledPlace(one, name), rate: sampleRate });
    }
    if (others.length > 0) throw this.#otherRates(op, others);
    return heard;
  }

  #heard({ transcript }: Spoken, samples: ArrayLike<number>, name: string): Heard {
    const seconds = samples.length / this.options.sampleRate;
    return { frames: this.frames(samples), transcript, name, seconds, flaw: flawOf(samples) };
  }

  #otherRates(op: string, others: readonly { readonly name: string; readonly rate: number }[]): OptionError {
    const { sampleRate } = this.options;
    const places = others.map(({ name, rate }) => `${name}: ${rate}`);
    return new OptionError(op, {
      given: `another number of samples a second in ${listedPlaces(places)}`,
      expected: `${sampleRate}, as in all of training`,
      fix: `convert them, as by ffmpeg -i FILE -ar ${sampleRate} OUT.wav`,
    });
  }
}

/** The samples of an input. */
export const soundOf = async (input: SpeechInput): Promise<SpokenSamples> =>
  typeof input === 'string' ? readWav(input) : input;

/** The error of a file that a list names, with the line of the list. */
function withPlace(error: unknown, one: Spoken): unknown {
  const place = calledPlace(one, '');
  const parts = error instanceof StmnetError ? error.messageParts : undefined;
  if (place === '' || parts === undefined || !(error instanceof FormatError || error instanceof FileError))
    return error;
  const Kind = error instanceof FormatError ? FormatError : FileError;
  return new Kind(error.op, { ...parts, given: `${parts.given} (${place})` });
}

const nameOf = ({ input }: Spoken, otherwise: string): string => (typeof input === 'string' ? input : otherwise);

/** Repeats the last frame until steps are whole. */
function filledUp({ data, shape }: HostArray<Float32Array>, stack: number): HostArray<Float32Array> {
  const [frames = 0, features = 0] = shape;
  const whole = Math.ceil(frames / stack) * stack;
  if (whole === frames) return { data, shape };
  const filled = new Float32Array(whole * features);
  filled.set(data);
  for (let frame = frames; frame < whole; frame++)
    filled.set(data.subarray((frames - 1) * features, frames * features), frame * features);
  return { data: filled, shape: [whole, features] };
}

/** Below this nothing is to be heard: a unit of 16 bits. */
const LEAST = 2 / 32768;
/** At this a sample is at the end of its range. */
const FULL = 32766 / 32768;
/** Part of the samples at full scale above which a recording is clipped. */
const CLIPPED = 0.01;

function flawOf(samples: ArrayLike<number>): Heard['flaw'] {
  let [most, full] = [0, 0];
  for (let at = 0; at < samples.length; at++) {
    const size = Math.abs(samples[at] ?? 0);
    if (size > most) most = size;
    if (size >= FULL) full += 1;
  }
  if (most < LEAST) return 'silent';
  return full > CLIPPED * samples.length ? 'clipped' : undefined;
}

/** Tells of recordings with a flaw in a warning, `STM_FLAWED_SOUND`: the training goes on with them. */
export function warnOfFlaws(op: string, heard: readonly Heard[]): void {
  const told = (['silent', 'clipped'] as const).flatMap((flaw) => {
    const names = heard.filter((one) => one.flaw === flaw).map(({ name }) => name);
    return names.length === 0
      ? []
      : [`${flaw} sound in ${names.length} of ${heard.length} recordings: ${listedPlaces(names)}`];
  });
  if (told.length === 0) return;
  process.emitWarning(
    `${op}: got ${told.join(', and ')}.\n  Fix: record them again, or leave them out; the training goes on with them.`,
    { type: 'StmnetWarning', code: 'STM_FLAWED_SOUND' },
  );
}
