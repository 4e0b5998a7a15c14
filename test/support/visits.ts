import type { EventClassifierOptions, EventRow } from '../../src/tasks';

/** Visits of 40 people: who buys a ticket comes again each ten days, who buys a gift never. Prices say nothing. */
export const visits: EventRow[] = Array.from({ length: 40 }, (_, who) =>
  Array.from({ length: 20 }, (__, visit) => ({
    customer: `c${who}`,
    date: 3 * who + 10 * visit,
    price: 5 + ((7 * who + 3 * visit) % 11),
    kind: who % 2 === 0 || visit < (who % 5) + 1 ? 'ticket' : 'gift',
  })).filter(({ kind }, visit) => kind === 'ticket' || visit === (who % 5) + 1),
).flat();

/** A small model of them, and a training that is enough for it. */
export const smallEvents: EventClassifierOptions = {
  horizon: 20,
  hiddenSize: 8,
  embeddingDim: 4,
  minFrequency: 2,
  dropout: 0,
};
export const quickEvents = { epochs: 30, batchSize: 16, learningRate: 2e-2, seed: 3, progress: false } as const;
