import { expect, onTestFinished, test, vi } from 'vitest';
import { OptionError, ShapeError } from 'stmnet';
import { connected, echo, HeldTask, metric, metricIs, post, started } from '../support/serving';

test('one input, and several', async () => {
  const server = await started(echo);
  const one = await post(server, '/predict', { input: 'a text' });
  expect(one).toMatchObject({ status: 200, body: { prediction: { is: 'a text' } } });
  expect(one.headers.get('content-type')).toBe('application/json');
  const several = await post(server, '/predict', { inputs: [['a', 'b'], { c: 1 }, null, 0] });
  expect(several.body).toEqual({ predictions: [{ is: ['a', 'b'] }, { is: { c: 1 } }, { is: null }, { is: 0 }] });
});

test('typed arrays are arrays in JSON', async () => {
  const predict = (inputs: readonly unknown[]) =>
    Promise.resolve(inputs.map(() => ({ scores: Float32Array.of(0.5, 2) })));
  const server = await started({ predict });
  expect((await post(server, '/predict', { input: 1 })).body).toEqual({ prediction: { scores: [0.5, 2] } });
});

test('requests of several clients are computed at once, and each gets its own answer', async () => {
  const task = new HeldTask();
  const server = await started(task, { maxBatch: 8 });
  const first = post(server, '/predict', { input: 'first' });
  const held = await task.call(0);
  const others = Array.from({ length: 7 }, (_, i) => post(server, '/predict', { inputs: [`a${i}`] }));
  await metricIs(server, 'stmnet_queue_inputs', 7);
  held.answer();
  const batch = await task.call(1);
  batch.answer();
  expect(new Set(batch.inputs)).toEqual(new Set(Array.from({ length: 7 }, (_, i) => `a${i}`)));
  expect((await first).body).toEqual({ prediction: 'first' });
  expect((await Promise.all(others)).map(({ body }) => body)).toEqual(
    Array.from({ length: 7 }, (_, i) => ({ predictions: [`a${i}`] })),
  );
});

const refusing = (inputs: readonly unknown[]) => {
  if (inputs.includes('bad'))
    throw new OptionError('Task.predict', { given: '"bad"', expected: 'good', fix: 'mend it' });
  return Promise.resolve(inputs);
};

test('an input that the task refuses fails its own request alone', async () => {
  const held = new HeldTask();
  const server = await started({ predict: (inputs) => held.predict(inputs).then(refusing) });
  const first = post(server, '/predict', { input: 'first' });
  const call = await held.call(0);
  const requests = [{ input: 'good' }, { input: 'bad' }, { inputs: ['fine', 'bad'] }, { inputs: ['fine'] }];
  const answers = requests.map((request) => post(server, '/predict', request));
  await metricIs(server, 'stmnet_queue_inputs', 5);
  const answerAll = async (): Promise<void> => {
    for (let next = 1; ; next += 1) (await held.call(next)).answer();
  };
  void answerAll();
  call.answer();
  expect((await first).status).toBe(200);
  const told = await Promise.all(answers);
  expect(told.map(({ status }) => status)).toEqual([200, 422, 422, 200]);
  expect(told[1]?.body).toEqual({
    error: {
      status: 422,
      code: 'ERR_STM_OPTION',
      message: 'Task.predict: got "bad", expected good.\n  Fix: mend it.',
    },
  });
  expect(told[2]?.body.error.message).toMatch(/mend it\.\n {2}It came up in inputs\[1\]\.$/);
});

