// The server of `npm run bench -- serve`: node --expose-gc serve-child.js MODEL MAX_BATCH serves the TextClassifier in
// the file, tells the process that forked it where, and what memory it holds whenever it is asked.
import { setImmediate } from 'node:timers/promises';
import { memory } from 'stmnet';
import { serve, type TaskServer } from 'stmnet/serve';
import { TextClassifier } from 'stmnet/tasks';

/** What a server holds. */
export interface Held {
  readonly rss: number;
  /** Bytes of tensors. */
  readonly tensorBytes: number;
  readonly handles: number;
  /** Bytes of objects, after a garbage collection. */
  readonly heapBytes: number;
}

/** What a server can be asked for. */
export interface Answers {
  held: Held;
  /** Processor time so far. */
  processorMs: number;
}

/** A question to it, and the answer. */
export interface Question {
  readonly id: number;
  readonly what: keyof Answers;
}
export interface Answer {
  readonly id: number;
  readonly answer: Answers[keyof Answers];
}

async function held(): Promise<Held> {
  const { rss } = process.memoryUsage(); // before the collection, which gives memory back
  gc?.();
  await setImmediate(); // tensors that nobody holds any more are let go after it
  const { usedBytes, handles } = memory();
  return { rss, tensorBytes: usedBytes, handles, heapBytes: process.memoryUsage().heapUsed };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function main([model = '', maxBatch = '']: readonly string[]): Promise<void> {
  const server: TaskServer = await serve(await TextClassifier.load(model), { port: 0, maxBatch: Number(maxBatch) });
  process.on('message', ({ id, what }: Question) => {
    const send = (answer: Answer['answer']): void => void process.send?.({ id, answer } satisfies Answer);
    if (what === 'held') void held().then(send);
    else send(processorMs());
  });
  process.on('disconnect', () => void server.stop());
  process.send?.(server.url);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
  process.disconnect();
});
