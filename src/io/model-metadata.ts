import { findDuplicateKey } from './duplicate-keys';
import { formatError, quoted, type Source } from './safetensors-header';

/** The newest format that is written and read. It rises when an older reader would misread a file. */
export const currentFormat = 1;
/** Name of the entry of the metadata that says the format. */
export const formatKey = 'stmnet.format';

/**
 * Refuses a file that `save` did not write, or a newer version of it.
 *
 * @throws {FormatError} if it is one
 */
export function checkFormat(source: Source, metadata: ReadonlyMap<string, string>): void {
  const format = metadata.get(formatKey);
  if (format === undefined) {
    throw formatError(
      source,
      `no ${formatKey} in the metadata`,
      'a file that save() wrote',
      metadata.has('stmnet.checkpoint')
        ? 'it is a checkpoint: build the model and call loadCheckpoint(path, { model })'
        : 'build the model and call model.loadStateDict(await loadSafetensors(path))',
    );
  }
  if (!/^[1-9]\d{0,8}$/.test(format)) throw formatError(source, `${formatKey} ${quoted(format)}`, 'a whole number');
  if (Number(format) > currentFormat)
    throw formatError(
      source,
      `format ${format}`,
      `at most ${currentFormat}`,
      'update stmnet to a version that knows this format',
    );
}

/**
 * What an entry of the metadata holds as JSON.
 *
 * @param meaning  what it should be, for the message
 * @throws {FormatError} if it is no JSON, or an object in it has a key twice
 */
export function parseMetadataJson(source: Source, key: string, json: string, meaning: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    const twice = findDuplicateKey(json);
    if (twice === undefined) return value;
    throw new SyntaxError(`the key ${quoted(twice)} twice`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw formatError(source, `${key} that is not JSON (${quoted(message)})`, meaning);
  }
}
