import { expect, test } from 'vitest';
import {
  Adam,
  FreezeParts,
  Linear,
  ReLU,
  Sequential,
  MSELoss,
  Trainer,
  manualSeed,
  tensor,
  type FrozenParts,
} from 'stmnet';
import { join } from 'node:path';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('freeze-parts', (made) => (folder = made));

const batches = [{ input: tensor([[1, 2], [3, -1]]), target: tensor([[1], [0]]) }]; // prettier-ignore

function made() {
  manualSeed(1);
  const model = new Sequential(
    new Linear({ inFeatures: 2, outFeatures: 4 }),
    new ReLU(),
    new Linear({ inFeatures: 4, outFeatures: 4 }),
    new Linear({ inFeatures: 4, outFeatures: 1 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 0.05, weightDecay: 0.1 });
  return { model, trainer: new Trainer({ model, loss: new MSELoss(), optimizer }) };
}

/** Trains, and says which parameters each epoch has changed. */
async function changes(parts: FrozenParts, epochs: number): Promise<string[]> {
  const { model, trainer } = made();
  const told: string[] = [];
  let before = await numbersOf(model);
  const look = {
    async onEpochEnd() {
      const now = await numbersOf(model);
      told.push([...now].flatMap(([name, value]) => (value === before.get(name) ? [] : [name[0]])).join(''));
      before = now;
    },
  };
  await trainer.fit(batches, { epochs, progress: false, callbacks: [new FreezeParts({ parts }), look] });
  expect(model.parameters().every((parameter) => parameter.requiresGrad)).toBe(true);
  return told.map((names) => [...new Set(names)].join(''));
}

async function numbersOf(model: Sequential): Promise<Map<string, string>> {
  const entries = [...model.namedParameters()].map(
    async ([name, value]) => [name, String(await value.data())] as const,
  );
  return new Map(await Promise.all(entries));
}

test('frozen parts stay as they are, weight decay included, and learn again after the training', async () => {
  expect(await changes(['0', '2.weight'], 2)).toEqual(['23', '23']);
  expect(await changes(['0', '2'], 2)).toEqual(['3', '3']);
});

test('parts join one after another', async () => {
  expect(await changes({ '0': 2, '2': 1 }, 4)).toEqual(['3', '23', '023', '023']);
});

test('what required no gradient before requires none afterwards', async () => {
  const { model, trainer } = made();
  model[2]?.requiresGrad_(false);
  await trainer.fit(batches, {
    epochs: 2,
    progress: false,
    callbacks: [new FreezeParts({ parts: { '0': 1, '2': 1 } })],
  });
  expect(model.parameters().map((parameter) => parameter.requiresGrad)).toEqual([true, true, false, false, true, true]);
});

test('a training that is taken up again, frozen or not any more, goes on bit for bit', async () => {
  const fitted = async (name: string, ...epochs: readonly number[]): Promise<Map<string, string>> => {
    let model = made().model;
    for (const until of epochs) {
      const begun = made();
      model = begun.model;
      await begun.trainer.fit(batches, {
        epochs: until,
        progress: false,
        callbacks: [new FreezeParts({ parts: { '0': 3, '2': 1 } })],
        checkpoints: { folder: join(folder, name) },
        resume: true,
      });
    }
    return numbersOf(model);
  };
  expect(await fitted('parts', 1, 2, 4, 6)).toEqual(await fitted('whole', 6));
  const { trainer } = made();
  const other = { callbacks: [new FreezeParts({ parts: { '0': 3 } })], checkpoints: { folder: join(folder, 'whole') } };
  await expect(trainer.fit(batches, { epochs: 7, progress: false, resume: true, ...other })).rejects.toThrow(
    /callbacks\.FreezeParts\.parts\.2: nothing, there 1/,
  );
});

test('mistakes are named', async () => {
  const { trainer, model } = made();
  const fit = (parts: FrozenParts) =>
    trainer.fit(batches, { epochs: 1, progress: false, callbacks: [new FreezeParts({ parts })] });
  await expect(fit(['encoder'])).rejects.toThrow('FreezeParts: got "encoder" in parts, expected a part of the model');
  await expect(fit(['1'])).rejects.toThrow(
    'got "1" in parts, expected a part of the model that has parameters: 0, 2, 3',
  );
  await expect(fit(['0', '2', '3'])).rejects.toThrow('which are all of the model');
  expect(model.parameters().every((parameter) => parameter.requiresGrad)).toBe(true);
  expect(() => new FreezeParts({ parts: [] })).toThrow('FreezeParts: got parts: [], expected names of parts');
  expect(() => new FreezeParts({ parts: { '0': 0 } })).toThrow('FreezeParts: got 0: 0 in parts, expected');
});
