import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { memory } from '../tensor/memory';

/** What is read when the metrics are asked for. */
export interface Levels {
  /** Requests that are not answered yet. */
  readonly requests: () => number;
  /** Inputs that wait. */
  readonly queue: () => number;
  /** Texts that are being generated. */
  readonly streams: () => number;
  /** Seconds for which the batch of now is being computed. */
  readonly batchSeconds: () => number;
}

/** What a server counts, in a registry of its own: a process may have several servers. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: 'stmnet_http_requests_total',
    help: 'Requests by route and status; 499: the client went before the answer.',
    labelNames: ['route', 'status'],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: 'stmnet_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.#registry],
  });
  readonly #batchInputs = new Histogram({
    name: 'stmnet_batch_inputs',
    help: 'Inputs that were computed at once.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [this.#registry],
  });
  readonly #batchSeconds = new Histogram({
    name: 'stmnet_batch_duration_seconds',
    help: 'Time that a batch took to compute.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.#registry],
  });

  constructor({ requests, queue, streams, batchSeconds }: Levels) {
    this.#gauge('stmnet_http_requests_in_progress', 'Requests that are not answered yet, this one included.', requests);
    this.#gauge('stmnet_queue_inputs', 'Inputs that wait to be computed.', queue);
    this.#gauge('stmnet_batch_seconds', 'Time for which the batch of now is being computed; 0: none is.', batchSeconds);
    this.#gauge('stmnet_streams', 'Texts that are being generated.', streams);
    this.#gauge('stmnet_tensor_bytes', 'Bytes that tensors hold.', () => memory().usedBytes);
    this.#gauge('process_resident_memory_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss());
  }

  /** The content type of `text()`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of it in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts a request. */
  answered(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status });
    this.#seconds.observe({ route }, seconds);
  }

  /** Counts a batch. */
  computed(inputs: number, seconds: number): void {
    this.#batchInputs.observe(inputs);
    this.#batchSeconds.observe(seconds);
  }

  #gauge(name: string, help: string, level: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect: () => gauge.set(level()) });
  }
}
