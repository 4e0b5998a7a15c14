import { Adam, LastStep, Linear, LSTM, Sequential, crossEntropy, manualSeed, randn, Tensor } from 'stmnet';
import { devices as listed, setDefaultDevice as prefer } from 'stmnet';

manualSeed(5);
if (listed().some(({ name, available }) => name === 'cuda:0' && available)) prefer('cuda');
const model = new Sequential(
  new LSTM({ inputSize: 6, hiddenSize: 32 }),
  new LastStep(),
  new Linear({ inFeatures: 32, outFeatures: 3 }),
);
const optimizer = new Adam(model.parameters(), { learningRate: 1e-2 });
/** The class of a sequence is the largest of its first three features, which do not change with time. */
const batches = Array.from({ length: 200 }, (): [Tensor, Tensor] => {
  const still = randn([16, 1, 6]);
  return [still.expand([16, 9, 6]), still.slice([null, null, 0], [null, null, 3]).reshape([16, 3]).argmax(-1)];
});

// ---- as in the guide
import { autocast, compile, devices, setDefaultDevice } from 'stmnet';

// [{ name: 'cpu', … }, { name: 'cuda:0', model: 'NVIDIA H200', memory: …, cudnn: '9.24.0' }] or why there is no cuda
console.log(devices());
setDefaultDevice('cuda'); // or model.to('cuda'), or { device: 'cuda' } on a factory
// captured once per shape, then replayed
const step = compile((x: Tensor, y: Tensor) => {
  const loss = autocast('bf16', () => crossEntropy(model.forward(x), y));
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
});
for (const [x, y] of batches) step(x, y);

// ---- what the test looks at
const last = batches.at(-1);
if (last === undefined) throw new Error('expected batches');
const scores = model.forward(last[0]);
if (!(scores instanceof Tensor)) throw new Error('expected a tensor');
const accuracy = await scores.argmax(-1).eq(last[1]).cast('f32').mean().item();
export { accuracy, model };
