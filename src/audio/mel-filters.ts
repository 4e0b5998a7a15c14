/** A triangle over some frequencies of a spectrum. */
export interface MelFilter {
  /** The first bin that counts. */
  readonly first: number;
  /** Of this bin and those behind it. */
  readonly weights: Float64Array;
}

/** What filters are made for. */
export interface MelScale {
  readonly sampleRate: number;
  readonly fftSize: number;
  readonly numMels: number;
  readonly fMin: number;
  readonly fMax: number;
}

// Slaney's scale: even steps up to 1,000 Hz, and even ratios above, 27 of them for a factor of 6.4.
const [STEP, KNEE] = [200 / 3, 1000];
const RATIO = Math.log(6.4) / 27;

const melOf = (hertz: number): number => (hertz < KNEE ? hertz / STEP : KNEE / STEP + Math.log(hertz / KNEE) / RATIO);
const hertzOf = (mel: number): number =>
  mel < KNEE / STEP ? mel * STEP : KNEE * Math.exp(RATIO * (mel - KNEE / STEP));

/**
 * Overlapping triangles, evenly spaced on Slaney's mel scale, each of area 1 over Hz. One that is narrower than the
 * distance of two bins may have no weight at all.
 *
 * @see librosa.filters.mel, whose defaults these are
 */
export function melFilters({ sampleRate, fftSize, numMels, fMin, fMax }: MelScale): MelFilter[] {
  const [low, high] = [melOf(fMin), melOf(fMax)];
  const corners = Array.from({ length: numMels + 2 }, (_, place) =>
    hertzOf(low + ((high - low) * place) / (numMels + 1)),
  );
  const bins = fftSize / 2 + 1;
  return Array.from({ length: numMels }, (_, mel) => {
    const [left = 0, middle = 0, right = 0] = corners.slice(mel, mel + 3);
    const weights = Float64Array.from({ length: bins }, (__, bin) => {
      const hertz = (bin * sampleRate) / fftSize;
      const height = Math.min((hertz - left) / (middle - left), (right - hertz) / (right - middle));
      return (Math.max(0, height) * 2) / (right - left);
    });
    const first = Math.max(
      weights.findIndex((weight) => weight > 0),
      0,
    );
    const last = weights.findLastIndex((weight) => weight > 0);
    return { first, weights: weights.slice(first, last + 1) };
  });
}
