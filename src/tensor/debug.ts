import { sep } from 'node:path';
import { codeFolder } from '../native/folders';
import { binding } from '../native/load';
import { flag } from './options';

/** The folder of this package's own JavaScript, whose lines are not the user's. */
const own = codeFolder + sep;
const MOST_LINES = 8;

/** The binding's own functions while wrappers replace them, and the call site that the binding was told last. */
const state = { plain: new Map<string, unknown>(), site: '' };

/** The lines of the user's program that led here, innermost first. */
function callSite(below: (...args: never[]) => unknown): string {
  const before = Error.stackTraceLimit;
  const holder: { stack?: string } = {};
  Error.stackTraceLimit = 50;
  Error.captureStackTrace(holder, below);
  const lines = (holder.stack ?? '')
    .split('\n')
    .filter((line) => line.trimStart().startsWith('at ') && !line.includes('node:internal'));
  Error.stackTraceLimit = before;
  const theirs = lines.filter((line) => !line.includes(own));
  return (theirs.length > 0 ? theirs : lines)
    .slice(0, MOST_LINES)
    .map((line) => `    ${line.trim()}`)
    .join('\n');
}

function tell(site: string): void {
  state.site = site;
  binding.setCallSite(site);
}

/** Wraps each function of the binding in one that tells the binding where in the user's program it is called. */
function surround(): void {
  for (const [name, plain] of Object.entries(binding) as [string, unknown][]) {
    if (typeof plain !== 'function' || name === 'setCallSite') continue;
    state.plain.set(name, plain);
    const located = (...args: unknown[]): unknown => {
      const outer = state.site; // a function of the user's runs inside backward()
      tell(callSite(located));
      try {
        return Reflect.apply(plain, undefined, args);
      } finally {
        tell(outer);
      }
    };
    Reflect.set(binding, name, located);
  }
}

/**
 * Whether each op remembers the line that asked for it. What only the device finds out, such as an index that is out of
 * range there, rejects a later read; the message then names the op, and with `true` also the lines of your program that
 * called it, or, in a step of `compile`, those that it was recorded from. An op of `backward` has the line of
 * `backward()`. For finding a mistake: each call takes some microseconds longer. Without it nothing is remembered, and
 * nothing costs.
 *
 * The variable STMNET_DEBUG=1 in the environment switches it on at the start.
 *
 * @throws {OptionError} if `on` is neither true nor false
 */
export function setDebug(on: boolean): void {
  if (flag('setDebug', 'on', on) === isDebug()) return;
  if (on) return surround();
  for (const [name, plain] of state.plain) Reflect.set(binding, name, plain);
  state.plain.clear();
}

/** Whether `setDebug` or STMNET_DEBUG has switched on that ops remember where they were asked for. */
export const isDebug = (): boolean => state.plain.size > 0;

if (process.env['STMNET_DEBUG'] === '1') setDebug(true);
