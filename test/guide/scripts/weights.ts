import { LSTM, Linear, Module, tensor, type Tensor } from 'stmnet';

class Classifier extends Module {
  lstm = new LSTM({ inputSize: 3, hiddenSize: 4, bidirectional: true });
  fc = new Linear({ inFeatures: 8, outFeatures: 2 });

  forward(x: Tensor): Tensor {
    return this.fc.forward(this.lstm.forward(x).output);
  }
}

const model = new Classifier();
const partial = { 'fc.bias': tensor([1, 2]), 'head.bias': tensor([3]) };

// ---- as in the guide
import { loadSafetensors, saveSafetensors } from 'stmnet';

// names missing, unexpected or of another shape: one error that lists them all
model.loadStateDict(await loadSafetensors('from-pytorch.safetensors'));
model.loadStateDict(partial, { strict: false }); // returns { missing, unexpected }
await saveSafetensors('weights.safetensors', model.stateDict()); // torch reads it with load_file

// ---- what the test looks at
export { model, partial };
