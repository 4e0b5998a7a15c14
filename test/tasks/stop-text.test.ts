import { expect, test } from 'vitest';
import { StopText } from '../../src/tasks/stop-text';

/** What comes of each piece, and at the end. */
function told(stops: readonly string[], pieces: readonly string[]): string[] {
  const text = new StopText(stops);
  const found: string[] = [];
  for (const piece of pieces) {
    found.push(text.push(piece));
    if (text.stopped) break;
  }
  return [...found, text.end()];
}

test.each<[string[], string[], string[]]>([
  [[], ['a', 'b'], ['a', 'b', '']],
  [['END'], ['an ', 'EN', 'ERGY', ' E'], ['an ', '', 'ENERGY', ' ', 'E']],
  [['END'], ['an E', 'N', 'D!', 'x'], ['an ', '', '', '']],
  [
    ['\n\n', 'stop'],
    ['a\n', 'b\n', '\nc'],
    ['a', '\nb', '', ''],
  ],
  [
    ['bc', 'abcd'],
    ['xa', 'b', 'c'],
    ['x', '', 'a', ''],
  ],
])('stops %j in pieces %j', (stops, pieces, expected) => {
  expect(told(stops, pieces)).toEqual(expected);
});
