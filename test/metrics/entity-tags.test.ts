import { expect, test } from 'vitest';
import { OptionError, entitySpans, isEntityTag } from 'stmnet';

test.each<[string, string[], [string, number, number][]]>([
  [
    'IOB2',
    ['B-PER', 'I-PER', 'O', 'B-LOC', 'B-LOC'],
    [
      ['PER', 0, 2],
      ['LOC', 3, 4],
      ['LOC', 4, 5],
    ],
  ],
  [
    'IOB1',
    ['I-PER', 'I-PER', 'B-PER', 'I-LOC'],
    [
      ['PER', 0, 2],
      ['PER', 2, 3],
      ['LOC', 3, 4],
    ],
  ],
  [
    'IOBES',
    ['S-PER', 'B-LOC', 'I-LOC', 'E-LOC', 'I-LOC'],
    [
      ['PER', 0, 1],
      ['LOC', 1, 4],
      ['LOC', 4, 5],
    ],
  ],
  [
    'BILOU',
    ['U-PER', 'B-LOC', 'L-LOC'],
    [
      ['PER', 0, 1],
      ['LOC', 1, 3],
    ],
  ],
  [
    'tags without a type',
    ['B', 'I', 'O', 'I'],
    [
      ['', 0, 2],
      ['', 3, 4],
    ],
  ],
  ['a type with a hyphen', ['B-a-b', 'I-a-b'], [['a-b', 0, 2]]],
  ['no step', [], []],
])('entities of %s', (_, tags, spans) => {
  expect(entitySpans(tags)).toEqual(spans.map(([type, start, end]) => ({ type, start, end })));
});

test('which tags are of entities', () => {
  expect(['O', 'B-PER', 'I', 'E-x', 'S-x', 'L-x', 'U-x'].filter((tag) => !isEntityTag(tag))).toEqual([]);
  expect(['NOUN', 'X', 'b-PER', 'B_PER', '', 'BI', 'O-PER'].filter(isEntityTag)).toEqual([]);
  expect(() => entitySpans(['O', 'NOUN'])).toThrow(OptionError);
  expect(() => entitySpans(['O', 'NOUN'])).toThrow('entitySpans: got the tag "NOUN", expected O, or B-');
});
