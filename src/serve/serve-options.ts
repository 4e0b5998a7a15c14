import { OptionError } from '../tensor/errors';
import { describe, positiveInteger } from '../tensor/options';
import { asGiven, readOptions, withDefault, type OptionReader } from '../tensor/read-options';
import { isToken } from './token';

/** Where and how a task is served. All times are in whole milliseconds. */
export interface ServeOptions {
  /** TCP port, 0 for any that is free. Default 8080. */
  port?: number;
  /**
   * Address to listen on. Default '127.0.0.1', which this machine alone can reach; '0.0.0.0' is all of its addresses,
   * and asks for a `token`, or for a proxy in front that knows who is who.
   */
  host?: string;
  /**
   * What clients must send as `Authorization: Bearer TOKEN` for everything but /healthz: letters, digits and `-._~+/`,
   * then any number of `=`. Default: none is asked for.
   */
  token?: string;
  /**
   * How long an input waits for others to be computed with while nothing is being computed; meanwhile whatever comes
   * is gathered for the next batch anyway. 0: no longer than it takes to read what has arrived. Default 2.
   */
  maxDelay?: number;
  /** Inputs that are computed at once; 1 computes one by one. Default 64. */
  maxBatch?: number;
  /** Inputs that may wait; a request that finds no room is answered 503, with Retry-After. Default 1,024. */
  maxQueue?: number;
  /** Texts that may be generated at a time; one more is answered 503. Default 8. */
  maxStreams?: number;
  /** Bytes of a request's body; a longer one is answered 413. Default 1,048,576. */
  maxBody?: number;
  /** Inputs of a request; more than these, or than `maxQueue`, are answered 422. Default 256. */
  maxInputs?: number;
  /**
   * Characters of a text and elements of an array in an input, and characters of a prompt; more are answered 422.
   * Default 10,000.
   */
  maxLength?: number;
  /** Pieces of a generated text; a `length` above it is answered 422, and none ever gets longer. Default 2,000. */
  maxGenerated?: number;
  /** How long a client may take to send the head of a request; then it is answered 408. Default 10,000. */
  headersTimeout?: number;
  /** How long a client may take to send the body of a request; then it is answered 408. Default 30,000. */
  bodyTimeout?: number;
  /**
   * How long the answer to a complete request may take, and the next piece of a generated text, until the client has
   * taken it; then it is answered 504. Default 30,000.
   */
  timeout?: number;
  /** How long `stop()` waits for requests that were accepted before it cuts their connections. Default 20,000. */
  stopTimeout?: number;
  /**
   * Gets each error that a client sees as 500. Default: it is written to standard error, as it is beside the listener's
   * own where that fails.
   */
  onError?: (error: unknown) => void;
}

/** The options as they are used. @internal */
export interface ServeSettings extends Required<Omit<ServeOptions, 'token'>> {
  token: string | undefined;
}

/**
 * @throws {OptionError} if an option is unknown or cannot be used
 * @internal
 */
export function readServeOptions(op: string, options: ServeOptions): ServeSettings {
  const read = readOptions<ServeOptions>(op, options, {
    port: withDefault(portNumber, 8080),
    host: withDefault(hostName, '127.0.0.1'),
    token: asGiven,
    maxDelay: withDefault(milliseconds, 2),
    maxBatch: withDefault(positiveInteger, 64),
    maxQueue: withDefault(positiveInteger, 1024),
    maxStreams: withDefault(positiveInteger, 8),
    maxBody: withDefault(positiveInteger, 2 ** 20),
    maxInputs: withDefault(positiveInteger, 256),
    maxLength: withDefault(positiveInteger, 10_000),
    maxGenerated: withDefault(positiveInteger, 2000),
    headersTimeout: withDefault(patience, 10_000),
    bodyTimeout: withDefault(patience, 30_000),
    timeout: withDefault(patience, 30_000),
    stopTimeout: withDefault(milliseconds, 20_000),
    onError: withDefault(errorListener, writeError),
  });
  return {
    ...read,
    onError: sheltered(read.onError),
    token: 'token' in options ? bearerToken(op, options.token) : undefined,
    maxInputs: Math.min(read.maxInputs, read.maxQueue),
  };
}

const portNumber: OptionReader<number> = (op, name, value) => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: 'a whole number from 0 to 65535',
    fix: `pass ${name}: 8080, or ${name}: 0 for any that is free`,
  });
};

const hostName: OptionReader<string> = (op, name, value) => {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `the name or the address of a host for ${name}`,
    fix: `leave it out for this machine alone, or pass ${name}: '0.0.0.0' for all of its addresses`,
  });
};

/** A token that is undefined, as of a variable that is not set, must not leave the door open. */
function bearerToken(op: string, value: unknown): string {
  const isText = typeof value === 'string' && value !== '';
  if (typeof value === 'string' && isToken(value)) return value;
  throw new OptionError(op, {
    given: isText ? 'a token with other characters' : `token: ${describe(value)}`, // it is a secret
    expected: 'letters, digits and -._~+/ for token, as a header can carry',
    fix: 'make one by openssl rand -hex 32, or leave the option out to ask for none',
  });
}

/** The longest time that a timer of Node's can take. */
const LONGEST = 2 ** 31 - 1;

const milliseconds: OptionReader<number> = (op, name, value) => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LONGEST) return value;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `whole milliseconds from 0 to ${LONGEST} for ${name}`,
    fix: `pass a whole number, as in ${name}: 1000`,
  });
};

const patience: OptionReader<number> = (op, name, value) => {
  if (value !== 0) return milliseconds(op, name, value);
  throw new OptionError(op, {
    given: `${name}: 0`,
    expected: `a time above 0 for ${name}`,
    fix: `pass a long one, as in ${name}: 3_600_000; a server that waits for ever is stopped by its slowest client`,
  });
};

const errorListener: OptionReader<(error: unknown) => void> = (op, name, value) => {
  if (typeof value === 'function') return value as (error: unknown) => void;
  throw new OptionError(op, {
    given: `${name}: ${describe(value)}`,
    expected: `a function that gets each error for ${name}`,
    fix: `pass ${name}: (error) => log.error(error), or leave it out`,
  });
};

/** A listener whose own errors, thrown or rejected, end neither the answer nor the process. */
function sheltered(listener: (error: unknown) => unknown): (error: unknown) => void {
  const call = async (error: unknown): Promise<unknown> => listener(error);
  return (error) =>
    void call(error).catch((own: unknown) => {
      writeError(error);
      process.stderr.write(`stmnet serve: onError failed: ${textOf(own)}\n`);
    });
}

const writeError = (error: unknown): void => {
  process.stderr.write(`stmnet serve: ${textOf(error)}\n`);
};

const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : describe(error));
