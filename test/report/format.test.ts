import { expect, test } from 'vitest';
import {
  bytesText,
  countText,
  durationText,
  figureText,
  percentText,
  shortNumber,
  titleText,
} from '../../src/report/format';

test.each([
  [0, '0.0000'],
  [0.98765, '0.9877'],
  [-0.5, '-0.5000'],
  [0.000031234, '3.12e-5'],
  [123.456, '123.46'],
  [12345.6, '12,346'],
  [1.5e9, '1.500e+9'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '∞'],
  [Number.NEGATIVE_INFINITY, '-∞'],
])('the figure %d is %s', (value, text) => expect(figureText(value)).toBe(text));

test.each([
  [0, '0'],
  [0.003, '0.003'],
  [0.0005, '0.0005'],
  [0.00002, '2e-5'],
  [0.0000234, '2.34e-5'],
  [1234.56, '1235'],
  [12345, '12,345'],
  [250000, '250k'],
  [2.5e6, '2.5M'],
])('%d is %s along an axis', (value, text) => expect(shortNumber(value)).toBe(text));

test.each([
  [0.0004, '0.4 ms'],
  [0.85, '850 ms'],
  [12.34, '12.3 s'],
  [59.96, '1 min 00 s'],
  [245, '4 min 05 s'],
  [3599.6, '1 h 00 min'],
  [7380, '2 h 03 min'],
  [Number.NaN, 'NaN'],
])('%d seconds are %s', (seconds, text) => expect(durationText(seconds)).toBe(text));

test('counts, shares and bytes', () => {
  expect([countText(1234567), countText(0)]).toEqual(['1,234,567', '0']);
  expect([percentText(0.9744), percentText(1), percentText(Number.NaN)]).toEqual(['97.4 %', '100.0 %', 'NaN']);
  expect([bytesText(312e6), bytesText(1.44e9), bytesText(12), bytesText(2500)]).toEqual([
    '312 MB',
    '1.44 GB',
    '12 B',
    '2.5 kB',
  ]);
});

test.each([
  ['f1', 'F1'],
  ['loss', 'Loss'],
  ['bitsPerCharacter', 'Bits per character'],
  ['rocAUC', 'RocAUC'],
  ['auroc', 'AUROC'],
  ['entityF1', 'Entity F1'],
  ['validation f1', 'Validation F1'],
  ['', ''],
])('the name %s is the title %s', (name, title) => expect(titleText(name)).toBe(title));
