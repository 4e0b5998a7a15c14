import { describe, expect, test } from 'vitest';
import {
  Accuracy,
  Adam,
  CrossEntropyLoss,
  DataLoader,
  ExponentialLR,
  Linear,
  LSTM,
  Module,
  MSELoss,
  OptionError,
  PaddedSequence,
  Parameter,
  Sequential,
  SGD,
  StepLR,
  tensor,
  Trainer,
  zeros,
  type Batch,
  type FitOptions,
  type Tensor,
} from 'stmnet';

const batch = (...values: number[]): Batch => ({
  input: tensor(values.map((value) => [value])),
  target: tensor(values.map(() => [0])),
});

describe('the optimizer', () => {
  const [model, other] = [new Linear({ inFeatures: 1, outFeatures: 1 }), new Linear({ inFeatures: 1, outFeatures: 1 })];
  const loss = new MSELoss();
  test('of another model is refused', () => {
    expect(() => new Trainer({ model, loss, optimizer: new SGD(other.parameters()) })).toThrow(OptionError);
    expect(() => new Trainer({ model, loss, optimizer: new SGD(other.parameters()) })).toThrow(
      'Trainer: got an optimizer of which no parameter is in the model, ' +
        'expected an optimizer over parameters of this model.\n' +
        '  Fix: make the optimizer of it, after loading or changing the model',
    );
  });
  test('of some parameters is fine', async () => {
    const trainer = new Trainer({ model, loss, optimizer: new SGD([model.weight]) });
    expect((await trainer.fit([batch(1)], { epochs: 1, progress: false })).epochs.length).toBe(1);
  });
  test('may train what the loss has, and is refused for what nobody uses', async () => {
    class Learned extends Module {
      factor = new Parameter(tensor([2]));
      forward(output: Tensor): Tensor {
        return output.mul(this.factor).pow(2).mean();
      }
    }
    const learned = new Learned();
    const free = tensor([1], { requiresGrad: true });
    const both = new Trainer({
      model,
      loss: learned,
      optimizer: new SGD([...model.parameters(), ...learned.parameters()], { learningRate: 0.1 }),
    });
    await both.fit([batch(1)], { epochs: 1, progress: false });
    expect(await learned.factor.item()).not.toBe(2);
    const closure = new Trainer({
      model,
      loss: (output) => (output as Tensor).mul(free).mean(),
      optimizer: new SGD([...model.parameters(), free]),
    });
    expect((await closure.fit([batch(1)], { epochs: 1, progress: false })).epochs.length).toBe(1);
    const prompt = new Trainer({
      model,
      loss: (output) => (output as Tensor).mul(free).mean(),
      optimizer: new SGD([free], { learningRate: 0.1 }),
    });
    await prompt.fit([batch(1)], { epochs: 1, progress: false });
    expect(await free.item()).not.toBe(1);
    const unused = new Trainer({ model, loss, optimizer: new SGD([free]) });
    await expect(unused.fit([batch(1)], { epochs: 1, progress: false })).rejects.toThrow(
      'got 1 parameter in the optimizer that is not in the model and has no gradient',
    );
    const stray = new Trainer({ model, loss, optimizer: new SGD([...model.parameters(), ...other.parameters()]) });
    const before = await model.weight.data();
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(stray.fit([batch(1)], { epochs: 1, progress: false })).rejects.toThrow(
        'Trainer: got 2 parameters in the optimizer that are not in the model and have no gradient, ' +
          'expected those of the model.\n' +
          '  Fix: make the optimizer after the last change of the model',
      );
      expect(await model.weight.data()).toEqual(before); // no step was taken
    }
  });
  test('is that of the schedule', () => {
    const [one, two] = [new SGD(model.parameters()), new SGD(model.parameters())];
    expect(
      () => new Trainer({ model, loss, optimizer: one, schedule: new ExponentialLR(two, { gamma: 0.5 }) }),
    ).toThrow('Trainer: got the schedule of another optimizer, expected one of the optimizer of this Trainer.');
    expect(
      () => new Trainer({ model, loss, optimizer: one, schedule: new StepLR(one, { stepSize: 1 }) }),
    ).not.toThrow();
  });
});

