import { writeFileSync } from 'node:fs';
import type { SpeechExample, SpeechRecognizerOptions, SpokenSamples } from '../../src/tasks';

const RATE = 8000;
/** How high each letter is whistled, in Hz. */
const PITCH: Readonly<Record<string, number>> = { a: 500, b: 1100, c: 2200 };

/** A text whistled: a tone of a tenth of a second for each letter, and a pause around each; a blank is a long pause. */
export function whistled(text: string): SpokenSamples & { readonly samples: Float32Array } {
  const samples: number[] = [];
  let noise = 7 + text.length;
  const add = (count: number, pitch: number): void => {
    for (let at = 0; at < count; at++) {
      noise = (16_807 * noise) % (2 ** 31 - 1);
      samples.push(0.4 * Math.sin((2 * Math.PI * pitch * at) / RATE) + 0.002 * (noise / 2 ** 31 - 0.5));
    }
  };
  add(320, 0);
  for (const letter of text) {
    add(800, PITCH[letter] ?? 0);
    add(320, 0);
  }
  return { samples: Float32Array.from(samples), sampleRate: RATE };
}

/** Texts of three letters, and how they are whistled. */
export const recordings: readonly SpeechExample[] = Array.from({ length: 72 }, (_, at) => {
  const letters = [at, Math.floor(at / 3), Math.floor(at / 9)].map((place) => 'abc'[place % 3] ?? 'a');
  const words = [letters.join(''), ...(at % 4 === 0 ? ['abc'[(at / 4) % 3] ?? 'a'] : [])];
  const text = at % 7 === 0 ? words.join(' ').slice(1) : words.join(' ');
  return { ...whistled(text), transcript: text.trim() };
});

/** A network that learns them in seconds. */
export const smallSpeech: SpeechRecognizerOptions = { hiddenSize: 24, numMels: 12, dropout: 0, augment: false };
/** A training that does. */
export const quickSpeech = { epochs: 30, batchSize: 8, learningRate: 2e-2, seed: 3, progress: false } as const;

/** Writes samples as a WAV file of 16 bits; several channels are alike. */
export function writeWav(path: string, samples: Float32Array, { channels = 1, rate = RATE } = {}): void {
  const data = Buffer.alloc(44 + 2 * channels * samples.length);
  data.write('RIFF', 0, 'latin1');
  data.writeUInt32LE(data.length - 8, 4);
  data.write('WAVEfmt ', 8, 'latin1');
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(channels, 22);
  data.writeUInt32LE(rate, 24);
  data.writeUInt32LE(2 * channels * rate, 28);
  data.writeUInt16LE(2 * channels, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36, 'latin1');
  data.writeUInt32LE(data.length - 44, 40);
  samples.forEach((sample, at) => {
    for (let channel = 0; channel < channels; channel++)
      data.writeInt16LE(Math.round(32_767 * sample), 44 + 2 * (at * channels + channel));
  });
  writeFileSync(path, data);
}
