/**
 * Tasks over HTTP: JSON, batches gathered from the requests of all clients, server-sent events, metrics.
 *
 * @module stmnet/serve
 */
export { serve, type TaskServer } from './server';
export type { ServeOptions } from './serve-options';
export type { Predictor, Servable, TextGenerator } from './servable';
export { stopOnSignals, type StopSignal } from './stop-on-signals';
