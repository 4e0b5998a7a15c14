import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stmnet, trainDays } from '../../support/cli';
import { pageText } from '../../support/run-folder';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('cli-evaluate-robustness', (made) => (folder = made));

test('measures on changed texts, in a table and in the report of the run folder', () => {
  const run = trainDays(folder);
  const data = join(folder, 'days.tsv');
  const synonyms = join(folder, 'synonyms.txt');
  writeFileSync(synonyms, 'awful, lovely\ndull, great\ncold, happy\nbroken, warm\nsad, fine\n');
  const args = ['evaluate', run, '--data', data, '--character-rates', '0.2', '--epsilons', '0.5,100'];
  const { code, stdout, stderr } = stmnet([...args, '--synonyms', synonyms, '--word-rates', '0.2']);
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('report.html shows it as its test'),
  });
  const table = stdout.slice(stdout.indexOf('changed texts'));
  expect(table).toMatch(
    /^changed texts +strength +accuracy +F1 +other answers\nunchanged +1\.0000 +1\.0000 +0\.0000\ncharacters sw/,
  );
  expect(table).toMatch(/\nwords to synonyms +0\.2 +0\.0000 +0\.0000 +1\.0000\nvectors moved +0\.5 /);
  expect(table).toMatch(/\nvectors moved +100 +0\.0000 +0\.0000 +1\.0000\n$/);
  expect(pageText(join(run, 'report.html'))).toContain('Changed texts');
  const moved = expect.objectContaining({ change: 'adversarial', amount: 100 }) as unknown;
  expect(JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8'))).toContainEqual(
    expect.objectContaining({ part: 'test', robustness: expect.arrayContaining([moved]) as unknown }),
  );
  expect(stmnet([...args, '--word-rates', '0.2'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('got --word-rates 0.2 without --synonyms'),
  });
  const json = stmnet(['evaluate', join(run, 'model.safetensors'), '--data', data, '--no-header', '--label-column', '0',
    '--text-column', '1', '--robustness', '--json', '--quiet']); // prettier-ignore
  expect(json).toMatchObject({ code: 0, stderr: '' });
  const { robustness } = JSON.parse(json.stdout) as { robustness: { change: string }[] };
  expect(robustness.map(({ change }) => change).join()).toBe(
    'none,swap,swap,swap,drop,drop,drop,insert,insert,insert,adversarial,adversarial,adversarial,adversarial',
  );
});
