import { withLine } from '../tensor/error-line';
import { StmnetError } from '../tensor/errors';
import { describe } from '../tensor/options';

/** An item that could not be made. `cause` is the error of whoever was to make it. */
export class DataError extends StmnetError {
  protected static override readonly code: string = 'ERR_STM_DATA';
}

/**
 * An error of a dataset's `at` as one that names the item. What stmnet threw says already what was wrong.
 *
 * @param index  of the item
 */
export function itemError(index: number, error: unknown): unknown {
  if (error instanceof StmnetError) return withLine(error, `It came up in item ${index} of the dataset.`);
  const text = error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
  const told = new DataError('DataLoader', {
    given: `an error from at(${index})`,
    expected: `item ${index} of the dataset`,
    fix: `call at(${index}) by itself, it says: ${text}`,
  });
  told.cause = error;
  return told;
}
