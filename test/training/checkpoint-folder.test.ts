import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { MSELoss, SGD, Trainer } from 'stmnet';
import { unit } from '../support/trainers';

const root = await mkdtemp(join(tmpdir(), 'stmnet-checkpoint-folder-'));
afterAll(() => rm(root, { recursive: true }));

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'case-'));
});

const names = async (): Promise<string[]> => (await readdir(folder)).sort();
const stepFile = (step: number): string => `step-${String(step).padStart(9, '0')}.safetensors`;

test('a damaged checkpoint is put aside, with a warning, for the one before it', async () => {
  const { model, batches } = unit(1);
  const make = (): Trainer =>
    new Trainer({ model, loss: new MSELoss(), optimizer: new SGD(model.parameters(), { learningRate: 0.01 }) });
  await make().fit(batches, { epochs: 3, progress: false, checkpoints: { folder, keep: 3 } });
  for (const step of [4, 6]) {
    const bytes = await readFile(join(folder, stepFile(step)));
    bytes[bytes.length - 3]! ^= 4;
    await writeFile(join(folder, stepFile(step)), bytes);
  }
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  const trainer = make();
  const seen: number[] = [];
  const callbacks = [{ onStart: ({ steps }: { steps: number }) => void seen.push(steps) }];
  await trainer.fit(batches, { epochs: 3, progress: false, checkpoints: { folder }, resume: true, callbacks });
  process.off('warning', note);
  expect([seen, trainer.steps]).toEqual([[2], 6]);
  expect(await names()).toEqual([4, 6].flatMap((step) => [stepFile(step), `${stepFile(step)}.damaged`]).sort());
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      `Trainer.fit: ${join(folder, stepFile(6))}, ${join(folder, stepFile(4))} are damaged (Trainer.fit: got bytes`,
    ),
  ]);
  expect(warnings[0]?.message).toContain(`the training goes on from ${join(folder, stepFile(2))}.`);
  for (const step of [4, 6]) await writeFile(join(folder, stepFile(step)), 'nothing');
  await expect(
    make().fit(batches, { epochs: 3, progress: false, checkpoints: { folder }, resume: true }),
  ).rejects.toThrow('Trainer.fit: got nothing but damaged ones (');
});
