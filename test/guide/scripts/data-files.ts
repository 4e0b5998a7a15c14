import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Four samples, 16 bits, 8 kHz. */
const wav = Buffer.from(
  '524946462c00000057415645666d74201000000001000100401f0000803e0000020010006461746108000000',
  'hex',
);
mkdirSync('speech');
writeFileSync('speech/zero.wav', Buffer.concat([wav, Buffer.from('0000004000c0ff7f', 'hex')]));
writeFileSync('spam.tsv', 'ham\t"Ok" is all he said\nspam\tCall now!\nham\tHome by 7\n');
writeFileSync('houses.csv.gz', gzipSync('rooms,price,town\r\n3,250.5,"Bath, Somerset"\r\nNA,99,York\r\n'));
writeFileSync('reviews.jsonl', '{"text":"fine","stars":4}\n{"text":"dull","stars":2}\n');
writeFileSync('train.tsv', 'The\tDET\ndog\tNOUN\n\nGo\tVERB\n');
writeFileSync('train.en', 'one\ntwo\n');
writeFileSync('train.fr', 'un\ndeux\n');

// ---- as in the guide
import { readConll, readJsonLines, readParallel, readTable, readWav, streamTable } from 'stmnet';

const messages = await readTable('spam.tsv', { header: false, columns: ['label', 'text'] }); // { label, text }[]
const houses = await readTable('houses.csv.gz', {
  types: { rooms: 'integer', price: 'number' }, // other columns hold text
  missing: ['NA'], // becomes null
});
const reviews = await readJsonLines<{ text: string; stars: number }>('reviews.jsonl', { fields: ['text', 'stars'] });
const sentences = await readConll('train.tsv', { columns: ['words', 'tags'] }); // { words: string[], tags: string[] }[]
const pairs = await readParallel({ source: 'train.en', target: 'train.fr' }); // { source, target }[], line by line
const { samples, sampleRate } = await readWav('speech/zero.wav'); // Float32Array, mixed to one channel

const table = streamTable('spam.tsv', { header: false, columns: ['label', 'text'] }); // for files larger than memory
for await (const { record, file, line } of table.withPlaces())
  if (record.text.endsWith('!')) console.log(`${file}:${line} is ${record.label}`);

export { houses, messages, pairs, reviews, sampleRate, samples, sentences };
