import { letRebuild, withLine } from '../tensor/error-line';
import { StmnetError } from '../tensor/errors';
import { describe } from '../tensor/options';

/** An item that could not be made. `cause` is the error of whoever was to make it. */
export class DataError extends StmnetError {
  static {
    letRebuild(this);
  }

  protected static override readonly code: string = 'ERR_STM_DATA';
}

/**
 * An error of a dataset's `at` as one that names the item. What stmnet threw says already what was wrong, and keeps its
 * class.
 *
 * @param index  of the item
 */
export function itemError(index: number, error: unknown): unknown {
  if (error instanceof StmnetError) return withLine(error, `It came up in item ${index} of the dataset.`);
  const told = errorFromAt('DataLoader', 'the dataset', index, error);
  told.cause = error;
  return told;
}

/**
 * What to say of an error from a dataset's `at`.
 *
 * @param op  who called it
 * @param dataset  in words
 * @param index  of the item
 */
export const errorFromAt = (op: string, dataset: string, index: number, error: unknown): DataError =>
  new DataError(op, {
    given: `an error from at(${index})`,
    expected: `item ${index} of ${dataset}`,
    fix: `call at(${index}) of ${dataset} by itself, it says: ${textOf(error)}`,
  });

/** An error, or whatever else was thrown, in words. */
export const textOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
