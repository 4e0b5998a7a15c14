// The module of the worker threads of data-workers.ts: recordings as spectra.
import { readWav } from 'stmnet';

/** A recording: the file, or where there is none the number of a made one. */
export interface Source {
  path: string | number;
  target: number;
}

/** Frames of 25 ms, one each 10 ms, at 8 kHz. */
const [FRAME, HOP] = [200, 80];
/** Frequencies of a spectrum. */
export const BANDS = 40;

const waves = (wave: (x: number) => number): Float64Array =>
  Float64Array.from({ length: BANDS * FRAME }, (_, i) =>
    wave((Math.PI * (i % FRAME) * (Math.floor(i / FRAME) + 1)) / (BANDS + 1)),
  );
const [COSINES, SINES] = [waves(Math.cos), waves(Math.sin)];

export interface Spectra {
  input: { data: Float32Array; shape: [number, number] };
  target: number;
}

export default (sources: readonly Source[]): { length: number; at(index: number): Promise<Spectra> } => ({
  length: sources.length,
  async at(index) {
    const { path, target } = sources[index] ?? { path: 0, target: 0 };
    const samples = typeof path === 'string' ? (await readWav(path)).samples : madeSamples(path);
    return { input: spectra(samples), target };
  },
});

const madeSamples = (number: number): Float32Array =>
  Float32Array.from({ length: 2000 + 300 * (number % 10) }, (_, t) => Math.sin(t / (2 + (number % 7))));

/** Logarithms of the power at each frequency, [T, BANDS]. */
function spectra(samples: Float32Array): Spectra['input'] {
  const steps = Math.max(1, Math.floor((samples.length - FRAME) / HOP) + 1);
  const data = new Float32Array(steps * BANDS);
  for (let step = 0; step < steps; step++)
    for (let band = 0; band < BANDS; band++) {
      let [real, imaginary] = [0, 0];
      for (let t = 0; t < FRAME; t++) {
        const sample = samples[step * HOP + t] ?? 0;
        real += sample * (COSINES[band * FRAME + t] ?? 0);
        imaginary += sample * (SINES[band * FRAME + t] ?? 0);
      }
      data[step * BANDS + band] = Math.log(1e-6 + real * real + imaginary * imaginary);
    }
  return { data, shape: [steps, BANDS] };
}
