import type { Hue } from '../charts';

/** The colours of a page, light or dark, as its styles have them. */
export interface Theme {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  readonly font: string;
  /** From the least value to the largest. */
  readonly ramp: readonly string[];
  hue(of: Hue): string;
}

/** Hues that are counted; a further one is the first again. */
const HUES = 8;

/** The colours now. */
export function themeNow(): Theme {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: read('text'),
    muted: read('muted'),
    line: read('line'),
    surface: read('surface'),
    font: getComputedStyle(document.body).fontFamily,
    ramp: ['ramp-0', 'ramp-1', 'ramp-2', 'ramp-3'].map(read),
    hue: (of) => read(`hue-${typeof of === 'number' ? of % HUES : of}`),
  };
}
