import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Tensor, loadCheckpoint, loadSafetensors, noGrad, tensor } from 'stmnet';
import { differences } from '../support/near';

/** What a script printed, an array of arguments a call. */
let printed: unknown[][] = [];
let folder = '';
const home = process.cwd();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stmnet-guide-'));
  process.chdir(folder);
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void printed.push(values));
});

afterEach(() => {
  vi.restoreAllMocks();
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

test('the first ten minutes', { timeout: 180_000 }, async () => {
  const { accuracy, history, loss } = await import('./scripts/first-ten-minutes');
  expect(accuracy).toBeGreaterThan(0.9);
  expect(loss).toBeLessThan(0.5);
  expect(history).toBeDefined();
  expect(printed.at(-2)).toEqual([Int32Array.of(0)]);
  const [probabilities] = printed.at(-1) as [Float32Array];
  expect(probabilities).toHaveLength(9);
  expect(probabilities[0]).toBeGreaterThan(0.9);
  expect(probabilities.reduce((sum, probability) => sum + probability)).toBeCloseTo(1, 5);
  expect(statSync('speakers.safetensors').size).toBeGreaterThan(100_000);
});

test('other cells', async () => {
  const { gru, lstm, output, state } = await import('./scripts/cells');
  expect(output.shape).toEqual([8, 50, 32]);
  expect(state.h.shape).toEqual([8, 16]);
  state.h.square().sum().backward();
  for (const [name, { grad }] of [...lstm.namedParameters(), ...gru.namedParameters()])
    expect(Math.max(...((await grad?.abs().data()) ?? [])), name).toBeGreaterThan(0);
});

test('a model of one’s own, a loop of one’s own', async () => {
  await import('./scripts/own-model');
  const [[loss], [names]] = [printed[0] ?? [], printed.at(-1) ?? []];
  expect(Number(loss)).toBeLessThan(Math.log(17));
  expect(names).toContain('lstm.weight_ih_l0_reverse f32[512, 100] on cpu');
  expect(names).toHaveLength(1 + 16 + 2);
  expect(printed.flat().join('\n')).toContain('hidden2tag  Linear     [N, T, 17]         4,369');
});

test('batches of any form', async () => {
  const { history, loss, words } = await import('./scripts/any-batches');
  expect(loss).toBeLessThan(0.7);
  expect(words).toBeGreaterThan(0.7);
  const losses = history.train('loss');
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 3);
});

test('metrics', async () => {
  const { charErrorRate, history } = await import('./scripts/metrics');
  expect(history.validation('f1').at(-1)).toBeGreaterThan(0.8);
  expect(history.validation('f1.faulty')).toEqual(history.validation('f1'));
  expect(history.validation('auroc').at(-1)).toBeGreaterThan(0.9);
  expect(history.validation('medianMargin').at(-1)).toBeGreaterThan(history.validation('medianMargin')[0] ?? 0);
  expect(printed.map(([first]) => first)).toEqual([
    history.validation('f1').at(-1),
    expect.stringMatching(/precision .*recall .*f1 .*support\nsound/),
    expect.stringMatching(/sound .*faulty\nsound/),
    expect.closeTo(100 * (5 / 6) ** 0.25, 10),
  ]);
  expect([0, 1 / 3, 2 / 3, 1]).toContain(charErrorRate);
});

test('data from files', async () => {
  const { houses, messages, pairs, reviews, sampleRate, samples, sentences } = await import('./scripts/data-files');
  expect(printed).toEqual([['spam.tsv:2 is spam']]);
  expect(messages[0]).toEqual({ label: 'ham', text: '"Ok" is all he said' });
  expect(houses).toEqual([
    { rooms: 3, price: 250.5, town: 'Bath, Somerset' },
    { rooms: null, price: 99, town: 'York' },
  ]);
  expect(reviews.map(({ stars }) => stars)).toEqual([4, 2]);
  expect(sentences).toEqual([
    { words: ['The', 'dog'], tags: ['DET', 'NOUN'] },
    { words: ['Go'], tags: ['VERB'] },
  ]);
  expect(pairs[1]).toEqual({ source: 'two', target: 'deux' });
  expect([sampleRate, ...samples]).toEqual([8000, 0, 0.5, -0.5, 32767 / 32768]);
});

test('text and tables', async () => {
  const { batch, parts, rows, saved, scores, text, vectors } = await import('./scripts/text-and-tables');
  expect([parts.train.length, parts.validation.length, parts.test.length]).toEqual([160, 20, 20]);
  expect(parts.test.map(({ label }) => label).filter((label) => label === 'spam')).toHaveLength(4);
  expect(rows[1]?.label).toBe('ham');
  expect(text.decode(text.encode('Call now!'))).toBe('call now !');
  expect([batch.shape, batch.lengths]).toEqual([
    [2, 3],
    [3, 2],
  ]);
  expect(await batch.values.array()).toEqual([[...text.encode('Call now!')], [...text.encode('See you'), 0]]);
  expect(vectors.matrix.shape).toEqual([text.vocabulary.size, 100]);
  expect(vectors.found.toSorted()).toEqual(['!', 'call', 'now', 'prize']);
  expect(scores).toMatchObject({ shape: [2, 2] });
  expect(saved.labels).toEqual(['ham', 'spam']);
  expect(saved.text.encode("Don't call!")).toEqual(text.encode("Don't call!"));
});

test('splits, batches and streams', async () => {
  const { folds, hours, loader, parts, sentence, text } = await import('./scripts/batches');
  expect(Object.values(parts).map(({ length }) => length)).toEqual([96, 12, 12]);
  expect(folds.map(({ validation }) => validation.length)).toEqual([24, 24, 24, 24, 24]);
  expect(loader.state()).toMatchObject({ epoch: 0, batches: 2 });
  expect([...loader]).toHaveLength(loader.length - 2);
  expect(printed.flat()).toEqual([...Array.from({ length: 12 }, () => 32), 16]);
  const [piece] = text;
  expect(piece?.input.shape).toEqual([4, 35]);
  expect([hours.length, hours.at(0).input.shape, hours.at(0).target.shape]).toEqual([209, [168, 2], [24]]);
  expect(sentence.characters.sequences).toHaveLength(2);
});

test('items from worker threads', async () => {
  const { history, loader, recordings } = await import('./scripts/worker-threads');
  const losses = history.train('loss');
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
  expect(loader.state()).toMatchObject({ epoch: 10, batches: 0 });
  await expect(recordings.at(0)).rejects.toThrow(/a dataset that was closed/);
  const [guide, module] = ['../../docs/guide.md', 'scripts/recordings.mjs'].map((path) =>
    readFileSync(join(__dirname, path), 'utf8'),
  );
  expect(guide).toContain(`\`\`\`js\n${module}\`\`\`\n`);
});

test('tensors', async () => {
  const { loss, stop, w, x } = await import('./scripts/tensors');
  expect(printed).toHaveLength(2);
  const [gradient, y] = [printed[0]?.[0], printed[1]?.[0]];
  expect(gradient).toEqual(await w.grad?.array());
  expect(inspect(y)).toBe('Tensor f32[2, 4] on cpu, requires grad');
  if (!(y instanceof Tensor) || w.grad === undefined) throw new Error('expected a tensor and a gradient');
  const values = Array.from(await y.data());
  expect(differences([await loss.item()], [values.reduce((sum, value) => sum + value * value, 0) / 8], 1e-6)).toEqual(
    [],
  );
  const before = noGrad(() => w.add(w.grad?.mul(0.1) ?? 0));
  expect(differences(await x.matmul(before).add(0.5).tanh().data(), values, 1e-5)).toEqual([]);
  expect(stop.requiresGrad).toBe(false);
});

test('a language model with carried state', async () => {
  const { before, decoder, embedding, state } = await import('./scripts/language-model');
  expect([state.h.shape, state.c.shape]).toEqual([
    [2, 20, 200],
    [2, 20, 200],
  ]);
  expect([state.h.requiresGrad, state.c.requiresGrad]).toEqual([false, false]);
  expect((await state.h.data()).some((value) => value !== 0)).toBe(true);
  expect(await decoder.weight.data()).not.toEqual(before);
  expect(embedding.weight.grad).toBeUndefined();
});

test('a language model as a task', async () => {
  const { bitsPerCharacter, next, perplexity, tokens, written } = await import('./scripts/language-task');
  expect(next).toEqual({ token: 'E', probability: expect.closeTo(1, 1) });
  expect(Math.log2(perplexity)).toBeCloseTo(bitsPerCharacter, 5);
  expect(bitsPerCharacter).toBeLessThan(0.5);
  expect(written).toHaveLength(400);
  expect(written).toContain(' what light through yonder window');
  expect(tokens.slice(1, -1).every((token) => token !== 4)).toBe(true);
  expect(tokens.length === 60 || tokens.at(-1) === 4).toBe(true);
  expect(readdirSync('.').sort()).toEqual(['run', 'shakespeare.safetensors']);
});

test('searching and sampling with any model', async () => {
  const script = await import('./scripts/decoding');
  const backwards = [
    [8, 7],
    [8, 5, 4],
    [0, 5, 2, 1],
  ];
  expect(script.written).toEqual(backwards);
  expect(script.best.map((list) => list.length)).toEqual([3, 3, 3]);
  expect(script.greedy.map(({ tokens }) => tokens)).toEqual(backwards);
  expect(script.best[0]?.[0]).toMatchObject({ tokens: [8, 7], finished: true });
  expect(script.printed.join('')).toBe(' 8 7');
  expect(script.labels).toEqual([[2]]);
  expect(script.heard.map(([hypothesis]) => hypothesis?.tokens)).toEqual([[1, 2]]);
});

test('tags of words as a task', async () => {
  const { accuracy, again, entities, entityF1, labelAccuracy, said } = await import('./scripts/tagging');
  expect({ accuracy, entityF1, labelAccuracy }).toEqual({ accuracy: 1, entityF1: 1, labelAccuracy: 1 });
  expect(entities).toEqual({ city: { precision: 1, recall: 1, f1: 1, support: 16 } });
  expect(said).toEqual({
    tokens: ['stay', 'in', 'New', 'York'],
    tags: ['O', 'O', 'B-city', 'I-city'],
    entities: [{ type: 'city', start: 2, end: 4, text: 'New York' }],
    label: 'hotel',
    probability: said.probability,
  });
  expect(said.probability).toBeGreaterThan(0.7);
  expect(await again.predict(['fly', 'to', 'Oslo'])).toMatchObject({ tags: ['O', 'O', 'B-city'], label: 'travel' });
});

test('will it happen?', { timeout: 120_000 }, async () => {
  const { answers, auroc, baselines, calibration, probability } = await import('./scripts/events-task');
  expect(auroc).toBeGreaterThan(0.7);
  expect(printed).toEqual([[auroc, baselines[0]?.figures.auroc]]);
  expect(answers).toHaveLength(400);
  expect(answers[16]).toEqual({ customer: expect.stringMatching(/^c\d+$/), probability: expect.any(Number) });
  expect(calibration).toHaveLength(10);
  expect(probability > 0 && probability < 1).toBe(true);
  expect(readdirSync('.').sort()).toEqual(['purchases.csv', 'purchases.safetensors', 'run']);
});

test('pooling, initialisation, class weights, a brake', async () => {
  const { lstm, trainer } = await import('./scripts/choices');
  expect(trainer.steps).toBe(30);
  expect(printed.map(([step]) => step)).toEqual([10, 20, 30]);
  expect(printed.every(([, loss]) => Number.isFinite(loss))).toBe(true);
  expect(lstm.options.bidirectional).toBe(true);
});

test('in production', async () => {
  const { model, replies, socket } = await import('./scripts/production');
  const frames = [[1, 2, 3], [0, -1, 1], [2, 0, 0]]; // prettier-ignore
  for (const frame of frames) socket.emit('frame', frame);
  await vi.waitFor(() => expect(replies).toHaveLength(3));
  const whole = await (model.eval().forward(tensor([frames])) as Tensor).data();
  expect(replies.map(({ shape }) => shape)).toEqual([[2], [2], [2]]);
  const told = replies.flatMap(({ data }) => Array.from(data));
  expect(differences(told, whole, 1e-5)).toEqual([]);
});

test('weights from elsewhere, and to elsewhere', async () => {
  copyFileSync(join(__dirname, 'fixtures', 'from-pytorch.safetensors'), 'from-pytorch.safetensors');
  const { model, partial } = await import('./scripts/weights');
  const saved = await loadSafetensors('weights.safetensors');
  expect(Object.keys(saved)).toEqual(Object.keys(model.stateDict()));
  expect(await saved['fc.bias']?.array()).toEqual([1, 2]);
  expect(model.loadStateDict(partial, { strict: false })).toEqual({
    missing: Object.keys(saved).filter((name) => name !== 'fc.bias'),
    unexpected: ['head.bias'],
  });
  expect(() => model.loadStateDict(partial)).toThrow('with unexpected head.bias');

  model.loadStateDict(await loadSafetensors('from-pytorch.safetensors'));
  const input = tensor({ data: Float32Array.from({ length: 12 }, (_, i) => i / 10), shape: [1, 4, 3] });
  expect(
    differences(
      await model.forward(input).data(),
      [0.069701, -0.248655, 0.07199, -0.229585, 0.069086, -0.201455, 0.063871, -0.171635],
      1e-5,
    ),
  ).toEqual([]);
});

test('checkpoints and resuming', async () => {
  const { history, model, path, trainer } = await import('./scripts/checkpoints');
  const epochs = history.epochs.length;
  expect(trainer.steps).toBe(history.epochs.reduce((steps, { examples }) => steps + examples / 8, 0));
  const files = readdirSync('run/checkpoints').sort();
  expect(files).toEqual([
    'best.safetensors',
    ...[epochs - 1, epochs].map(
      (epoch) => `step-${String((epoch * trainer.steps) / epochs).padStart(9, '0')}.safetensors`,
    ),
  ]);
  const rest = await loadCheckpoint(path, { model });
  expect(rest).toMatchObject({ epoch: 4, schedule: { steps: 4 }, loader: { batches: 0 } });
});

test('a training that one can leave alone', async () => {
  const { history, trainer, validation } = await import('./scripts/training-alone');
  const scores = history.validation('f1');
  const best = Math.max(...scores);
  expect(best).toBeGreaterThan(0.9);
  expect(scores.indexOf(best)).toBe(scores.length - 4); // three epochs without progress
  expect((await trainer.evaluate(validation)).f1).toBe(best); // the best weights are back
  const rows = readFileSync('run/history.csv', 'utf8').trim().split('\n');
  expect(rows[0]).toMatch(/^epoch,step,train\.loss,train\.f1,validation\.loss,validation\.f1,learningRate,/u);
  expect(rows).toHaveLength(1 + history.epochs.length);
  expect(readdirSync('run').some((name) => name.startsWith('events.out.tfevents.'))).toBe(true);
  expect(history.epochs.every(({ gradients }) => gradients?.steps['0']?.length !== undefined)).toBe(true);
});

test('the script of the README', { timeout: 180_000 }, async () => {
  const script = readFileSync(join(__dirname, 'scripts', 'readme.ts'), 'utf8');
  expect(readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8')).toContain(`\`\`\`js\n${script}\`\`\`\n`);
  await import('./scripts/readme');
  const [accuracy, speakers, probabilities] = printed.slice(-3).map(([, value]) => value);
  expect(Number(accuracy)).toBeGreaterThan(0.9);
  expect(speakers).toEqual(Int32Array.of(0, 8));
  const [first = 0, second = 0] = [0, 9].map((begin) =>
    (probabilities as Float32Array).subarray(begin, begin + 9).reduce((sum, probability) => sum + probability),
  );
  expect([first, second]).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5)]);
});

test.each([
  'first-ten-minutes',
  'own-model',
  'tensors',
  'any-batches',
  'metrics',
  'data-files',
  'text-and-tables',
  'batches',
  'worker-threads',
  'language-model',
  'language-task',
  'decoding',
  'cells',
  'tagging',
  'events-task',
  'production',
  'choices',
  'weights',
  'training-alone',
  'checkpoints',
  'gpu',
])('docs/guide.md shows %s as it is run here', (name) => {
  const root = join(__dirname, '..', '..');
  const script = readFileSync(join(root, 'test', 'guide', 'scripts', `${name}.ts`), 'utf8');
  const [, shown = script] = script.split('// ---- as in the guide\n');
  const body = (shown.split('\n// ---- what the test looks at')[0] ?? '')
    .replace(/\nexport \{[^}]*\};\n?$/, '\n')
    .trim();
  expect(readFileSync(join(root, 'docs', 'guide.md'), 'utf8')).toContain(body);
});
