import type { CalibrationBin } from '../report';

/**
 * Whether what is said to be likely does happen: bins of equal width, the lowest first.
 *
 * @param probabilities  that it happens, of each example
 * @param happened       whether it did
 */
export function calibrationBins(
  probabilities: ArrayLike<number>,
  happened: readonly boolean[],
  count = 10,
): CalibrationBin[] {
  const bins = Array.from({ length: count }, () => ({ predicted: 0, observed: 0, count: 0 }));
  happened.forEach((did, example) => {
    const probability = probabilities[example] ?? 0;
    const bin = bins[Math.min(Math.floor(probability * count), count - 1)];
    if (bin === undefined) return;
    bin.predicted += probability;
    bin.observed += Number(did);
    bin.count++;
  });
  return bins.map((bin, place) => ({
    from: place / count,
    to: (place + 1) / count,
    predicted: bin.predicted / bin.count,
    observed: bin.observed / bin.count,
    count: bin.count,
  }));
}
