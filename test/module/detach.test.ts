import { expect, test } from 'vitest';
import { LSTM, PaddedSequence, detach, randn } from 'stmnet';

test('detach walks states, arrays and sequences', async () => {
  const { output, ...state } = new LSTM({ inputSize: 2, hiddenSize: 3 }).forward(
    new PaddedSequence(randn([1, 2, 2]), [2]),
  );
  expect(state.h.requiresGrad).toBe(true);
  const free = detach({ state, list: [output, 'text', 3], nothing: undefined });
  expect(free.state.h.requiresGrad).toBe(false);
  expect(free.state.c.requiresGrad).toBe(false);
  const [sequence, text, number] = free.list;
  expect(sequence instanceof PaddedSequence && !sequence.values.requiresGrad).toBe(true);
  expect([text, number, free.nothing]).toEqual(['text', 3, undefined]);
  expect(await free.state.h.data()).toEqual(await state.h.data());
});
