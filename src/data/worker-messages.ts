import { OptionError, StmnetError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { DataError } from './data-error';
import type { Packed } from './item-copies';
import type { SamplerSettings } from './sampler';

/** What a worker is to make items of. */
export interface WorkerSource {
  /** The module, as a `file:` URL. */
  readonly module: string;
  /** For its function. */
  readonly data: Packed;
}

/** What is known of a dataset before its items. */
export interface DatasetFacts {
  readonly length: number;
  readonly settings: SamplerSettings;
}

/** An item that is asked for. */
export interface Wanted {
  readonly index: number;
  readonly seed: number | undefined;
}

/** Items that a worker is asked for. */
export interface ItemsRequest {
  readonly id: number;
  readonly wanted: readonly Wanted[];
}

/** What a worker says: once that it is ready, or why not; then what came of each request. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly facts: DatasetFacts }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'items'; readonly id: number; readonly results: readonly ItemResult[] };

/** An item that was made, or why it was not. */
export type ItemResult = { readonly packed: Packed } | { readonly failure: Failure };

/** An error on its way from one thread to another, which takes its class away. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly op?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: Failure | undefined;
}

/** So many causes, one of the other, are sent: they may form a ring. */
const MOST_CAUSES = 8;

/** An error, or whatever else was thrown, as it is sent. @param causes  how many of its causes go with it */
export function failureOf(error: unknown, causes = MOST_CAUSES): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: describe(error) };
  const { name, message, stack, cause } = error;
  return {
    name: String(name),
    message: String(message),
    stack: stack === undefined ? undefined : String(stack),
    op: error instanceof StmnetError ? error.op : undefined,
    code: 'code' in error && typeof error.code === 'string' ? error.code : undefined,
    cause: cause === undefined || causes === 0 ? undefined : failureOf(cause, causes - 1),
  };
}

/** The error that was sent. */
export function errorOf({ name, message, stack, op, code, cause }: Failure): Error {
  const Kind = op === undefined ? undefined : [OptionError, DataError].find((kind) => kind.name === name);
  const error = Kind === undefined ? new Error(message) : new Kind(op ?? '', message, code);
  if (Kind === undefined) {
    error.name = name;
    if (code !== undefined) Object.assign(error, { code });
  }
  if (stack !== undefined) error.stack = stack;
  if (cause !== undefined) error.cause = errorOf(cause);
  return error;
}
