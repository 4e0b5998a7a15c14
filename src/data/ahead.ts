/** A walk whose next value is there at once, or later. */
export interface AheadWalk<Value> {
  /** May be called again before what it gave has come. Throws, or rejects, where the walk ends by an error. */
  next(): IteratorResult<Value> | Promise<IteratorResult<Value>>;
  /** Ends a walk that is left. */
  end?(): Promise<void>;
}

/** What a walk gave, or will give, or the error by which it ended. */
interface Taken<Value> {
  readonly result: Promise<IteratorResult<Value>>;
  /** Whether it is yet to come. */
  readonly waits: boolean;
  /** Whether nothing comes after it. */
  readonly last: boolean;
}

/**
 * The values of a walk in their order, of which up to `count` are taken before they are asked for. A value is taken
 * while whoever walks is waiting: what takes time on this thread does not hold up the value that is handed out. An
 * error is thrown at its turn.
 */
export async function* ahead<Value>(walk: AheadWalk<Value>, count: number): AsyncGenerator<Value> {
  const taken: Taken<Value>[] = [];
  let ended = false;
  let turn: NodeJS.Immediate | undefined;
  const takeOne = (): boolean => {
    const one = take(walk);
    taken.push(one);
    ended = one.last;
    return one.waits;
  };
  const refill = (): void => {
    turn = undefined;
    while (!ended && taken.length < count)
      if (!takeOne()) {
        turn = setImmediate(refill); // one at a time: others of this thread have their turn in between
        return;
      }
  };
  try {
    for (;;) {
      if (taken.length === 0) takeOne();
      const first = taken.shift();
      if (first === undefined) return;
      if (count > 0 && turn === undefined) {
        if (first.waits) refill();
        else turn = setImmediate(refill);
      }
      const { done, value } = await first.result;
      if (done === true) return;
      yield value;
    }
  } finally {
    ended = true;
    clearImmediate(turn);
    await walk.end?.();
  }
}

function take<Value>(walk: AheadWalk<Value>): Taken<Value> {
  try {
    const next = walk.next();
    if (!(next instanceof Promise)) return { result: Promise.resolve(next), waits: false, last: next.done === true };
    next.catch(() => undefined); // awaited at its turn, or never; until then it is no unhandled rejection
    return { result: next, waits: true, last: false };
  } catch (error) {
    const result = Promise.reject<IteratorResult<Value>>(error);
    result.catch(() => undefined);
    return { result, waits: false, last: true };
  }
}

/** A walk over what comes one after the other: the next value is asked for when the one before is there. */
export function inTurn<Value>(values: AsyncIterable<Value>): AheadWalk<Value> {
  const iterator = values[Symbol.asyncIterator]();
  let left = false;
  let last: Promise<IteratorResult<Value>> | undefined;
  const end: IteratorResult<Value> = { done: true, value: undefined };
  return {
    next() {
      const before = last;
      const following = ({ done }: IteratorResult<Value>): typeof end | Promise<IteratorResult<Value>> =>
        left || done === true ? end : iterator.next();
      last = before === undefined ? iterator.next() : before.then(following);
      return last;
    },
    async end() {
      left = true;
      await last?.catch(() => undefined);
      await iterator.return?.(undefined);
    },
  };
}
