#!/usr/bin/env node
// The command `stmnet`: loads what its arguments name, and ends with the status of what happened.
import type { Command } from 'commander';
import { makeProgram } from './program';
import { isLeftToNode, reportError, reportWarning } from './report-error';

/** The command, once it is known. */
let called: Command | undefined;
/** Whether remarks are not wanted. */
const isQuiet = process.argv.includes('--quiet');
/** Warnings that were told: each of many trainings would give that of its examples. */
const told = new Set<string>();
// With NODE_NO_WARNINGS=1 nobody listens, and nobody shall.
if (process.listenerCount('warning') > 0 && !isLeftToNode())
  process.removeAllListeners('warning').on('warning', (warning) => {
    if (isQuiet && warning.name === 'StmnetWarning') return;
    if (!told.has(warning.message)) reportWarning(warning, called);
    told.add(warning.message);
  });

// A reader that has gone, as of `stmnet doctor | head`, wants no more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

async function main(args: readonly string[]): Promise<void> {
  const program = await makeProgram((name) => args.includes(name));
  program.hook('preAction', (_, command) => void (called = command));
  if (args.length === 0) program.outputHelp();
  else await program.parseAsync([...args], { from: 'user' });
}

const args = process.argv.slice(2);
main(args).catch(async (error: unknown) => {
  await new Promise(setImmediate); // warnings that were given before are told before
  process.exitCode = reportError(error, called, args.includes('--debug'));
});
