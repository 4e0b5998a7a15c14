import { describe, expect, test } from 'vitest';
import { OptionError, ShapeError, ones, tensor } from 'stmnet';
import { here } from '../support/devices';
import { Block, Model } from '../support/block-model';

describe('state dict', () => {
  test('copies values in, in place', async () => {
    const [from, to] = [new Model(), new Model()];
    const weight = to.blocks[0]?.linear.weight;
    expect(to.loadStateDict(from.stateDict())).toEqual({ missing: [], unexpected: [] });
    expect(to.blocks[0]?.linear.weight).toBe(weight);
    expect(await weight?.data()).toEqual(await from.blocks[0]?.linear.weight.data());
    expect(weight?.requiresGrad).toBe(true);
  });

  test('has no history', () => {
    expect(Object.values(new Model().stateDict()).some((value) => value.requiresGrad)).toBe(false);
  });

  test('lists everything that does not fit, and copies nothing', async () => {
    const model = new Model();
    const before = await model.heads.offset.data();
    const { scale, ...state } = model.stateDict();
    const odd = { ...state, extra: scale ?? ones([1]), 'heads.offset': ones([2]), 'blocks.0.linear.bias': ones([4]) };
    expect(() => model.loadStateDict(odd)).toThrow(ShapeError);
    expect(() => model.loadStateDict(odd)).toThrow(
      'Model.loadStateDict: got a state dict without scale; with unexpected extra; ' +
        `with blocks.0.linear.bias as f32[4] on ${here} for f32[3] on ${here}, ` +
        'expected the names and shapes of the model.',
    );
    expect(() => model.loadStateDict(odd, { strict: false })).toThrow('with blocks.0.linear.bias as f32[4]');
    expect(await model.heads.offset.data()).toEqual(before);
  });

  test('without strict, says what was missing and unexpected', async () => {
    const model = new Model();
    expect(model.loadStateDict({ scale: tensor([1, 2, 3]), extra: ones([1]) }, { strict: false })).toEqual({
      missing: Object.keys(model.stateDict()).filter((name) => name !== 'scale'),
      unexpected: ['extra'],
    });
    expect(await model.scale.array()).toEqual([1, 2, 3]);
  });

  test('unknown options are errors', () => {
    const options: object = { strcit: false };
    expect(() => new Model().loadStateDict({}, options)).toThrow(
      'Model.loadStateDict: got an option strcit, expected only strict.\n  Fix: write strict',
    );
  });

  test.each<[what: string, state: unknown, message: string]>([
    [
      'a promise',
      Promise.resolve({}),
      'got a Promise, expected a state dict, an object of tensors by name.\n' +
        '  Fix: await it: model.loadStateDict(await loadSafetensors(path)).',
    ],
    [
      'a module',
      new Block(),
      'got a module, Block, expected a state dict, an object of tensors by name.\n' +
        '  Fix: pass the state of that module: other.stateDict().',
    ],
    ['a map', new Map(), 'Fix: make an object of it: Object.fromEntries(map).'],
    ['nothing', undefined, 'got undefined, expected a state dict'],
    ['a path', 'model.safetensors', 'got "model.safetensors", expected a state dict'],
  ])('refuses %s', (_, state, message) => {
    const model = new Model();
    const attempt = (): unknown =>
      Reflect.apply(Reflect.get(model, 'loadStateDict'), model, [state, { strict: false }]);
    expect(attempt).toThrow(OptionError);
    expect(attempt).toThrow(message);
  });

  test('f64 values go into f32 parameters', async () => {
    const model = new Model();
    model.loadStateDict({ scale: tensor([1, 2, 3], { dtype: 'f64' }) }, { strict: false });
    expect(await model.scale.array()).toEqual([1, 2, 3]);
  });

  test('of a tied parameter one name is enough', () => {
    const model = new Model();
    const [a, b] = model.blocks;
    if (a !== undefined && b !== undefined) b.linear.weight = a.linear.weight;
    const { 'blocks.1.linear.weight': second, ...state } = model.stateDict();
    expect(second?.shape).toEqual([3, 3]);
    expect(model.loadStateDict(state)).toEqual({ missing: [], unexpected: [] });
  });
});
