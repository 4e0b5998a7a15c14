import type { Exchange } from './exchange';
import { Gatherer } from './gather';
import { Generations } from './generate';
import { ServerMetrics } from './metrics';
import { predict } from './predict';
import { reply } from './reply';
import { generates, predicts, type Predictor, type Servable } from './servable';
import type { ServeSettings } from './serve-options';

/** What is done at a path. */
export interface Route {
  readonly method: 'GET' | 'POST';
  readonly answer: (exchange: Exchange) => Promise<void>;
}

/** What a task is asked for, by the path, what is counted, and how long it is at work on one batch. */
export interface Routes {
  readonly routes: Map<string, Route>;
  readonly metrics: ServerMetrics;
  /** In seconds; 0 while nothing is computed. */
  readonly batchSeconds: () => number;
}

/**
 * What a task is asked for, by the path, and what is counted.
 *
 * @param requests  how many are not answered yet
 */
export function routesOf(task: Servable, settings: ServeSettings, requests: () => number): Routes {
  const gatherer = predicts(task) ? gathererOf(task, settings, (...batch) => metrics.computed(...batch)) : undefined;
  const generations = generates(task) ? new Generations(task, settings) : undefined;
  const batchSeconds = (): number => gatherer?.secondsComputing ?? 0;
  const metrics = new ServerMetrics({
    requests,
    batchSeconds,
    queue: () => gatherer?.depth ?? 0,
    streams: () => generations?.running ?? 0,
  });
  const routes = new Map<string, Route>();
  if (predicts(task) && gatherer)
    routes.set('/predict', { method: 'POST', answer: (one) => predict(one, task, gatherer, settings) });
  if (generations) routes.set('/generate', { method: 'POST', answer: (one) => generations.answer(one) });
  routes.set('/metrics', {
    method: 'GET',
    answer: async ({ response }) => reply(response, 200, metrics.contentType, await metrics.text()),
  });
  return { routes, metrics, batchSeconds };
}

const gathererOf = (
  task: Predictor,
  { maxBatch, maxDelay, maxQueue }: ServeSettings,
  onBatch: (inputs: number, seconds: number) => void,
): Gatherer<unknown, unknown> =>
  new Gatherer({
    predict: (inputs) => (task.predictBatch === undefined ? task.predict(inputs) : task.predictBatch(inputs)),
    maxBatch,
    maxDelay,
    maxQueue,
    onBatch,
  });
