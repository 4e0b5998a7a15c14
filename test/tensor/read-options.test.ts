import { describe, expect, test } from 'vitest';
import { flag, positiveInteger } from '../../src/tensor/options';
import { asGiven, choice, floating, optional, readOptions, withDefault } from '../../src/tensor/read-options';

interface LayerOptions {
  size: number;
  bias?: boolean;
  merge?: 'sum' | 'concat';
  dtype?: 'f32' | 'f64';
}

const read = (options: LayerOptions): Readonly<Required<LayerOptions>> =>
  readOptions('Layer', options, {
    size: positiveInteger,
    bias: withDefault(flag, true),
    merge: choice(['sum', 'concat']),
    dtype: floating,
  });

describe('readOptions', () => {
  test('fills in what was left out, undefined or null, in the order of the table', () => {
    const options = read({ bias: undefined, dtype: null, size: 3 } as object as LayerOptions);
    expect(Object.entries(options)).toEqual([
      ['size', 3],
      ['bias', true],
      ['merge', 'sum'],
      ['dtype', 'f32'],
    ]);
  });

  test('keeps what was given, and freezes it', () => {
    const options = read({ size: 2, bias: false, merge: 'concat', dtype: 'f64' });
    expect(options).toEqual({ size: 2, bias: false, merge: 'concat', dtype: 'f64' });
    expect(Object.isFrozen(options)).toBe(true);
  });

  test('refuses a name that the table lacks, and says which it has', () => {
    expect(() => read({ size: 2, biass: true } as LayerOptions)).toThrow(
      'Layer: got an option biass, expected only size, bias, merge, dtype.\n' +
        '  Fix: write bias, if that is what you mean by biass.',
    );
  });

  test('refuses a wrong value, and the lack of one without a default', () => {
    expect(() => read({} as LayerOptions)).toThrow('Layer: got size: undefined, expected a whole number of at least 1');
    expect(() => read({ size: 1, dtype: 'f16' } as object as LayerOptions)).toThrow(
      `Layer: got dtype: "f16", expected one of 'f32', 'f64'`,
    );
  });

  test('takes a value as it is where another checks it', () => {
    expect(readOptions('Layer', { size: -1 }, { size: asGiven })).toEqual({ size: -1 });
  });

  test('leaves an option without default out where it was, and checks it where it was given', () => {
    const readEdge = (options: { edge?: number | undefined }): object =>
      readOptions('Layer', options, { edge: optional(positiveInteger) });
    expect(Object.keys(readEdge({}))).toEqual([]);
    expect(Object.keys(readEdge({ edge: undefined }))).toEqual([]);
    expect(readEdge({ edge: 3 })).toEqual({ edge: 3 });
    expect(() => readEdge({ edge: 0 })).toThrow('Layer: got edge: 0, expected a whole number of at least 1 for edge.');
  });
});
