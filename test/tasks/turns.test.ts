import { expect, test } from 'vitest';
import { collectExamples } from '../../src/tasks/examples';
import { mapInTurns } from '../../src/tasks/turns';

const numbers = Array.from({ length: 5000 }, (_, at) => at);

/** How often others have their turn, until something is done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let next = setImmediate(function again() {
    turns += 1;
    next = setImmediate(again);
  });
  await work;
  clearImmediate(next);
  return turns;
}

test('others have their turn while many items are gone through', async () => {
  expect(await mapInTurns(['a', 'b'], (item, place) => item + String(place))).toEqual(['a0', 'b1']);
  expect(await turnsDuring(mapInTurns(numbers, (item) => item))).toBeGreaterThanOrEqual(8);
});

test('others have their turn while examples are collected', async () => {
  const collected = collectExamples('op', numbers, 'a number', (one) => one);
  expect(await turnsDuring(collected)).toBeGreaterThanOrEqual(8);
  expect(await collected).toEqual(numbers);
});