test.each([
  [[1], 'got the body [1], expected an object.\n  Fix: send {"input": …} for one, {"inputs": [ … ]} for several.'],
  [{ inputs: [] }, 'got 0 inputs, expected an array of 1 to 3.\n  Fix: send {"inputs": [ … ]}.'],
  [
    { inputs: [1, 2, 3, 4] },
    'got 4 inputs, expected an array of 1 to 3.\n  Fix: send them in several requests, or have',
  ],
  [{ inputs: 'a text' }, 'got "inputs": "a text", expected an array of 1 to 3'],
  [{}, 'got an empty body, {}, expected one of "input" and "inputs", and nothing else'],
  [{ input: 1, inputs: [1] }, 'got a body with "input" and "inputs", expected one of'],
  [
    { text: 'a' },
    'got a body with "text", expected one of "input" and "inputs", and nothing else.\n  Fix: send {"input"',
  ],
  [{ input: 1, label: 2 }, 'got a body with "input" and "label", expected one of'],
  [
    { input: 'abcdef' },
    'got input with a text of 6, expected 5 characters or elements at most.\n' +
      '  Fix: send a shorter one, or have whoever runs the server raise its maxLength.',
  ],
  [{ inputs: ['a', { deep: [[1, 2, 3, 4, 5, 6]] }] }, 'got inputs[1] with an array of 6'],
])('the request %j is refused as 422', async (body, message) => {
  const server = await started(echo, { maxInputs: 3, maxLength: 5 });
  const { status, body: told } = await post(server, '/predict', body);
  expect(status).toBe(422);
  expect(told.error.message).toContain(message);
});

test('an input at fault is refused by its place before it waits, and the task says why', async () => {
  const task = {
    ...echo,
    inputFault: (input: unknown) =>
      input === 'bad' ? { given: '"bad"', expected: 'good', fix: 'send {"input": "good"}' } : undefined,
  };
  const server = await started(task);
  expect((await post(server, '/predict', { input: 'bad' })).body.error).toEqual({
    status: 422,
    code: 'ERR_STM_REQUEST',
    message: 'POST /predict: input: got "bad", expected good.\n  Fix: send {"input": "good"}.',
  });
  const { body } = await post(server, '/predict', { inputs: ['fine', 'bad'] });
  expect(body.error.message).toContain('POST /predict: inputs[1]: got "bad"');
  expect((await post(server, '/predict', { input: 'fine' })).status).toBe(200);
  expect(await metric(server, 'stmnet_batch_inputs_count')).toBe(1);
});

