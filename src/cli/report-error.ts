import type { Command, CommanderError } from 'commander';
import { inFlags } from './option-words';

/** What a process ends with: all went well, what it was given is wrong, it was called in a wrong way, or Ctrl-C. */
export const STATUS = { fine: 0, data: 1, usage: 2, interrupted: 130 } as const;

/** A mistake in how a command was called. */
export class UsageError extends Error {
  /** What the process ends with. */
  readonly status = STATUS.usage;
}

/** A mistake in what a command was given: files, folders, what stands in them. */
export class InputError extends Error {
  /** What the process ends with. */
  readonly status = STATUS.data;
}

/** Ctrl-C, once all is in good order. The message says how to go on. */
export class Interrupted extends Error {
  /** What the process ends with. */
  readonly status = STATUS.interrupted;
}

/**
 * Tells an error on standard error, in one line or in as many as its advice has, and without a stack. What the API says
 * of its options is told of the flags.
 *
 * @param called  the command, once it is known
 * @param debug   whether to show the stack, too
 * @returns the status of the process
 */
export function reportError(error: unknown, called: Command | undefined, debug: boolean): number {
  if (isHelp(error)) return STATUS.fine; // which is told already
  const message = told(error, called).replace(/^stmnet: /, ''); // which is said here
  process.stderr.write(`stmnet: ${debug && error instanceof Error ? (error.stack ?? message) : message}\n`);
  if (!isExpected(error) && !debug) process.stderr.write('  With --debug the stack is shown, too.\n');
  if (isOfCommander(error)) return STATUS.usage;
  return error instanceof Error && 'status' in error ? Number(error.status) : STATUS.data;
}

/**
 * Tells a warning of stmnet likewise, in place of Node.js, which would name the process and a flag of its own; what
 * others warn of is told as it is. With --trace-warnings of Node.js, also in NODE_OPTIONS, the stack is shown.
 */
export function reportWarning(warning: Error, called: Command | undefined): void {
  const text = warning.name === 'StmnetWarning' ? inWords(warning.message, called) : String(warning);
  process.stderr.write(`stmnet: warning: ${text}\n${isTraced(warning) ? framesOf(warning) : ''}`);
}

/** Whether Node.js would show the stack: it keeps its flags there. */
const isTraced = ({ name }: Error): boolean =>
  Reflect.get(process, name === 'DeprecationWarning' ? 'traceDeprecation' : 'traceProcessWarnings') === true ||
  Reflect.get(process, 'traceProcessWarnings') === true;

/** The lines of a stack behind the message. */
const framesOf = ({ stack = '' }: Error): string => {
  const lines = stack.split('\n');
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  return first < 0 ? '' : `${lines.slice(first).join('\n')}\n`;
};

/** Whether Node.js was told what to do with warnings, which it then does. */
export function isLeftToNode(): boolean {
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');
  return (
    /--(?:disable-warning|redirect-warnings)\b/.test(flags) || (process.env['NODE_REDIRECT_WARNINGS'] ?? '') !== ''
  );
}

function told(error: unknown, called: Command | undefined): string {
  if (!(error instanceof Error)) return String(error);
  if (!('op' in error)) return error.message;
  const text = inWords(error.message, called);
  const isOfDevice = 'code' in error && error.code === 'ERR_STM_DEVICE';
  if (!isOfDevice || called?.options.every(({ long }) => long !== '--device') !== false) return text;
  const typed = called.getOptionValueSource('device') === 'cli';
  return `${text} To compute on the CPU ${typed ? 'leave --device out' : 'pass --device cpu'}.`;
}

function inWords(message: string, called: Command | undefined): string {
  const text = withoutOp(message);
  if (called === undefined) return text;
  // A value by itself, as of a device that is not there, is told with the option that it was given for.
  const [got = '', quoted = '', value] = /^got (?:device )?(['"]([^'"]*)['"])/.exec(text) ?? [];
  const given = called.options.filter((option) => called.getOptionValue(option.attributeName()) === value);
  const [only, ...others] = value === undefined ? [] : given;
  const named =
    only?.long !== undefined && others.length === 0 ? `got ${only.long} ${quoted}${text.slice(got.length)}` : text;
  return inFlags(named, called.options);
}

/** Without the class or function of the API that found the mistake. */
const withoutOp = (message: string): string => message.replace(/^\w[\w.]*(?:: \w+)?: (?=got )/, '');

const isOfCommander = (error: unknown): error is CommanderError =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');

/** What commander ends with after the help or the version, which are no error. */
const isHelp = (error: unknown): boolean => isOfCommander(error) && error.exitCode === 0;

/**
 * Errors of stmnet, those above and those of commander say what is wrong. They are told by their form: the class of an
 * error of stmnet would bring the addon with it, and the program has classes of its own.
 */
const isExpected = (error: unknown): boolean =>
  isOfCommander(error) || (error instanceof Error && ('status' in error || ('op' in error && 'code' in error)));
