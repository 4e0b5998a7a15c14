import { withLine } from '../tensor/error-line';
import { StmnetError } from '../tensor/errors';

/**
 * Does something with the data of a file, of which an error is to tell: what a task finds wrong with examples it tells
 * by their places alone.
 *
 * @param file  what the data were read from
 * @throws what `use` throws, with the file named
 */
export async function namedData<T>(file: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof StmnetError) || error.message.includes(file)) throw error;
    throw withLine(error, `It came up in the data of ${file}.`);
  }
}
