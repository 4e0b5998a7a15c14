import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch';
import { onStandin, standinIsBuilt } from '../support/standin';

const folder = scratchFolder('quantized-standin');

describe.skipIf(!standinIsBuilt)('weights of 8 bits where there is another device', () => {
  test('are made on the CPU of a model that lies there, whatever the default device, and stream there', () => {
    const found = onStandin<unknown>(`
      stm.setDefaultDevice('cuda');
      const [lstm, linear] = [
        new stm.LSTM({ inputSize: 4, hiddenSize: 3 }),
        new stm.Linear({ inFeatures: 3, outFeatures: 2 }),
      ].map((layer) => layer.to('cpu'));
      const one = stm.quantizeDynamic(linear).model;
      const { model } = stm.quantizeDynamic(new stm.Sequential(lstm, linear));
      const devices = [...one.buffers(), ...model.buffers()].map(({ device }) => device);
      const x = stm.tensor({ data: Float32Array.of(1, -2, 3, 4), shape: [1, 1, 4] }, { device: 'cpu' });
      const expected = await model.forward(x).data();
      const { data } = await model.createStream().step([1, -2, 3, 4]);
      return { devices: [...new Set(devices)], expected: [...expected], streamed: [...data] };`);
    const { expected } = found as { expected: number[] };
    expect(found).toEqual({ devices: ['cpu'], expected, streamed: expected });
    expect(expected).toHaveLength(2);
  });

  test('are loaded to the CPU, whatever the default device, unless one is named', () => {
    const found = onStandin<unknown>(`
      stm.setDefaultDevice('cuda');
      const path = ${JSON.stringify(join(folder, 'eight.safetensors'))};
      const lstm = new stm.LSTM({ inputSize: 4, hiddenSize: 3 }).to('cpu');
      await stm.save(stm.quantizeDynamic(new stm.Sequential(lstm)).model, path);
      await stm.save(new stm.Sequential(lstm), path + '32');
      const devices = async (...args) => [...(await stm.load(...args)).namedTensors()].map(([, x]) => x.device);
      const model = (await stm.load(path)).eval();
      const y = await model.forward(stm.ones([1, 2, 4], { device: 'cpu' })).data();
      const loaded = [await devices(path), await devices(path, { device: 'cuda' }), await devices(path + '32')];
      return [y.length, ...loaded.map((names) => [...new Set(names)].join())];`);
    expect(found).toEqual([6, 'cpu', 'cuda:0', 'cuda:0']);
  });

  test('are refused there, wherever the tensors lie, and leave the device usable', () => {
    const messages = onStandin<string[]>(`
      stm.setDefaultDevice('cpu');
      const layers = [new stm.Linear({ inFeatures: 4, outFeatures: 3 }), new stm.LSTM({ inputSize: 4, hiddenSize: 3 })];
      const messages = [];
      const attempt = async (model, x) => {
        try {
          const y = stm.noGrad(() => model.forward(x));
          await (y.output ?? y).data();
          messages.push('no error');
        } catch (error) {
          messages.push(error.constructor.name + ': ' + error.message.split('.\\n')[0]);
        }
      };
      for (const layer of layers) {
        const { model } = stm.quantizeDynamic(layer);
        const x = stm.ones([2, 5, 4]);
        await attempt(model, x.to('cuda'));
        await attempt(model.to('cuda'), x);
        await attempt(model, x.to('cuda'));
        await attempt(model.to('cpu'), x);
      }
      messages.push(String(await stm.ones([2], { device: 'cuda' }).sum().item()));
      return messages;`);
    const refused = expect.stringMatching(
      /^DeviceError: Quantized\w+\.forward: .* on the cpu, where weights of 8 bits are for$/,
    ) as unknown;
    expect(messages).toEqual([refused, refused, refused, 'no error', refused, refused, refused, 'no error', '2']);
  });
});
