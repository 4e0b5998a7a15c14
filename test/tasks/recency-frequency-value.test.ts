import { expect, test } from 'vitest';
import type { EventHistory } from '../../src/tasks/event-history';
import { RecencyFrequencyValue } from '../../src/tasks/recency-frequency-value';
import { handlesKept } from '../support/handles';

/** Who was there lately comes again. */
const histories = Array.from({ length: 40 }, (_, at): EventHistory => ({
  customer: at,
  events: Array.from({ length: 1 + (at % 3) }, (__, place) => ({
    days: at + place / 10,
    dated: false,
    row: {},
    place: '',
  })),
  cutOff: 50,
  happened: at >= 20,
}));

test('learns who is likely to come again, and keeps no tensor', async () => {
  const before = handlesKept();
  const baseline = await RecencyFrequencyValue.fit('fit', histories, undefined);
  expect(handlesKept() - before).toBe(0);
  const [first = 1, ...others] = baseline.probabilities('fit', histories);
  expect(first).toBeLessThan(0.1);
  expect(others.at(-1)).toBeGreaterThan(0.9);
});
