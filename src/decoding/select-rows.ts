import { OptionError, ShapeError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import { indexSelect } from '../tensor/ops/indexing';
import { describe, isNumberList, isPlainObject } from '../tensor/options';
import { PaddedSequence } from '../tensor/padded-sequence';
import { scope } from '../tensor/scope';
import { Tensor } from '../tensor/tensor';

/**
 * The state of some of the sequences of a batch, in that order; one may come more than once, and be left out.
 *
 * A state is any nesting of tensors and PaddedSequences in arrays and plain objects, or undefined. The axis of the
 * batch is the first, [N, …]; of tensors of rank 3 under the keys `h` and `c`, as the states [L·K, N, H] of recurrent
 * layers, the second. A PaddedSequence keeps the lengths of its rows. Anything else stays as it is.
 *
 * @param rows  places in 0..N - 1
 * @returns a state of the same form, of as many sequences as there are `rows`
 * @throws {OptionError} if a row is not a whole number of 0 or more; {ShapeError} if the state has no such row
 */
export function selectRows<State>(state: State, rows: ArrayLike<number>): State {
  const places = checkedRows(rows);
  const indices = new Map<string, Tensor>(); // one a device
  const on = (device: string): Tensor => {
    const made = indices.get(device) ?? tensor(places, { device });
    indices.set(device, made);
    return made;
  };
  const select = (x: Tensor, axis: number): Tensor => {
    checkPlaces(x, axis, places);
    return indexSelect(x, axis, on(x.device));
  };
  const change: Change = (x, axis) => {
    if (!(x instanceof PaddedSequence)) return select(x, axis);
    const values = select(x.values, 0);
    return new PaddedSequence(
      values,
      Array.from(places, (row) => x.lengths[row] ?? 0),
    );
  };
  return scope(() => mapRows(state, change)) as State;
}

/** The number of sequences that a state is of; undefined if there is no tensor in it. @internal */
export function rowsOf(op: string, state: unknown): number | undefined {
  let first: { x: Tensor | PaddedSequence; rows: number } | undefined;
  mapRows(state, (x, axis) => {
    const rows = x.shape[axis];
    if (rows === undefined) throw withoutRows(op, x);
    first ??= { x, rows };
    if (first.rows !== rows)
      throw new ShapeError(op, {
        given: `a state of ${describe(first.x)} and ${describe(x)}`,
        expected: `as many rows in all of its tensors: ${first.rows} and ${rows} are there`,
        fix: 'put the batch first, h and c of recurrent layers [L·K, N, H] aside, or pass a selectRows of your own',
      });
    return x;
  });
  return first?.rows;
}

type Change = (x: Tensor | PaddedSequence, axis: number) => Tensor | PaddedSequence;

/** The same nesting with other tensors. @param key  under which the value stands */
function mapRows(value: unknown, change: Change, key = ''): unknown {
  if (value instanceof Tensor) return change(value, (key === 'h' || key === 'c') && value.rank === 3 ? 1 : 0);
  if (value instanceof PaddedSequence) return change(value, 0);
  if (Array.isArray(value)) return value.map((part) => mapRows(part, change));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapRows(part, change, name)]));
}

function checkedRows(rows: unknown): Int32Array {
  if (!isNumberList(rows))
    throw new OptionError('selectRows', {
      given: `${describe(rows)} as rows`,
      expected: 'an array of places, such as [0, 0, 2]',
      fix: 'of a tensor pass what it holds: await rows.data()',
    });
  const list = Array.from(rows);
  const odd = list.find((row) => !(typeof row === 'number' && Number.isInteger(row) && row >= 0 && row < 2 ** 31));
  if (odd === undefined && !list.includes(undefined)) return Int32Array.from(list as number[]);
  throw new OptionError('selectRows', {
    given: `the row ${describe(odd)}`,
    expected: 'whole numbers of at least 0',
    fix: 'name each row by its place in the batch',
  });
}

function checkPlaces(x: Tensor, axis: number, places: Int32Array): void {
  const rows = x.shape[axis];
  if (rows === undefined) throw withoutRows('selectRows', x);
  const odd = places.find((row) => row >= rows);
  if (odd === undefined) return;
  throw new ShapeError('selectRows', {
    given: `row ${odd} of ${describe(x)}`,
    expected: `a row in 0..${rows - 1}, along axis ${axis}`,
    fix: 'give each tensor of the state a row for each sequence; for states of another form write a selectRows',
  });
}

const withoutRows = (op: string, x: unknown): ShapeError =>
  new ShapeError(op, {
    given: `a state with ${describe(x)}, which has no axis`,
    expected: 'tensors with a row for each sequence, [N, …]',
    fix: 'keep what is not of a sequence outside the state',
  });
