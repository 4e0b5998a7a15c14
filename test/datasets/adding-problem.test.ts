import { expect, test } from 'vitest';
import { OptionError } from 'stmnet';
import { addingProblem } from '../../src/datasets';

test('a target is the sum of the two marked numbers', () => {
  const sequences = addingProblem({ sequences: 500, steps: 100, seed: 3 });
  const lengths = sequences.map(({ input }) => input.shape[0] ?? 0);
  expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([100, 110]);
  for (const { input, target } of sequences) {
    const steps = Array.from({ length: input.shape[0] ?? 0 }, (_, step) =>
      Array.from(input.data.slice(2 * step, 2 * step + 2)),
    );
    const marked = steps.flatMap(([, mark], step) => (mark === 1 ? [step] : []));
    expect(marked.length).toBe(2);
    expect(marked[0]).toBeLessThan(10);
    expect(marked[1]).toBeLessThan(49);
    const [first = [], second = []] = marked.map((step) => (step === 0 ? [0] : (steps[step] ?? [])));
    expect(target[0]).toBeCloseTo(0.5 + ((first[0] ?? 0) + (second[0] ?? 0)) / 4, 6);
    const ends = [0, steps.length - 1].filter((step) => !marked.includes(step));
    expect(ends.map((step) => steps[step]?.[1])).toEqual(ends.map(() => -1));
    expect(steps.every(([number = 2]) => Math.abs(number) < 1)).toBe(true);
    expect(steps.filter(([, mark]) => mark === 0).length).toBe(steps.length - 2 - ends.length);
  }
});

test('marks lie everywhere they may, the first step included', () => {
  const marks = new Set<number>();
  for (const { input } of addingProblem({ sequences: 2000, steps: 40 }))
    for (let step = 0; step < (input.shape[0] ?? 0); step++) if (input.data[2 * step + 1] === 1) marks.add(step);
  expect([...marks].sort((a, b) => a - b)).toEqual(Array.from({ length: 19 }, (_, step) => step));
});

test('the same seed gives the same sequences, another one others', () => {
  const [first, again, other] = [1, 1, 2].map((seed) => addingProblem({ sequences: 3, seed }));
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});

test('what cannot be drawn is told', () => {
  expect(() => addingProblem({ sequences: 2, steps: 9 })).toThrow(
    'addingProblem: got steps: 9, expected at least 10.\n  Fix: ask for longer sequences.',
  );
  expect(() => addingProblem({ sequences: 0 })).toThrow(OptionError);
  expect(() => addingProblem({ sequences: 1, seed: -1 })).toThrow(OptionError);
  expect(() => Reflect.apply(addingProblem, undefined, [{ count: 1 }])).toThrow('addingProblem: got');
  expect(addingProblem({ sequences: 50, steps: 10 }).length).toBe(50);
});
