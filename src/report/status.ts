import { isPlainObject } from '../tensor/options';
import type { RunData } from './read-run';
import { counted } from '../tensor/counted';

/** How a training, a comparison or a search stands. */
export interface Status {
  readonly kind: 'running' | 'complete' | 'partial';
  /** As in `Running: 3 of 8 epochs`. */
  readonly text: string;
}

/** How a training stands, by its folder, and by whether it is known to go on. */
export function statusOf({ config, history }: RunData, running: boolean): Status {
  const training = config?.['training'];
  const total = isPlainObject(training) ? training['epochs'] : undefined;
  const done = history.last?.epoch ?? 0;
  const known = typeof total === 'number' && total >= done;
  const progress = known ? `${done} of ${counted(total, 'epoch')}` : counted(done, 'epoch');
  if (running) return { kind: 'running', text: `Running: ${progress}` };
  if (history.stopped !== undefined)
    return { kind: 'partial', text: `Stopped after ${progress}: ${history.stopped.reason}` };
  return known && done < total
    ? { kind: 'partial', text: `Ended after ${progress}` }
    : { kind: 'complete', text: `Finished: ${counted(done, 'epoch')}` };
}

/** How a comparison or a search stands, by how many there are. */
export function countStatus(count: number, one: string, running: boolean): Status {
  const text = counted(count, one);
  return running ? { kind: 'running', text: `Running: ${text}` } : { kind: 'complete', text };
}
