import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { OptionError, readConll, streamConll, type ConllOptions } from 'stmnet';
import { dataPath, testWithData } from '../../support/shared-data';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();
const read = (text: string | Uint8Array, options: ConllOptions = {}, name = 'tokens.txt'): Promise<object[]> =>
  readConll(file(name, text), options);
const refused = (text: string, options: ConllOptions = {}, name = 'tokens.txt'): Promise<string> =>
  refusal(readConll(file(name, text), options));

describe('sentences', () => {
  const text = '\nThe\tDET\ndog\tNOUN\n\n\n \nGo\tVERB\n';
  const expected = [
    { words: ['The', 'dog'], tags: ['DET', 'NOUN'] },
    { words: ['Go'], tags: ['VERB'] },
  ];

  test('have a list a column', async () => {
    const columns = ['words', 'tags'] as const;
    for (const contents of [text, text.trim(), text.replaceAll('\n', '\r\n'), `\uFEFF${text}`, gzipSync(text)])
      expect(await read(contents, { columns })).toEqual(expected);
    expect(await read(text)).toEqual([
      { 0: ['The', 'dog'], 1: ['DET', 'NOUN'] },
      { 0: ['Go'], 1: ['VERB'] },
    ]);
    const [first] = await readConll(file('typed.txt', text), { columns });
    const words: string[] = first?.words ?? [];
    expect(words).toEqual(['The', 'dog']);
  });

  test('may be divided by blanks, and hold blanks where tabs divide', async () => {
    const conll2003 = '-DOCSTART- -X- O\n\nEU   NNP\tB-ORG \nrejects VBZ O\n';
    expect(await read(conll2003, { columns: ['word', 'pos', 'tag'] })).toEqual([
      { word: ['-DOCSTART-'], pos: ['-X-'], tag: ['O'] },
      { word: ['EU', 'rejects'], pos: ['NNP', 'VBZ'], tag: ['B-ORG', 'O'] },
    ]);
    expect(await read('10 000\tNUM\n')).toEqual([{ 0: ['10 000'], 1: ['NUM'] }]);
    expect(await read('a\tb c\n', { delimiter: ' ' })).toEqual([{ 0: ['a'], 1: ['b'], 2: ['c'] }]);
    expect(await read('a b\tc\nd\te\n', { delimiter: '\t' })).toEqual([{ 0: ['a b', 'd'], 1: ['c', 'e'] }]);
  });

  test('hold other blanks of Unicode as tokens and within them', async () => {
    const words = ['\u4eca', '\u3000', '\u00a0\u00a0', 'x\u3000', '\ufeff', '\f'];
    expect(await read(`${words.join('\n')}\n`)).toEqual([{ 0: words }]);
    expect(await read(words.map((word) => ` ${word}  O\t`).join('\n'), { delimiter: ' ' })).toEqual([
      { 0: words, 1: words.map(() => 'O') },
    ]);
    expect(await read(words.map((word) => `${word}\tO`).join('\n \t\n'))).toHaveLength(words.length);
  });

  test('have comments only where that is said, for # is a token too', async () => {
    const tagged = '# a comment\n#\tNOUN\n1\tNUM\n';
    expect(await read('#\tNOUN\n1\tNUM\n')).toEqual([{ 0: ['#', '1'], 1: ['NOUN', 'NUM'] }]);
    expect(await refused(tagged, { columns: ['word', 'tag'] })).toContain(
      'got 3 columns in tokens.txt, line 1, expected 2: "word", "tag".\n' + "  Fix: pass comment: '#' if the line is",
    );
    expect(await read('# said\na\tX\n#\tNOUN\n\n#\n# more\nb\tY\n', { comment: '#' })).toEqual([
      { 0: ['a', '#'], 1: ['X', 'NOUN'] },
      { 0: ['b'], 1: ['Y'] },
    ]);
  });

  test('have the line of their first token', async () => {
    const lines = [];
    for await (const { line } of streamConll(file('lines.txt', text)).withPlaces()) lines.push(line);
    expect(lines).toEqual([2, 7]);
  });

  test('may be longer than what is read at once', async () => {
    const count = 100_000;
    const long = Array.from({ length: count }, (_, i) => `word${i}\tTAG\n`).join('');
    const sentences = await readConll(file('long.txt', `a\tb\n\n${long}\nc\td\n`), { columns: ['word', 'tag'] });
    expect(sentences.map(({ word }) => word.length)).toEqual([1, count, 1]);
    expect(sentences[1]?.word[count - 1]).toBe(`word${count - 1}`);
  });
});

