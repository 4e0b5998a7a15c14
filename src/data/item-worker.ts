// The program of a worker thread of a WorkerDataset: dist/data/item-worker.js.
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { copied, ItemMaker } from './item-maker';
import {
  failureOf,
  type ItemResult,
  type ItemsRequest,
  type WorkerSource,
  type WorkerMessage,
} from './worker-messages';

async function serve(port: MessagePort, source: WorkerSource): Promise<void> {
  const post = (message: WorkerMessage, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  let maker: ItemMaker;
  try {
    maker = await ItemMaker.load(source);
    post({ kind: 'ready', facts: maker.facts });
  } catch (error) {
    return post({ kind: 'failed', failure: failureOf(error) });
  }
  /** One request after the other, and one item: each has the generator for itself until it is made. */
  let last = Promise.resolve();
  port.on('message', (request: ItemsRequest) => {
    last = last.then(async () => answer(maker, request, post));
  });
}

async function answer(
  maker: ItemMaker,
  { id, wanted }: ItemsRequest,
  post: (message: WorkerMessage, transfer: ArrayBuffer[]) => void,
): Promise<void> {
  const made: { index: number; result: ItemResult }[] = [];
  const transfers: ArrayBuffer[] = [];
  for (const one of wanted) {
    const { index } = one;
    try {
      const { packed, transfer } = await maker.make(one);
      made.push({ index, result: { packed } });
      transfers.push(...transfer);
    } catch (error) {
      made.push({ index, result: { failure: failureOf(error) } });
    }
  }
  try {
    post({ kind: 'items', id, results: made.map(({ result }) => result) }, transfers);
  } catch {
    post({ kind: 'items', id, results: made.map(({ index, result }) => copyOf(index, result)) }, []);
  }
}

/** What came of an item, as a copy; or why that cannot be made. */
function copyOf(index: number, result: ItemResult): ItemResult {
  try {
    return 'packed' in result ? { packed: copied(index, result.packed) } : result;
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

if (parentPort !== null) void serve(parentPort, workerData as WorkerSource);
