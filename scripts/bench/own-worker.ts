// stmnet's side of `npm run bench -- recurrent`: node own-worker.js FOLDER THREADS CLOCK loads the package in FOLDER
// and answers as torch_worker.py does.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { OwnTimer, type Stmnet } from './own-timer';
import type { Clock, TimerRequest } from './timer';

async function main([folder = '', threads = '0', clock = 'wall']: readonly string[]): Promise<void> {
  const stmnet = createRequire(__filename)(folder) as Stmnet;
  stmnet.setNumThreads(Number(threads));
  console.log(JSON.stringify({ description: stmnet.devices()[0]?.description ?? '' }));
  const timer = new OwnTimer(stmnet, clock as Clock);
  for await (const line of createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await timer.time(JSON.parse(line) as TimerRequest)));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
