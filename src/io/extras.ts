import { checkPath } from '../files/check-path';
import { hasConfig } from '../text/configured';
import { checkTextClass, rebuildText, type TextClasses } from '../text/rebuild';
import { OptionError, type FormatError } from '../tensor/errors';
import { checkOptions, describe, isPlainObject } from '../tensor/options';
import { checkFormat, parseMetadataJson } from './model-metadata';
import { readVerifiedMetadata } from './read-tensors';
import { formatError, quoted, type Source } from './safetensors-header';

/**
 * What travels in the file of a model beside its weights, by names of your own: plain data, as JSON carries it, and
 * text objects: a TextVectorizer, a Vocabulary, a tokenizer.
 */
export type Extras = Readonly<Record<string, unknown>>;

/** Options of `loadExtras`. */
export interface LoadExtrasOptions {
  /** Tokenizers of your own that were saved, by the name of their class: `{ Syllables }`. */
  classes?: TextClasses;
}

const extrasKey = 'stmnet.extras';

/** How one of them stands in the file: as it is, or as the configuration of a text object. */
type Stored = { data: unknown } | { text: unknown };

/**
 * The metadata of extras.
 *
 * @returns nothing if there are none
 * @throws {OptionError} if one is neither plain data nor a text object, or is of another class than its config() says
 */
export function extrasMetadata(extras: unknown): Record<string, string> {
  if (extras === undefined) return {};
  if (!isPlainObject(extras)) {
    throw new OptionError('save', {
      given: `extras: ${describe(extras)}`,
      expected: 'an object of plain data and text objects',
      fix: "pass such as { text, labels: ['ham', 'spam'] }",
    });
  }
  const stored = Object.entries(extras).map(([name, value]): [string, Stored] => {
    if (!hasConfig(value)) {
      checkPlainData(name, value);
      return [name, { data: value }];
    }
    const config = value.config();
    checkPlainData(`${name}.config()`, config);
    checkTextClass('save', `extras.${name}`, value);
    return [name, { text: config }];
  });
  return stored.length === 0 ? {} : { [extrasKey]: JSON.stringify(Object.fromEntries(stored)) };
}

/**
 * What `save(model, path, { extras })` put beside the weights, text objects built again. The file is taken for hostile,
 * and read to its end for its checksum; nothing of the model is built.
 *
 *     const { text, labels } = await loadExtras<{ text: TextVectorizer; labels: string[] }>('spam.safetensors');
 *
 * @param path  a file of `save`
 * @returns an object without any if there are none
 * @throws {FormatError} if the file is damaged, of a newer format or no model, or holds a tokenizer of a class that is
 *   not in `classes`
 * @throws {FileError} if `path` cannot be read; its code is the system's: ENOENT, EACCES, …
 */
export async function loadExtras<E extends object = Record<string, unknown>>(
  path: string,
  options: LoadExtrasOptions = {},
): Promise<E> {
  checkOptions('loadExtras', options, ['classes']);
  checkPath('loadExtras', path, 'loadExtras(path)');
  return (await extrasIn({ op: 'loadExtras', path }, options.classes ?? {})) as E;
}

/**
 * The same, for whoever reads them on behalf of another call.
 *
 * @throws as `loadExtras`, in the name of the call
 * @internal
 */
export async function extrasIn(source: Source, classes: TextClasses): Promise<Record<string, unknown>> {
  const metadata = await readVerifiedMetadata(source);
  checkFormat(source, metadata);
  const json = metadata.get(extrasKey);
  if (json === undefined) return {};
  const stored = parseMetadataJson(source, extrasKey, json, 'what save() wrote beside the model');
  if (!isPlainObject(stored)) throw damaged(source, 'no object');
  const entries = Object.entries(stored).map(([name, value]) => [name, readOne(source, name, value, classes)]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function readOne(source: Source, name: string, stored: unknown, classes: TextClasses): unknown {
  if (!isPlainObject(stored) || Object.keys(stored).length !== 1)
    throw damaged(source, `${quoted(name)} without a kind`);
  if (Object.hasOwn(stored, 'data')) return stored['data'];
  if (!Object.hasOwn(stored, 'text')) throw damaged(source, `${quoted(name)} of an unknown kind`);
  try {
    return rebuildText(stored['text'], classes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const refused = formatError(
      source,
      `extra ${quoted(name)} that cannot be built (${firstLine(error.message)})`,
      'a tokenizer, vocabulary or vectorizer that this version knows',
      'pass the class of a tokenizer of your own: loadExtras(path, { classes: { Name } })',
    );
    refused.cause = error;
    throw refused;
  }
}

const damaged = (source: Source, what: string): FormatError =>
  formatError(source, `${extrasKey} with ${what}`, 'an object of { data } or { text }');

const firstLine = (message: string): string => (message.split('\n', 1)[0] ?? '').replace(/\.$/, '').slice(0, 300);

/**
 * Refuses what JSON would drop or turn into something else. A property that is undefined may go.
 *
 * @param above  the objects on the way here: one of them again has no end
 */
function checkPlainData(path: string, value: unknown, above: readonly object[] = []): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return;
  const inside = typeof value === 'object' && !above.includes(value) ? [...above, value] : undefined;
  if (inside !== undefined && Array.isArray(value)) {
    Array.from(value as unknown[]).forEach((element, i) => checkPlainData(`${path}[${i}]`, element, inside));
  } else if (inside !== undefined && isPlainObject(value)) {
    for (const [key, property] of Object.entries(value))
      if (property !== undefined) checkPlainData(`${path}.${key}`, property, inside);
  } else {
    throw new OptionError('save', {
      given: `extras.${path}: ${describe(value)}`,
      expected: 'what JSON can carry (finite numbers, strings, booleans, null, arrays, plain objects) or a text object',
      fix: hasConfig(value)
        ? 'give a text object a name of its own among the extras'
        : 'make plain data of it: Array.from(x) of a typed array or a set, Object.fromEntries(map) of a map',
    });
  }
}
