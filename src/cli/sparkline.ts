const BARS = '▁▂▃▄▅▆▇█';

/**
 * Numbers as a line of small bars, the lowest for the smallest. Where there are more than `width`, each bar is the mean
 * of as many of them.
 *
 * @param width  characters at most
 */
export function sparkline(values: readonly number[], width: number): string {
  const finite = values.filter(Number.isFinite);
  const means = binned(finite, Math.max(width, 1));
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const place = (value: number): number =>
    high === low ? 0 : Math.round(((value - low) / (high - low)) * (BARS.length - 1));
  return means.map((value) => BARS[place(value)] ?? '').join('');
}

function binned(values: readonly number[], bins: number): number[] {
  if (values.length <= bins) return [...values];
  return Array.from({ length: bins }, (_, bin) => {
    const [from, to] = [bin, bin + 1].map((edge) => Math.floor((edge * values.length) / bins));
    const part = values.slice(from, to);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
