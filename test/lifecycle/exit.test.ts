import { expect, test } from 'vitest';
import { runChild } from '../support/child';

const clean = { signal: null, stderr: '' };

test('natural exit does not wait for work that nobody awaits', () => {
  const child = runChild('queue(20);'); // 20 s of work
  expect(child).toMatchObject({ ...clean, code: 0, stdout: '' });
  expect(child.ms).toBeLessThan(10_000);
});

test('a pending read keeps the process alive until it settles', () => {
  expect(runChild('slow(one(), 300).item().then((value) => console.log("read", value));')).toMatchObject({
    ...clean,
    code: 0,
    stdout: 'read 1\n',
  });
});

test('a pending fence keeps the process alive until it settles', () => {
  expect(runChild('slow(one(), 300); stm.synchronize().then(() => console.log("done"));')).toMatchObject({
    ...clean,
    code: 0,
    stdout: 'done\n',
  });
});

test('a settled read does not keep the process alive', () => {
  const child = runChild('(async () => { await one().item(); console.log("read"); queue(20); })();');
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'read\n' });
  expect(child.ms).toBeLessThan(10_000);
});

test('process.exit drops the queue and pending reads', () => {
  const child = runChild(`
    queue(20).data().then(() => console.log("never"), () => console.log("nor this"));
    setTimeout(() => process.exit(7), 50);`);
  expect(child).toMatchObject({ ...clean, code: 7, stdout: '' });
  expect(child.ms).toBeLessThan(10_000);
});

test.each([
  ['process.exit(7)', 7],
  ['throw new Error("mine")', 1],
])('the executor stops before static destructors run: %s', (end, code) => {
  // Node skips cleanup hooks here; without the 'exit' event the executor would run into what the destructors have
  // destroyed.
  const child = runChild(`
    let x = stm.full([64, 64], 0.01);
    for (let i = 0; i < 20_000; i++) x = x.matmul(x).tanh();
    x.data();
    setTimeout(() => { ${end} }, 30);`);
  expect(child).toMatchObject({
    signal: null,
    code,
    stderr: code === 7 ? '' : (expect.stringContaining('mine') as string),
  });
});

test('an uncaught error mid-queue exits with its own code and message', () => {
  const child = runChild('queue(20).data(); setTimeout(() => { throw new Error("mine"); }, 50);');
  expect(child).toMatchObject({ code: 1, signal: null });
  expect(child.stderr).toContain('Error: mine');
});

test('an unhandled rejection of a read exits with 1 and names the op', () => {
  const child = runChild('fail(one()).data(); queue(20);');
  expect(child).toMatchObject({ code: 1, signal: null, stdout: '' });
  expect(child.stderr).toMatch(/NativeError.*fail: .*asked to fail/);
});

test('SIGTERM ends the process', () => {
  const child = runChild('queue(20).data(); setTimeout(() => process.kill(process.pid, "SIGTERM"), 50);');
  expect(child).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' });
});

test('an op after the exit event does nothing and does not crash', () => {
  const child = runChild(
    'process.on("exit", () => { slow(one(), 10); one().add(one()).data(); process.exitCode = 5; });',
  );
  expect(child).toMatchObject({ ...clean, code: 5 });
});
