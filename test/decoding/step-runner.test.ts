import { describe, expect, it } from 'vitest';
import { beamSearch, greedySearch, keep, selectRows, tensor, type DecodeStep, type Tensor } from 'stmnet';
import { handlesKept } from '../support/handles';

interface Parts {
  h: Tensor;
  memory: Tensor;
}

class Held {
  constructor(readonly parts: Parts) {}
}

class Hidden {
  readonly #parts: Parts;
  constructor(parts: Parts) {
    this.#parts = parts;
  }
  parts(): Parts {
    return this.#parts;
  }
}

/** How a state holds its tensors. */
interface Form<State> {
  hold: (parts: Parts) => State;
  parts: (state: State) => Parts;
}

const form = <State>(hold: Form<State>['hold'], parts: Form<State>['parts']): Form<unknown> => ({
  hold,
  parts: (state) => parts(state as State),
});

const plain = form<Parts>(
  (parts) => parts,
  (parts) => parts,
);
const inClass = form<Held>(
  (parts) => new Held(parts),
  (state) => state.parts,
);
const inMap = form<Map<string, Tensor>>(
  (parts) => new Map(Object.entries(parts)),
  (state) => Object.fromEntries(state) as unknown as Parts,
);
const inSet = form<Set<Tensor>[]>(
  ({ h, memory }) => [new Set([h, memory])],
  ([both]) => {
    const [h, memory] = both as unknown as [Tensor, Tensor];
    return { h, memory };
  },
);
const inPrivate = form<Hidden>(
  (parts) => new Hidden(keep(parts)),
  (state) => state.parts(),
);

/** All hypotheses of two sentences, whose h changes from step to step and whose memory goes on. */
async function found({ hold, parts }: Form<unknown>): Promise<unknown> {
  const weight = tensor([[0.3, -0.2, 0.1], [0.5, 0.4, -0.9], [0.2, 0, 0.3]]); // prettier-ignore
  const [h, memory] = [tensor([[1, 2, 3], [0, 1, -1]]), tensor([[0, 0.1, 0], [0.2, 0, 0]])]; // prettier-ignore
  const step: DecodeStep<unknown> = (_, state) => {
    const now = parts(state);
    const next = now.h.matmul(weight).tanh();
    return { scores: next.add(now.memory), state: hold({ h: next, memory: now.memory }) };
  };
  const options = { start: hold({ h, memory }), batchSize: 2, maxLength: 6, noRepeatNgramSize: 3 };
  const choose = (state: unknown, rows: readonly number[]): unknown => hold(selectRows(parts(state), rows));
  const result = [
    await greedySearch(step, { ...options, selectRows: choose }),
    await beamSearch(step, { ...options, selectRows: choose, beamSize: 3, nBest: 2 }),
  ];
  for (const x of [weight, h, memory]) x.dispose(); // which a search leaves
  return result;
}

describe('tensors of a state', () => {
  it.each([
    ['a plain object', plain],
    ['an object of a class', inClass],
    ['a Map', inMap],
    ['a Set in an array', inSet],
  ])('in %s are there as long as they are needed, and then disposed of', async (_, how) => {
    const wanted = await found(plain);
    const before = handlesKept();
    expect(await found(how)).toEqual(wanted);
    expect(handlesKept()).toBe(before);
  });

  it('in private fields are there if they are kept', async () => {
    expect(await found(inPrivate)).toEqual(await found(plain));
  });

  it('in an object that is changed in place are disposed of when others take their place', async () => {
    const state: { h: Tensor } = new (class {
      h = tensor([[1, 2, 3]]);
    })();
    const [first, seen] = [state.h, new Array<Tensor>()];
    const step: DecodeStep<{ h: Tensor }> = () => {
      state.h = state.h.tanh();
      seen.push(state.h);
      return { scores: state.h.mul(1), state };
    };
    const before = handlesKept();
    await greedySearch(step, { start: state, maxLength: 4, selectRows: () => state });
    expect(seen).toHaveLength(4);
    expect(handlesKept()).toBe(before);
    expect(await first.array()).toEqual([[1, 2, 3]]);
  });
});
