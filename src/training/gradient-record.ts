/** How large the gradients of one step were: what GradientReport adds to the record of an epoch. */
export interface GradientRecord {
  /** The training step that was looked at. */
  readonly step: number;
  /** Norm of each parameter's gradient, under its path; NaN where there was none. */
  readonly parameters: Readonly<Record<string, number>>;
  /**
   * Of each recurrent layer, under its path: root mean square, over the rows that have the step, of the norm of the
   * gradient that arrives at its input, for each time step.
   */
  readonly steps: Readonly<Record<string, readonly number[]>>;
  /** What vanishes or explodes, in words, with layer and step. */
  readonly findings: readonly string[];
}

const BARS = '▁▂▃▄▅▆▇█';

/** Numbers as a line of bars on a logarithmic scale, the least at the bottom; at most so many bars. */
export function sparkline(values: readonly number[], width = 60): string {
  const shown = values.length <= width ? values : Array.from({ length: width }, (_, i) => pick(values, i, width));
  const logs = shown.map((value) => (value > 0 && Number.isFinite(value) ? Math.log10(value) : Number.NaN));
  const known = logs.filter((log) => !Number.isNaN(log));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return logs
    .map((log, i) => {
      if (Number.isNaN(log)) return shown[i] === 0 ? ' ' : '!';
      return BARS[high > low ? Math.round(((log - low) / (high - low)) * (BARS.length - 1)) : 3] ?? '';
    })
    .join('');
}

const pick = (values: readonly number[], i: number, width: number): number =>
  values[Math.round((i * (values.length - 1)) / (width - 1))] ?? Number.NaN;

/** The report as lines for a terminal: each recurrent layer over time, the largest and the least parameters. */
export function gradientLines({ step, parameters, steps, findings }: GradientRecord): string[] {
  const layers = Object.entries(steps).map(
    ([name, norms]) =>
      `  ${name}: ${short(norms[0])} ${sparkline(norms)} ${short(norms.at(-1))}, ${norms.length} steps`,
  );
  const measured = Object.entries(parameters).filter(([, norm]) => !Number.isNaN(norm)); // not those that are frozen
  const sorted = measured.toSorted(([, a], [, b]) => Number(b > a) - Number(b < a)); // infinities, too
  const told = sorted.length > 6 ? [...sorted.slice(0, 3), ...sorted.slice(-3)] : sorted;
  const listed = told.map(([name, norm]) => `${name} ${short(norm)}`).join(', ');
  return [`gradients of step ${step}: ${listed}`, ...layers, ...findings.map((finding) => `  ! ${finding}`)];
}

const short = (value = Number.NaN): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : value.toPrecision(2);

/** From where on a gradient counts as vanished or exploded. */
export interface GradientLimits {
  /** Of the largest norm among the steps of a layer. */
  readonly vanishing: number;
  /** Times the norm at the step that the gradient comes from; of a parameter the norm itself. */
  readonly exploding: number;
}

/** The norms of a recurrent layer. */
export interface LayerNorms {
  readonly name: string;
  readonly bidirectional: boolean;
  readonly norms: readonly number[];
}

/** Names what vanishes or explodes, a parameter, or a layer with the step. */
export function findingsIn(
  parameters: Readonly<Record<string, number>>,
  layers: readonly LayerNorms[],
  limits: GradientLimits,
): string[] {
  const large = Object.entries(parameters).filter(([, norm]) => norm === Infinity || norm > limits.exploding);
  return [
    ...large.map(([name, norm]) => `the gradient of ${name} explodes: its norm is ${short(norm)}`),
    ...layers.flatMap((layer) => alongTime(layer, limits)),
  ];
}

/** Below this nothing explodes: where a loss is of every step, the last one may have next to no gradient of its own. */
const LEAST = 1;

function alongTime({ name, bidirectional, norms }: LayerNorms, { vanishing, exploding }: GradientLimits): string[] {
  const count = norms.length;
  const at = (step: number): string => `at step ${step + 1} of ${count} it is ${short(norms[step])}`;
  const odd = norms.findLastIndex((norm) => !Number.isFinite(norm));
  if (odd >= 0) return [`the gradient in ${name} is not finite: ${at(odd)}`];
  const largest = Math.max(...norms);
  const peak = norms.indexOf(largest);
  const faint = norms.flatMap((norm, step) => (norm < vanishing * largest ? [step] : []));
  const nearest = faint.toSorted((a, b) => Math.abs(a - peak) - Math.abs(b - peak))[0];
  const found = nearest === undefined ? [] : [`the gradient in ${name} vanishes: ${at(nearest)}, and ${at(peak)}`];
  // It comes from the end, or from both ends.
  const [first = 0, last = 0] = [norms[0], norms[count - 1]];
  const source = bidirectional && first > last ? 0 : count - 1;
  const from = norms[source] ?? 0;
  if (largest > LEAST && largest > exploding * from && from > 0)
    found.push(`the gradient in ${name} explodes: ${at(peak)}, and ${at(source)}`);
  return found;
}
