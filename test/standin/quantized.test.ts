import { describe, expect, test } from 'vitest';
import { onStandin, standinIsBuilt } from '../support/standin';

describe.skipIf(!standinIsBuilt)('weights of 8 bits where there is another device', () => {
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
