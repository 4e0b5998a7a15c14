// Programs that the scripts for a GPU start: they may hang, crash or print what nobody expects.
import { spawnSync } from 'node:child_process';

/**
 * Like `spawnSync`, but ends the program after so many seconds, with status 124 or 137, and then whatever it has left
 * running: tests and sanitizers start others.
 */
export function runWithin(seconds, command, args, options) {
  const limit = ['-k', '2', String(Math.max(1, Math.floor(seconds)))];
  const ended = spawnSync('timeout', [...limit, command, ...args], options);
  try {
    process.kill(-ended.pid, 'SIGKILL'); // timeout's group
  } catch {
    // it is empty
  }
  return ended;
}

/**
 * The objects in lines of JSON. Others are left out: half of one, as a program that is killed leaves it, and what a
 * library prints.
 */
export function objectsIn(text) {
  return text.split('\n').flatMap((line) => {
    try {
      const value = JSON.parse(line);
      return typeof value === 'object' && value !== null ? [value] : [];
    } catch {
      return [];
    }
  });
}
