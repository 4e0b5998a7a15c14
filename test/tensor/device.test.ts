import { expect, test } from 'vitest';
import { prelude, runScript } from '../support/child';

const NO_PLUGIN = { STMNET_CUDA_PLUGIN: '/nowhere/plugin.so' };

/** What these calls say in a process that finds no plug-in, without the op at its head. */
function messages(calls: string): string[] {
  const { stdout, stderr } = runScript(
    `${prelude}
    const model = new stm.Linear({ inFeatures: 1, outFeatures: 1 });
    const trainer = (device) => new stm.Trainer({
      model, loss: new stm.MSELoss(), optimizer: new stm.SGD(model.parameters(), { learningRate: 1 }), device,
    });
    (async () => {
      const said = [];
      for (const call of [${calls}]) {
        try {
          await call();
          said.push("nothing");
        } catch (error) {
          said.push(error.name + error.message.slice(error.message.indexOf(":")));
        }
      }
      console.log(JSON.stringify(said));
    })();`,
    { environment: NO_PLUGIN },
  );
  expect(stderr).toBe('');
  return JSON.parse(stdout) as string[];
}

test('a GPU that is not there is refused in the same words by all that take a device, with one fix', () => {
  const [first = '', ...others] = messages(`
    () => stm.zeros([1], { device: 'cuda:0' }), () => stm.zeros([1]).to('cuda:0'), () => model.to('cuda:0'),
    () => stm.setDefaultDevice('cuda:0'), () => trainer('cuda:0')`);
  expect(first).toMatch(
    /^DeviceError: got device 'cuda:0', expected one of: cpu\. No CUDA device: .*nowhere\/plugin\.so\.\n {2}Fix: .*\.$/,
  );
  expect(first.match(/Fix:/g)).toHaveLength(1);
  expect(others).toEqual([first, first, first, first]);
});

test('so is what is no device at all', () => {
  const [first, ...others] = messages(
    "() => stm.zeros([1], { device: 'gpu' }), () => model.to('gpu'), () => stm.setDefaultDevice('gpu')",
  );
  expect(first).toBe(
    "DeviceError: got device 'gpu', expected one of: cpu.\n" +
      '  Fix: call devices() to see what this machine offers and why a device is missing.',
  );
  expect(others).toEqual([first, first]);
});
