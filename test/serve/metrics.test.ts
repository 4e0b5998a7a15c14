import { expect, test } from 'vitest';
import { echo, HeldTask, post, started } from '../support/serving';

/** The text format of Prometheus, line by line: a comment with the name's help or type, or a sample. */
const comment = /^# (HELP [a-z_]+ .+|TYPE [a-z_]+ (counter|gauge|histogram))$/;
const sample = /^([a-z_]+)(\{[a-z]+="[^"\\\n]*"(,[a-z]+="[^"\\\n]*")*\})? (\d+(\.\d+)?(e-?\d+)?|\+Inf|NaN)$/;

test('the metrics are in the text format of Prometheus', async () => {
  const server = await started(echo, { maxBatch: 2 });
  await post(server, '/predict', { inputs: [1, 2, 3] });
  await post(server, '/predict', { imput: 1 });
  await fetch(`${server.url}/no-such-path-"\\`);
  const response = await fetch(`${server.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  expect(lines.filter((line) => !comment.test(line) && !sample.test(line))).toEqual([]);
  const of = (name: string) => lines.filter((line) => line.startsWith(name));
  expect(of('stmnet_http_requests_total')).toEqual([
    'stmnet_http_requests_total{route="/predict",status="200"} 1',
    'stmnet_http_requests_total{route="/predict",status="422"} 1',
    'stmnet_http_requests_total{route="other",status="404"} 1',
  ]);
  expect(of('stmnet_http_request_duration_seconds_count')).toEqual([
    'stmnet_http_request_duration_seconds_count{route="/predict"} 2',
    'stmnet_http_request_duration_seconds_count{route="other"} 1',
  ]);
  expect(of('stmnet_batch_inputs_bucket').slice(0, 3)).toEqual([
    'stmnet_batch_inputs_bucket{le="1"} 1',
    'stmnet_batch_inputs_bucket{le="2"} 2',
    'stmnet_batch_inputs_bucket{le="4"} 2',
  ]);
  expect(of('stmnet_batch_inputs_sum')).toEqual(['stmnet_batch_inputs_sum 3']);
  expect(of('stmnet_batch_duration_seconds_count')).toEqual(['stmnet_batch_duration_seconds_count 2']);
  expect(of('stmnet_http_requests_in_progress')).toEqual(['stmnet_http_requests_in_progress 1']);
  for (const name of ['stmnet_queue_inputs', 'stmnet_streams']) expect(of(name)).toEqual([`${name} 0`]);
  const bytes = of('process_resident_memory_bytes').map((line) => Number(line.split(' ')[1]));
  expect(bytes[0]).toBeGreaterThan(2 ** 20);
});

test('two servers of a process count apart', async () => {
  const [one, two] = [await started(echo), await started(new HeldTask())];
  await post(one, '/predict', { input: 1 });
  const texts = await Promise.all([one, two].map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  expect(texts.map((text) => text.includes('route="/predict"'))).toEqual([true, false]);
});
