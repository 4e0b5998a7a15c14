import { LSTM, LastStep, Linear, Sequential, manualSeed, noGrad, pad, scope } from 'stmnet';
import { serve as serveAt, type Servable } from 'stmnet/serve';

manualSeed(1);
const model = new Sequential(
  new LSTM({ inputSize: 2, hiddenSize: 4 }),
  new LastStep(),
  new Linear({ inFeatures: 4, outFeatures: 2 }),
).eval();
const serve = (task: Servable) => serveAt(task, { port: 0 });

// ---- as in the guide
const server = await serve({
  async predict(inputs: number[][][]) {
    using classes = scope(() => noGrad(() => model.forward(pad(inputs)).argmax(-1)));
    return classes.data(); // [N]: one for each input
  },
});

// ---- what the test looks at
export { model, server };
