#!/usr/bin/env node
// The command `stmnet`.
import { Command } from 'commander';
import { doctor, type DoctorOptions } from './commands/doctor';
import { version } from './version';

const program = new Command('stmnet').description('LSTM networks for Node.js.').version(version);

program
  .command('doctor')
  .description(
    'Says what stmnet can compute on here: every part that a GPU needs, where it was found, ' +
      'what is missing and how to mend it.',
  )
  .option('--json [file]', 'print the findings as JSON; with a file, write them there and print text')
  .option('--require-cuda', 'exit with status 1 unless a CUDA device computes')
  .action(async (options: DoctorOptions) => {
    process.exitCode = await doctor(options, (line) => process.stdout.write(`${line}\n`));
  });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`stmnet: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
