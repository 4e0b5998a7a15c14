// stmnet's side of a comparison: node own-worker.js THREADS CLOCK answers what `turns/protocol.ts` says. It computes
// with the stmnet in whose folder it lies.
import { devices, setNumThreads } from 'stmnet';
import { CellJob, type CellOptions } from './jobs/cell';
import { ClassifierJob, type ClassifierOptions } from './jobs/classifier';
import { ElementwiseJob, type ElementwiseOptions } from './jobs/elementwise';
import { LanguageJob, type LanguageOptions } from './jobs/language';
import { RecurrentJob, type RecurrentOptions } from './jobs/recurrent';
import { Seq2SeqJob, type Seq2SeqOptions } from './jobs/seq2seq';
import { StreamJob } from './jobs/stream';
import type { StreamOptions } from './jobs/stream-case';
import { packageVersion } from './tarball';
import { serveJobs, type Clock, type MakeJob } from './turns/protocol';

const jobs: Readonly<Record<string, MakeJob>> = {
  recurrent: (options, now) => new RecurrentJob(options as RecurrentOptions, now),
  cell: (options, now) => new CellJob(options as CellOptions, now),
  language: (options, now) => new LanguageJob(options as LanguageOptions, now),
  classifier: (options, now) => new ClassifierJob(options as ClassifierOptions, now),
  elementwise: (options, now) => new ElementwiseJob(options as ElementwiseOptions, now),
  seq2seq: (options, now) => new Seq2SeqJob(options as Seq2SeqOptions, now),
  stream: (options, now) => new StreamJob(options as StreamOptions, now),
};

async function main([threads = '0', clock = 'wall']: readonly string[]): Promise<void> {
  setNumThreads(Number(threads));
  const description = devices()[0]?.description ?? '';
  await serveJobs({ description, versions: { stmnet: packageVersion() } }, jobs, clock as Clock);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