test('an input may be as deep as the body lets it', async () => {
  const server = await started({ predict: () => Promise.resolve([1]) });
  const deep = `{"input":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  expect((await post(server, '/predict', deep)).body).toEqual({ prediction: 1 });
});

test('a full queue is answered 503, and when to come again', async () => {
  const task = new HeldTask();
  const server = await started(task, { maxQueue: 2 });
  const first = post(server, '/predict', { input: 1 });
  const call = await task.call(0);
  const waiting = post(server, '/predict', { inputs: [2, 3] });
  await metricIs(server, 'stmnet_queue_inputs', 2);
  const { status, headers, body } = await post(server, '/predict', { input: 4 });
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(body.error.message).toContain('got a full queue');
  call.answer();
  (await task.call(1)).answer();
  expect((await first).body).toEqual({ prediction: 1 });
  expect((await waiting).body).toEqual({ predictions: [2, 3] });
});

test('a batch that takes longer than anybody waits is told by /healthz, until it answers', async () => {
  const now = performance.now.bind(performance);
  let later = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + later);
  onTestFinished(() => clock.mockRestore());
  const task = new HeldTask();
  const server = await started(task, { timeout: 3_600_000, onError: () => undefined });
  const health = async (): Promise<unknown[]> => {
    const answer = await fetch(`${server.url}/healthz`);
    return [answer.status, await answer.json()];
  };
  const first = post(server, '/predict', { input: 1 });
  const call = await task.call(0);
  expect(await health()).toEqual([200, { status: 'ok' }]);
  later = 3_600_000;
  expect(await metric(server, 'stmnet_batch_seconds')).toBeGreaterThan(3600);
  expect(await health()).toEqual([503, { status: 'stuck' }]);
  call.answer();
  expect((await first).status).toBe(200);
  expect(await health()).toEqual([200, { status: 'ok' }]);
  expect(await metric(server, 'stmnet_batch_seconds')).toBe(0);
  const last = post(server, '/predict', { input: 2 });
  (await task.call(1)).fail(new Error('broken'));
  expect((await last).status).toBe(500);
  expect(await health()).toEqual([200, { status: 'ok' }]);
});

test('an answer that takes too long is a 504, and what waited is dropped', async () => {
  const task = new HeldTask();
  const server = await started(task, { timeout: 50, maxDelay: 0 });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }); // the 50 ms pass when the test says so
  onTestFinished(() => void vi.useRealTimers());
  const answers = [post(server, '/predict', { input: 1 })];
  const call = await task.call(0);
  answers.push(post(server, '/predict', { input: 2 }));
  while ((await metric(server, 'stmnet_queue_inputs')) !== 1);
  vi.advanceTimersByTime(50);
  for (const { status, body } of await Promise.all(answers)) {
    expect(status).toBe(504);
    expect(body.error.message).toContain('within 50 ms');
  }
  expect(await metric(server, 'stmnet_queue_inputs')).toBe(0);
  call.answer();
  const last = post(server, '/predict', { input: 3 });
  const next = await task.call(1);
  expect(next.inputs).toEqual([3]);
  next.answer();
  expect((await last).body).toEqual({ prediction: 3 });
});

test('what an aborted client asked for is not computed', async () => {
  const task = new HeldTask();
  const server = await started(task);
  const first = post(server, '/predict', { input: 1 });
  const call = await task.call(0);
  const client = new AbortController();
  const aborted = post(server, '/predict', { input: 2 }, { signal: client.signal });
  await metricIs(server, 'stmnet_queue_inputs', 1);
  client.abort();
  await expect(aborted).rejects.toThrow('abort');
  await metricIs(server, 'stmnet_queue_inputs', 0);
  call.answer();
  expect((await first).status).toBe(200);
  const last = post(server, '/predict', { input: 3 });
  const next = await task.call(1);
  expect(next.inputs).toEqual([3]);
  next.answer();
  await last;
  const name = 'stmnet_http_requests_total{route="/predict",status="499"}';
  expect(await metric(server, name)).toBe(1);
});

test('a connection that is cut within a body harms nobody', async () => {
  const errors: unknown[] = [];
  const server = await started(echo, { onError: (error) => errors.push(error) });
  const socket = await connected(server);
  socket.write(
    'POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"inp',
  );
  await metricIs(server, 'stmnet_http_requests_in_progress', 2);
  socket.destroy();
  const name = 'stmnet_http_requests_total{route="/predict",status="499"}';
  await metricIs(server, name, 1);
  expect((await post(server, '/predict', { input: 1 })).status).toBe(200);
  expect(errors).toEqual([]);
});

test.each([
  ['an error', new TypeError('a secret')],
  ['what is no error', 'a secret'],
])('%s of the task is a 500 that does not tell it', async (_, error) => {
  const errors: unknown[] = [];
  const server = await started({ predict: () => Promise.reject(error) }, { onError: (told) => errors.push(told) });
  const { status, body } = await post(server, '/predict', { input: 1 });
  expect(status).toBe(500);
  expect(body.error.message).toBe(
    'POST /predict: got an error of the task, expected an answer.\n' +
      '  Fix: look into the log of the server, which says more.',
  );
  expect(errors).toEqual([error]);
});

test('a shape that does not fit is the client’s mistake', async () => {
  const error = new ShapeError('LSTM.forward', 'LSTM.forward: got f32[1, 2].');
  const server = await started({ predict: () => Promise.reject(error) });
  expect((await post(server, '/predict', { input: 1 })).body.error).toEqual({
    status: 422,
    code: 'ERR_STM_SHAPE',
    message: 'LSTM.forward: got f32[1, 2].',
  });
});
