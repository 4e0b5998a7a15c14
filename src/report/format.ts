// How numbers and names are written in pages, by Node and in the browser.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** What stands where there is no number. */
export const NONE = '–';

/** A figure, as a loss or an accuracy: four digits after the point, or three where those would say nothing. */
export function figureText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential(2);
  if (size >= 1e6) return value.toExponential(3);
  if (size >= 1000) return whole.format(value);
  return value.toFixed(size >= 100 ? 2 : 4);
}

/** A number on an axis, or a learning rate: as few digits as tell it, `0.003`, `2e-5`, `12,000`. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return figureText(value);
  const size = Math.abs(value);
  if (size >= 1e5) return compact(value);
  if (size >= 1e4) return whole.format(value);
  if (size !== 0 && size < 1e-4) return value.toExponential(2).replace(/\.?0+e/u, 'e');
  return String(Number(value.toPrecision(4)));
}

function compact(value: number): string {
  const [unit, name] = (
    [
      [1e9, 'G'],
      [1e6, 'M'],
      [1e3, 'k'],
    ] as const
  ).find(([least]) => Math.abs(value) >= least) ?? [1, ''];
  return `${Number((value / unit).toPrecision(3))}${name}`;
}

/** A number of things: `12,345`. */
export const countText = (value: number): string => (Number.isFinite(value) ? whole.format(value) : figureText(value));

/** A share in [0, 1]: `97.4 %`. */
export const percentText = (value: number): string =>
  Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : figureText(value);

/** How long something took: `0.4 ms`, `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return figureText(seconds);
  if (seconds < 0.01) return `${Number((1000 * seconds).toPrecision(2))} ms`;
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const total = Math.round(seconds);
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
  return total < 3600
    ? `${Math.floor(total / 60)} min ${two(total % 60)} s`
    : `${Math.floor(total / 3600)} h ${two((total % 3600) / 60)} min`;
}

/** Bytes: `312 MB`, `1.4 GB`. */
export function bytesText(bytes: number): string {
  const [unit, name] = (
    [
      [1e9, 'GB'],
      [1e6, 'MB'],
      [1e3, 'kB'],
    ] as const
  ).find(([least]) => bytes >= least) ?? [1, 'B'];
  return `${Number((bytes / unit).toPrecision(3))} ${name}`;
}

/** Figures that count something: they are whole numbers. */
export const COUNTS: ReadonlySet<string> = new Set(['count', 'sources', 'tokens', 'unknown']);

/** A name within a line: `f1` is `F1`, `scaledMse` is `scaled MSE`, `bitsPerCharacter` is `bits per character`. */
export const nameText = (name: string): string =>
  name
    .replace(/(?<=[a-z])[A-Z](?=[a-z])/gu, (letter) => ` ${letter.toLowerCase()}`)
    .replace(/(?<=[a-z])(?=F1\b)/gu, ' ')
    .replace(/\b(?:f1|auroc|mse|mae|rmse)\b/gu, (short) => short.toUpperCase());

/** A name as a title, with a capital letter. */
export function titleText(name: string): string {
  const text = nameText(name);
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
