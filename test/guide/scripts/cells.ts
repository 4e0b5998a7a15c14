import { randn } from 'stmnet';

// ---- as in the guide
import { concat, GRU, Linear, LSTM, Module, Recurrent, sigmoid, zeros, type Tensor } from 'stmnet';

const lstm = new LSTM({
  inputSize: 12,
  hiddenSize: 64,
  bidirectional: true,
  recurrentDropout: 0.2, // of h before the product: the same units at all steps of a row
  zoneout: 0.1, // units of h that keep their value
  layerNorm: true,
  peephole: true,
});
const gru = new GRU({ inputSize: 128, hiddenSize: 32, resetAfter: false, learnedState: true });
const { output } = gru.forward(lstm.forward(randn([8, 50, 12])).output); // [8, 50, 32]

/** A cell of your own: one step of N rows. */
class MinimalGatedUnit extends Module {
  gate = new Linear({ inFeatures: 32 + 16, outFeatures: 16 });
  candidate = new Linear({ inFeatures: 32 + 16, outFeatures: 16 });

  forward(x: Tensor, { h }: { h: Tensor } = { h: zeros([x.shape[0] ?? 0, 16]) }): { h: Tensor } {
    const f = sigmoid(this.gate.forward(concat([x, h], 1)));
    const fresh = this.candidate.forward(concat([x, f.mul(h)], 1)).tanh();
    return { h: h.add(f.mul(fresh.sub(h))) };
  }
}
const own = new Recurrent(new MinimalGatedUnit());
const { state } = own.forward(output); // { h } of the last step, [8, 16]

// ---- what the test looks at
export { gru, lstm, output, state };
