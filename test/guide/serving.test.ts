// docs/serving.md is run as it is written: its script, and the commands that ask it.
import { spawn, spawnSync, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noGrad, pad } from 'stmnet';
import { TextClassifier } from 'stmnet/tasks';
import { echo, started } from '../support/serving';

const root = join(__dirname, '..', '..');
const guide = readFileSync(join(root, 'docs', 'serving.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...guide.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, name, text = '']) => (name === language ? [text] : []));
const [asking = '', generating = '', withToken = ''] = blocks('sh');

/** What the shell prints for commands of the guide, sent to `url`. */
async function shell(commands: string, url: string, env: Record<string, string> = {}): Promise<string> {
  const text = commands.replaceAll('http://127.0.0.1:8080', url);
  const { stdout } = await promisify(execFile)('sh', ['-ec', text], { env: { ...process.env, ...env } });
  return stdout;
}

const curl = spawnSync('curl', ['--version']).status === 0;

describe.skipIf(!curl)('docs/serving.md, where curl is', () => {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stmnet-serving-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules', 'stmnet'));
    const classifier = new TextClassifier({ hiddenSize: 8, embeddingDim: 8, minFrequency: 1 });
    const texts = ['claim your prize now', 'call now for a prize', 'see you at eight', 'are you at home'];
    const examples = texts.map((text, i) => ({ text, label: i < 2 ? 'spam' : 'ham' }));
    await classifier.fit(examples, { epochs: 60, progress: false, seed: 1 });
    await classifier.save(join(folder, 'spam.safetensors'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the script serves, answers the commands, and ends on SIGTERM', async () => {
    const [script = ''] = blocks('js');
    writeFileSync(join(folder, 'server.mjs'), script.replace('port: 8080', 'port: 0'));
    const server = spawn(process.execPath, ['server.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const line = String((await lines.next()).value);
    expect(line).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/);
    const printed = await shell(asking, line.replace('listening on ', ''));
    const [one, several, health, ...metrics] = printed.split(/(?<=\})(?=[{#])|\n/);
    expect(JSON.parse(one ?? '')).toMatchObject({ prediction: { label: 'spam', probability: expect.any(Number) } });
    expect(JSON.parse(several ?? '')).toMatchObject({ predictions: [{ label: 'ham' }, { label: 'spam' }] });
    expect(health).toBe('{"status":"ok"}');
    expect(metrics).toContain('stmnet_http_requests_total{route="/predict",status="200"} 2');
    server.kill('SIGTERM');
    expect(await once(server, 'exit')).toEqual([0, null]);
  });

  test('a generated text comes as the events that are shown', async () => {
    const generate = async function* (): AsyncGenerator<string> {
      yield '\n';
      yield 'My ';
    };
    const server = await started({ generate });
    const events = /^```\n(data:[^]*?)^```$/m.exec(guide)?.[1];
    expect((await shell(generating, server.url)).trim()).toBe(events?.trim());
  });

  test('the command with a token enters', async () => {
    const server = await started(echo, { token: 's3cret' });
    expect(await shell(withToken, server.url, { STMNET_TOKEN: 's3cret' })).toBe('{"prediction":{"is":"a text"}}');
    expect(await shell(withToken, server.url, { STMNET_TOKEN: 'other' })).toContain('"status":401');
  });
});

test('a model of one’s own', async () => {
  const { server, model } = await import('./scripts/serving');
  const response = await fetch(`${server.url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"inputs":[[[1,2]],[[0,1],[1,0]]]}',
  });
  const inputs = pad([[[1, 2]], [[0, 1], [1, 0]]]); // prettier-ignore
  const classes = await noGrad(() => model.forward(inputs).argmax(-1)).data();
  expect(await response.json()).toEqual({ predictions: Array.from(classes) });
  await server.stop();
  const script = readFileSync(join(__dirname, 'scripts', 'serving.ts'), 'utf8');
  const [, shown = ''] = script.split('// ---- as in the guide\n');
  expect(blocks('ts').at(-1)?.trim()).toBe(shown.split('\n// ---- what the test looks at')[0]?.trim());
});
