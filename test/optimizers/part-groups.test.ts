import { expect, test } from 'vitest';
import { Linear, Module, Sequential, SGD, partGroups, tensor, type Tensor } from 'stmnet';

class Tower extends Module {
  readonly body = new Sequential(
    new Linear({ inFeatures: 2, outFeatures: 2 }),
    new Linear({ inFeatures: 2, outFeatures: 2 }),
  );
  readonly head = new Linear({ inFeatures: 2, outFeatures: 1 });
  readonly tied = new Linear({ inFeatures: 2, outFeatures: 1, bias: false });

  constructor() {
    super();
    this.tied.weight = this.head.weight;
  }

  forward(input: Tensor): Tensor {
    return this.head.forward(this.body.forward(input) as Tensor);
  }
}

const namesOf = (model: Module, parameters: Iterable<unknown>): string[] => {
  const held = new Set(parameters);
  return [...model.namedParameters()].flatMap(([name, parameter]) => (held.has(parameter) ? [name] : []));
};

test('each part has its own rate, the inner one its own, and the rest comes first', () => {
  const model = new Tower();
  const factors = { body: 0.5, 'body.0': 0.25, 'head.bias': 0 };
  const groups = partGroups(model, { learningRate: 0.4, factors });
  expect(groups.map(({ parameters, learningRate }) => [namesOf(model, parameters), learningRate])).toEqual([
    [['head.weight'], 0.4],
    [['body.1.weight', 'body.1.bias'], 0.2],
    [['body.0.weight', 'body.0.bias'], 0.1],
    [['head.bias'], 0],
  ]);
  // A shared parameter is in the part that holds it, whichever name it has first.
  expect(
    partGroups(model, { learningRate: 1, factors: { tied: 0.5 } }).map(({ learningRate }) => learningRate),
  ).toEqual([1, 0.5]);
});

test('steps have the lengths that the factors say', async () => {
  const model = new Tower();
  const optimizer = new SGD(partGroups(model, { learningRate: 0.4, factors: { body: 0.5 } }));
  const before = model.stateDict({ copy: true });
  model
    .forward(tensor([[1, 2]]))
    .sum()
    .backward();
  const gradients = new Map([...model.namedParameters()].map(([name, { grad }]) => [name, grad]));
  optimizer.step();
  for (const [name, parameter] of model.namedParameters()) {
    const [was, is, slope] = await Promise.all([before[name]?.data(), parameter.data(), gradients.get(name)?.data()]);
    const rate = name.startsWith('body') ? 0.2 : 0.4;
    is.forEach((value, at) => expect(value).toBeCloseTo((was?.[at] ?? 0) - rate * (slope?.[at] ?? 0), 6));
  }
});

test('mistakes are named', () => {
  const model = new Tower();
  const groups = (factors: Record<string, number>) => () => partGroups(model, { learningRate: 1, factors });
  expect(groups({ boddy: 1 })).toThrow(
    'partGroups: got "boddy" in factors, expected a part of the model that has parameters: body, head, or one within',
  );
  expect(groups({ boddy: 1 })).toThrow('Fix: write body, if that is what you mean by boddy.');
  expect(groups({ 'body.0.wieght': 1 })).toThrow('Fix: write body.0.weight, if');
  expect(groups({ tail: 1 })).toThrow('Fix: write such as body or head.bias; model.namedParameters() has');
  expect(groups({})).toThrow('partGroups: got factors: {  }, expected a factor of at least 0 for each');
  expect(groups({ body: -1 })).toThrow('got body: -1 in factors, expected a factor of at least 0');
  expect(groups({ head: 1, tied: 1, 'head.weight': 1, 'head.bias': 1 })).toThrow(
    'got "head" in factors beside parts that have all its parameters',
  );
});