describe('words of other libraries', () => {
  const model = new Linear({ inFeatures: 1, outFeatures: 1 });
  const make = (options: object): Trainer =>
    new Trainer({ model, loss: new MSELoss(), optimizer: new Adam(model.parameters()), ...options });
  test.each([
    ['epochs', /pass it to fit/],
    ['callbacks', /pass them to fit/],
    ['validation', /pass it to fit/],
    ['validation_split', /randomSplit/],
    ['batchSize', /new DataLoader/],
    ['returnSequences', /put new LastStep\(\) after the layer/],
    ['learningRate', /pass it to the optimizer/],
    ['lossFn', /leave lossFn out|write loss/],
    ['criterion', /write loss/],
  ])('Trainer: %s', (name, fix) => {
    expect(() => make({ [name]: 1 })).toThrow(
      new RegExp(`^Trainer: got an option ${name}, expected only model, .*\\n  Fix: .*(${fix.source})`),
    );
  });
  test.each([
    ['validationSplit', /split the data first: const \[train, held\] = randomSplit/],
    ['validation_data', /write validation/],
    ['batch_size', /give it to the loader: new DataLoader/],
    ['shuffle', /new DataLoader/],
    ['returnSequences', /put new LastStep\(\) after the layer/],
    ['callback', /write callbacks: \[callback\]/],
    ['verbose', /write progress/],
    ['metrics', /pass them to the Trainer/],
    ['earlyStopping', /new EarlyStopping/],
    ['classWeight', /new CrossEntropyLoss\({ weight/],
  ])('fit: %s', async (name, fix) => {
    await expect(make({}).fit([batch(1)], { epochs: 1, progress: false, [name]: 1 } as FitOptions)).rejects.toThrow(
      new RegExp(`^Trainer\\.fit: got an option ${name}, expected only epochs, .*\\n  Fix: .*(${fix.source})`),
    );
  });
  test('a pooling layer that was forgotten', async () => {
    const lstm = new Sequential(new LSTM({ inputSize: 1, hiddenSize: 3 }));
    const trainer = new Trainer({ model: lstm, loss: new CrossEntropyLoss(), optimizer: new Adam(lstm.parameters()) });
    for (const items of [
      [
        { input: [[1], [2]], target: 0 },
        { input: [[1]], target: 1 },
      ],
      [
        { input: [[1], [2]], target: 0 },
        { input: [[1], [3]], target: 1 },
      ],
    ]) {
      await expect(
        trainer.fit(new DataLoader(items, { batchSize: 2 }), { epochs: 1, progress: false }),
      ).rejects.toThrow(/Fix: the output has a time axis and the target none: put LastStep, MeanPool or MaxPool/);
    }
    expect(() => new MSELoss().forward(new PaddedSequence(zeros([2, 3, 1]), [3, 1]), zeros([2, 1]))).toThrow(
      /put LastStep/,
    );
  });
  test('a class in place of a loss, items in place of batches', async () => {
    expect(() => make({ loss: CrossEntropyLoss })).toThrow(
      'Trainer: got the class CrossEntropyLoss as loss, expected a loss made of it.\n' +
        '  Fix: write loss: new CrossEntropyLoss().',
    );
    await expect(make({}).fit([{ input: [1], target: 1 }] as never, { epochs: 1, progress: false })).rejects.toThrow(
      'Fix: let a DataLoader make batches of such items: trainer.fit(new DataLoader(items, { batchSize: 32 }), ' +
        '{ epochs }).',
    );
  });
  test('metrics that are no array', () => {
    expect(() => make({ metrics: new Accuracy() })).toThrow(
      'Trainer: got metrics: Accuracy, expected an array of metrics.',
    );
  });
});