describe('CoNLL-U', () => {
  const row = (id: string, form: string): string => `${id}\t${form}\t_\tX\t_\t_\t_\t_\t_\t_\n`;
  const text =
    '# sent_id = 1\n# text = au chien\n' +
    [row('1-2', 'au'), row('1', 'à'), row('2', 'le'), row('3', 'chien'), row('3.1', 'nul')].join('') +
    `\n${row('1', 'deux')}`;
  const forms = async (options: ConllOptions = {}): Promise<unknown> => {
    const sentences = await readConll(file('fr.conllu', text), options);
    return sentences.map((sentence) => Reflect.get(sentence, 'form') as unknown);
  };

  test('gives words, or what was written', async () => {
    expect(await forms()).toEqual([['à', 'le', 'chien'], ['deux']]);
    expect(await forms({ multiword: 'ranges' })).toEqual([['au', 'chien'], ['deux']]);
    expect(await forms({ multiword: 'both' })).toEqual([['au', 'à', 'le', 'chien'], ['deux']]);
    expect(await forms({ emptyNodes: true })).toEqual([['à', 'le', 'chien', 'nul'], ['deux']]);
  });

  test('has ten columns with names', async () => {
    const [first] = await read(gzipSync(text), {}, 'fr.conllu.gz');
    expect(Object.keys(first ?? {}).join(' ')).toBe('id form lemma upos xpos feats head deprel deps misc');
    expect(first).toMatchObject({ id: ['1', '2', '3'], upos: ['X', 'X', 'X'] });
  });

  test('refuses what is no id', async () => {
    for (const id of ['x', '2-1', '1-', '', '1.2.3'])
      expect(await refused(row('1', 'a') + row(id, 'b'), {}, 'bad.conllu')).toContain(
        `got ${JSON.stringify(id)} in bad.conllu, line 2, column "id", expected the number of a word`,
      );
  });
});

test('mistakes have file and line', async () => {
  expect(await refused('a\tb\n\nc\n')).toBe(
    'FormatError: readConll: got 1 column in tokens.txt, line 3, expected 2: "0", "1".\n' +
      '  Fix: mend the line, or name all columns; here a tab divides them.',
  );
  expect(await refused('a b\nc d e\n')).toContain('here blanks divide them');
  for (const empty of ['', '\n\n \n']) expect(await refused(empty)).toContain('got tokens.txt, which is empty');
  expect(await refused('# only\n', { comment: '#' })).toContain('which is empty, expected a file with sentences');
});

test('options are checked at the call', () => {
  const wrong = (options: object): unknown => {
    try {
      return streamConll('a.txt', options);
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError);
      return String(error);
    }
  };
  expect(wrong({ multiword: 'words' })).toContain(`got multiword: "words" without a column 'id'`);
  expect(wrong({ emptyNodes: true, columns: ['form'] })).toContain('got emptyNodes: true without');
  expect(wrong({ comment: '' })).toContain('what comments begin with, or false');
  expect(wrong({ delimiter: ',' })).toContain('delimiter: ","');
  expect(wrong({ columns: ['a', 'a'] })).toContain('names that differ');
});

testWithData('ud-ewt-pos', ['ud-ewt-pos/en-ud-tag.v2.train.txt.gz'], async () => {
  const counts = { 'train.txt.gz': [12_543, 204_605], 'dev.txt': [2002, 25_148], 'test.txt': [2077, 25_097] };
  for (const [part, expected] of Object.entries(counts)) {
    const path = dataPath(`ud-ewt-pos/en-ud-tag.v2.${part}`);
    const sentences = await readConll(path, { columns: ['words', 'upos', 'xpos'] });
    const tokens = sentences.reduce((sum, { words }) => sum + words.length, 0);
    expect([sentences.length, tokens]).toEqual(expected);
    expect(new Set(sentences.flatMap(({ upos }) => upos)).size).toBe(17);
  }
});
