import { tokenSamplerReaders, type TokenSamplerOptions } from '../decoding/token-sampler';
import { OptionError } from '../tensor/errors';
import { nearMiss } from '../tensor/option-names';
import { describe, positiveInteger } from '../tensor/options';
import { readOptions, withDefault, type OptionReader, type Readers } from '../tensor/read-options';
import type { InputFault } from './input-fault';

/** Options of `generate`. */
export interface GenerateOptions extends TokenSamplerOptions {
  /** What the text begins with; it is not generated again. Default: nothing, as if a text began. */
  prompt?: string;
  /** Number of tokens at most. Default 200. */
  length?: number;
  /** Text, or several of which each will do, that ends the generation; it is not part of it. Default none. */
  stop?: string | readonly string[];
}

/** The options with their defaults. */
export type GenerateSettings = Readonly<Required<GenerateOptions> & { stop: readonly string[] }>;

const text: OptionReader<string> = (op, name, value) => {
  if (typeof value === 'string') return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a text',
    fix: `pass such as ${name}: 'Once upon a time'`,
  });
};

const stop: OptionReader<readonly string[]> = (op, name, value = []) => {
  const stops: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (stops.every((one) => typeof one === 'string' && one !== '')) return stops as readonly string[];
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a text that is not empty, or an array of such',
    fix: `pass such as ${name}: '\\n\\n', or leave it out`,
  });
};

const readers: Readers<GenerateSettings> = {
  ...tokenSamplerReaders,
  prompt: withDefault(text, ''),
  length: withDefault(positiveInteger, 200),
  stop,
};

/** Reads the options. @throws {OptionError} if one is unknown or out of range */
export const readGenerateOptions = (op: string, options: GenerateOptions): GenerateSettings =>
  readOptions<object, GenerateSettings>(op, options, readers);

/** What each of them is in JSON, and how it may look. */
const SENT: Readonly<Record<keyof GenerateOptions, readonly [expected: string, example: string | number]>> = {
  prompt: ['a text', 'Once upon a time'],
  length: ['a whole number of at least 1', 200],
  stop: ['a text that is not empty, or an array of such', '\n\n'],
  temperature: ['a number of at least 0', 0.8],
  topK: ['a whole number of at least 1', 40],
  topP: ['a probability in (0, 1]', 0.95],
  seed: ['a whole number of at least 0', 7],
};

const isSent = (name: string): name is keyof GenerateOptions => Object.hasOwn(SENT, name);

/** What is wrong with options that came as JSON; undefined if a text can be generated with them. */
export function generateFault(options: object): InputFault | undefined {
  for (const [name, value] of Object.entries(options)) {
    const given = `"${name}": ${describe(value)}`;
    if (!isSent(name)) return { given, expected: `only ${Object.keys(SENT).join(', ')}`, fix: insteadOf(name) };
    const [expected, example] = SENT[name];
    if (!isRead(name, value)) return { given, expected, fix: `send such as ${inJson(name, example)}` };
  }
  return undefined;
}

const inJson = (name: string, value: string | number): string => `{"${name}": ${JSON.stringify(value)}}`;

function insteadOf(name: string): string {
  const near = nearMiss(name, Object.keys(SENT));
  return near === undefined ? 'leave it out' : `send "${near}", if that is meant`;
}

function isRead(name: keyof GenerateOptions, value: unknown): boolean {
  try {
    readers[name]('generate', name, value);
    return true;
  } catch (error) {
    if (error instanceof OptionError) return false;
    throw error;
  }
}
