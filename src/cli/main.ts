#!/usr/bin/env node
// The command `stmnet`: a line for each of its commands, which say the rest themselves.
import { Command } from 'commander';
import { doctorCommand } from './commands/doctor';
import { version } from './version';

const program = new Command('stmnet')
  .description('LSTM networks for Node.js.')
  .version(version)
  .addCommand(doctorCommand);

// A reader that has gone, as of `stmnet doctor | head`, wants no more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`stmnet: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
