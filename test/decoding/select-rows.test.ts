import { describe, expect, it } from 'vitest';
import { Linear, LSTM, PaddedSequence, selectRows, tensor, zeros, type LSTMState, type Tensor } from 'stmnet';
import { handlesKept } from '../support/handles';

const h = tensor([[[1], [2], [3]], [[4], [5], [6]]]); // prettier-ignore
const keys = tensor([[[1], [0]], [[2], [3]], [[4], [0]]]); // prettier-ignore

describe('selectRows', () => {
  it('chooses along the first axis, of h and c of recurrent layers along the second', async () => {
    const state = {
      lstm: { h, c: h.neg() },
      layers: [keys, undefined],
      h: tensor([[7], [8], [9]]),
      h0: keys,
      source: new PaddedSequence(keys, [1, 2, 1]),
      words: ['a'],
    };
    const before = handlesKept();
    const chosen = selectRows(state, [2, 0]);
    expect(await chosen.lstm.h.array()).toEqual([[[3], [1]], [[6], [4]]]); // prettier-ignore
    expect(await chosen.lstm.c.array()).toEqual([[[-3], [-1]], [[-6], [-4]]]); // prettier-ignore
    expect(await chosen.h.array()).toEqual([[9], [7]]);
    expect(chosen.source.lengths).toEqual([1, 1]);
    expect(await chosen.source.values.array()).toEqual([[[4], [0]], [[1], [0]]]); // prettier-ignore
    expect(await chosen.h0.array()).toEqual([[[4], [0]], [[1], [0]]]); // prettier-ignore
    expect(chosen.words).toEqual(['a']);
    expect(chosen.layers[1]).toBeUndefined();
    expect(handlesKept() - before).toBe(6);
  });

  it('repeats rows, and takes none', async () => {
    const chosen = selectRows(keys, Int32Array.of(1, 1));
    expect(await chosen.array()).toEqual([[[2], [3]], [[2], [3]]]); // prettier-ignore
    expect(selectRows(h, []).shape).toEqual([0, 3, 1]);
    expect(selectRows(undefined, [0])).toBeUndefined();
  });

  it('fits what an LSTM takes and gives', async () => {
    const lstm = new LSTM({ inputSize: 1, hiddenSize: 2, numLayers: 2 });
    const input = tensor([[[1], [2]], [[3], [4]]]); // prettier-ignore
    const { output, ...state } = lstm.forward(input);
    const chosen: LSTMState = selectRows(state, [1]);
    const next = zeros([1, 1, 1]);
    const wanted = (await lstm.forward(zeros([2, 1, 1]), state).output.array()) as number[][][];
    expect(await lstm.forward(next, chosen).output.array()).toEqual([wanted[1]]);
    expect(output.shape).toEqual([2, 2, 2]);
  });

  it.each<[unknown, unknown, string]>([
    [h, [2], 'got row 2 of f32[2, 3, 1] on cpu, expected a row in 0..1, along axis 0'],
    [{ h }, [3], 'expected a row in 0..2, along axis 1'],
    [h, [-1], 'the row -1'],
    [h, [0.5], 'the row 0.5'],
    [h, [undefined], 'the row undefined'],
    [h, 1, '1 as rows'],
    [h, tensor([1]), 'await rows.data()'],
    [tensor(1), [0], 'which has no axis'],
  ])('refuses %s, %o', (state, rows, message) => {
    expect(() => selectRows(state, rows as number[])).toThrow(message);
  });

  it('leaves nothing behind where a row is out of range', () => {
    const before = handlesKept();
    expect(() => selectRows([keys, h], [2])).toThrow('row 2 of f32[2, 3, 1]');
    expect(handlesKept()).toBe(before);
  });

  it('leaves modules alone', () => {
    const model: { head: Linear; x: Tensor } = { head: new Linear({ inFeatures: 1, outFeatures: 1 }), x: keys };
    expect(selectRows(model, [0]).head).toBe(model.head);
  });
});
