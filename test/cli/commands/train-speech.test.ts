import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stmnet } from '../../support/cli';
import { recordings, whistled, writeWav } from '../../support/recordings';
import { scratchFolder } from '../../support/scratch';

let folder = '';
scratchFolder('cli-speech', (made) => (folder = made));

/** Writes recordings and a list of them. @returns the path of the list */
function writeList(): string {
  mkdirSync(join(folder, 'wav'), { recursive: true });
  const rows = recordings.map((one, at) => {
    if (!('samples' in one)) return '';
    writeWav(join(folder, 'wav', `${at}.wav`), Float32Array.from(one.samples));
    return `wav/${at}.wav,${one.transcript}\n`;
  });
  const list = join(folder, 'list.csv');
  writeFileSync(list, `path,text\n${rows.join('')}`);
  return list;
}

test('trains on WAV files, and evaluates, predicts and inspects what it has learned', () => {
  const [data, output] = [writeList(), join(folder, 'run')];
  const size = ['--hidden-size', '24', '--num-mels', '12', '--dropout', '0', '--no-augment'];
  const quick = ['--epochs', '30', '--batch-size', '8', '--learning-rate', '0.02'];
  const trained = stmnet(['train', 'speech', '--data', data, ...size, ...quick, '--output', output]);
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stderr).toContain('65 examples of ');
  expect(trained.stderr).toContain(`  stmnet predict ${output} FILE.wav `);
  expect(readFileSync(join(output, 'report.html'), 'utf8')).toContain('Char error rate');

  const measured = stmnet(['evaluate', output, '--data', data]);
  expect(measured).toMatchObject({ code: 0 });
  expect(measured.stdout).toMatch(
    /^loss +0\.\d+\nchar error rate +0\.0\d+\nword error rate +0\.\d+\nexact match +\d\.\d+\n$/,
  );

  const file = join(folder, 'new.wav');
  writeWav(file, whistled('cab').samples, { channels: 2 });
  const { stdout } = stmnet(['predict', output, file]);
  expect(stdout).toMatch(/^cab\t0\.\d{4}\t.*new\.wav\n$/);
  const piped = stmnet(['predict', output, '-', '--json'], {}, { input: `${file}\n` });
  expect(JSON.parse(piped.stdout)).toMatchObject({ text: 'cab', input: file });

  const inspected = stmnet(['inspect', output]);
  expect(inspected).toMatchObject({ code: 0 });
  expect(inspected.stdout).toMatch(/task +speech \(SpeechRecognizer\)/i);

  writeWav(file, whistled('cab').samples, { rate: 16_000 });
  const other = stmnet(['predict', output, file]);
  expect(other.code).toBe(1);
  expect(other.stderr).toContain('16000, expected 8000, as in all of training.\n  Fix: convert them, as by ffmpeg');
});

test('the examples of its help read what it reads', () => {
  const { stdout } = stmnet(['train', 'speech', '--help']);
  expect(stdout.match(/\$ stmnet train speech --data recordings\.csv /g)).toHaveLength(2);
});
