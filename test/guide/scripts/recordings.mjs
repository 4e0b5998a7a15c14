import { augmentSeries, readWav } from 'stmnet';

/** How loud each hundredth of a second is; with noise where a loader says a seed. */
export default ({ files }) => ({
  length: files.length,
  async at(index, { seed } = {}) {
    const { path, digit } = files[index];
    const { samples, sampleRate } = await readWav(path);
    const length = sampleRate / 100;
    const loudness = Array.from({ length: Math.floor(samples.length / length) }, (_, step) => [
      Math.hypot(...samples.subarray(step * length, (step + 1) * length)),
    ]);
    return { input: augmentSeries(loudness, { seed: seed ?? 0, noise: seed === undefined ? 0 : 0.01 }), target: digit };
  },
});
