import type { Axis, Unit } from '../charts';
import { bytesText, countText, durationText, figureText, percentText, shortNumber } from '../format';

const EXACT: Readonly<Record<Unit, (value: number) => string>> = {
  figure: figureText,
  number: shortNumber,
  count: countText,
  percent: percentText,
  seconds: durationText,
  bytes: bytesText,
};

/** A value at the cursor, with all its digits. */
export const exactly = (unit: Unit, value: number): string => EXACT[unit](value);

/** A value along an axis, as short as it can be. */
export function along({ unit }: Axis, value: number): string {
  if (unit === 'percent') return `${Number((100 * value).toPrecision(3))} %`;
  if (unit === 'seconds' && value !== 0)
    return durationText(value)
      .replace('.0 ', ' ')
      .replace(/ 00 (s|min)$/u, '');
  return unit === 'bytes' && value !== 0 ? bytesText(value) : shortNumber(value);
}
