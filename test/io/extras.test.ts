import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ByteTokenizer,
  CharacterTokenizer,
  FileError,
  FormatError,
  Linear,
  OptionError,
  TextVectorizer,
  Vocabulary,
  WordTokenizer,
  load,
  loadExtras,
  loadSafetensorsMetadata,
  save,
  saveSafetensors,
  tensor,
  type TextConfig,
  type Tokenizer,
} from 'stmnet';
import { stateOf } from '../support/state-of';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-extras-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const model = new Linear({ inFeatures: 2, outFeatures: 1 });
const words = ['Call now!', 'Größe', '我喜欢', 'call', '\ud800 __proto__'];

class Syllables implements Tokenizer {
  constructor(readonly options: { mark: string }) {}
  tokenize(text: string): string[] {
    return text.split(this.options.mark);
  }
  join(tokens: readonly string[]): string {
    return tokens.join(this.options.mark);
  }
  config(): TextConfig {
    return { class: 'Syllables', options: this.options };
  }
}

describe('extras', () => {
  test('come back as they were, text objects built again', async () => {
    const text = TextVectorizer.fit(words, {
      tokenizer: new WordTokenizer({ stopWords: 'en', locale: 'tr', punctuation: 'drop' }),
      maxLength: 3,
      truncate: 'start',
      begin: '<s>',
    });
    const extras = {
      text,
      bytes: TextVectorizer.fit([], { tokenizer: new ByteTokenizer(), unknown: null }),
      tags: Vocabulary.fit([['B', 'I', 'O']]),
      characters: new CharacterTokenizer({ unit: 'codePoint' }),
      labels: ['ham', 'spam'],
      settings: { threshold: 0.5, note: 'é\u2028"', none: null, deep: [[{ a: true }]], gone: undefined },
      '': 0,
    };
    await save(model, path, { extras });
    const found = await loadExtras<typeof extras>(path);
    expect(Object.keys(found)).toEqual(Object.keys(extras));
    expect(found.text.config()).toEqual(text.config());
    for (const one of words) expect(found.text.encode(one)).toEqual(text.encode(one));
    expect(found.text.decode(text.encode('Größe now'))).toBe(text.decode(text.encode('Größe now')));
    expect(found.bytes.encode('é')).toEqual(extras.bytes.encode('é'));
    expect(found.tags).toBeInstanceOf(Vocabulary);
    expect(found.tags.tokens).toEqual(['B', 'I', 'O']);
    expect(found.characters.tokenize('ab')).toEqual(['a', 'b']);
    expect(found.labels).toEqual(extras.labels);
    expect(found.settings).toEqual({ threshold: 0.5, note: 'é\u2028"', none: null, deep: [[{ a: true }]] });
    expect(await stateOf(await load<Linear>(path))).toEqual(await stateOf(model));
  });

  test('with a name such as __proto__ change no other object', async () => {
    const extras = JSON.parse('{ "__proto__": { "polluted": 1 }, "a": { "__proto__": { "polluted": 2 } } }');
    await save(model, path, { extras });
    const found = await loadExtras(path);
    expect(Object.keys(found)).toEqual(['__proto__', 'a']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(Reflect.get(found, 'polluted')).toBeUndefined();
  });

  test('are none in files without them', async () => {
    await save(model, path);
    expect(await loadExtras(path)).toEqual({});
    await save(model, path, { extras: {} });
    expect(Object.keys(await loadSafetensorsMetadata(path)).sort()).toEqual(['stmnet.config', 'stmnet.format']);
  });

  test('hold tokenizers of one’s own, whose class is given', async () => {
    await save(model, path, {
      extras: { text: TextVectorizer.fit(['ba-na'], { tokenizer: new Syllables({ mark: '-' }) }) },
    });
    const { text } = await loadExtras<{ text: TextVectorizer }>(path, { classes: { Syllables } });
    expect(text.decode(text.encode('na-ba'))).toBe('na-ba');
    await expect(loadExtras(path)).rejects.toThrow(
      `loadExtras: got extra "text" that cannot be built (rebuildText: got the class "Syllables", expected ` +
        `a class of the package, or one in classes: []) in ${path}`,
    );
    await expect(loadExtras(path)).rejects.toThrow(FormatError);
  });
});

describe('refused', () => {
  test('what JSON cannot carry, when it is saved', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const refusals: [unknown, string][] = [
      [{ a: Number.NaN }, 'save: got extras.a: NaN, expected what JSON can carry'],
      [{ a: [1, undefined] }, 'got extras.a[1]: undefined'],
      [{ a: undefined }, 'got extras.a: undefined'],
      [{ a: Int32Array.of(1) }, 'Array.from(x) of a typed array'],
      [{ a: new Map() }, 'got extras.a: Map'],
      [{ a: 1n }, 'got extras.a: 1n'],
      [{ a: cyclic }, 'got extras.a.self: { self }'],
      [{ a: { text: new ByteTokenizer() } }, 'Fix: give a text object a name of its own among the extras'],
      [{ a: model }, 'got extras.a: Linear'],
      [['a'], 'got extras: ["a"], expected an object of plain data and text objects'],
    ];
    for (const [extras, message] of refusals) {
      await expect(save(model, path, { extras: extras as never })).rejects.toThrow(message);
      await expect(save(model, path, { extras: extras as never })).rejects.toThrow(OptionError);
    }
    await expect(save(model, path, { extra: {} } as object)).rejects.toThrow('write extras');
  });

  test('a text object that would come back as one of the class above its own', async () => {
    class Stem extends WordTokenizer {}
    class Tags extends Vocabulary {}
    class Cut extends TextVectorizer {}
    class Signs extends Syllables {}
    const [tokenizer, vocabulary] = [new WordTokenizer(), new Vocabulary({ tokens: ['a'] })];
    const refusals: [object, string][] = [
      [
        { stem: new Stem() },
        'save: got extras.stem: Stem whose config() names the class "WordTokenizer", expected the class of the ' +
          'object, "Stem", for load would make another one.\n  Fix: let config() of Stem return ' +
          "{ class: 'Stem', options }, and pass classes: { Stem } to loadExtras.",
      ],
      [{ text: new TextVectorizer({ tokenizer: new Stem(), vocabulary }) }, 'got extras.text.tokenizer: Stem whose'],
      [{ text: new TextVectorizer({ tokenizer, vocabulary: new Tags({ tokens: ['a'] }) }) }, 'text.vocabulary: Tags'],
      [{ text: new Cut({ tokenizer, vocabulary }) }, 'Fix: save an object of TextVectorizer itself'],
      [{ signs: new Signs({ mark: '-' }) }, 'got extras.signs: Signs whose config() names the class "Syllables"'],
    ];
    for (const [extras, message] of refusals) {
      await expect(save(model, path, { extras: { ...extras } })).rejects.toThrow(message);
      await expect(save(model, path, { extras: { ...extras } })).rejects.toThrow(OptionError);
    }
  });

  /** A model whose extras are this text. */
  const hostile = async (extras: string): Promise<unknown> => {
    await save(model, path);
    const metadata = await loadSafetensorsMetadata(path);
    await saveSafetensors(path, model.stateDict(), { metadata: { ...metadata, 'stmnet.extras': extras } });
    return loadExtras(path);
  };
  const deep = (inner: string, depth: number): string =>
    `${'{"class":"TextVectorizer","options":{"tokenizer":'.repeat(depth)}${inner}${'}}'.repeat(depth)}`;
  const text = (config: unknown): string => JSON.stringify({ a: { text: config } });

  test.each([
    ['no JSON', '{', 'stmnet.extras that is not JSON'],
    ['no object', '[]', 'stmnet.extras with no object'],
    ['a key twice', '{"a":{"data":1},"a":{"data":2}}', 'the key \\"a\\" twice'],
    ['no kind', '{"a":1}', 'stmnet.extras with "a" without a kind'],
    ['two kinds', '{"a":{"data":1,"text":2}}', '"a" without a kind'],
    ['another kind', '{"a":{"code":"1"}}', '"a" of an unknown kind'],
    ['no configuration', text(5), 'extra "a" that cannot be built (rebuildText: got 5, expected { class, options }'],
    ['a class of Object', text({ class: 'constructor', options: {} }), 'got the class "constructor"'],
    ['an unknown option', text({ class: 'WordTokenizer', options: { run: 1 } }), 'got an option run'],
    ['no tokens', text({ class: 'Vocabulary', options: { tokens: [] } }), 'got tokens: []'],
    ['a token twice', text({ class: 'Vocabulary', options: { tokens: ['a', 'a'] } }), 'the token "a" twice'],
    ['half a vectorizer', text({ class: 'TextVectorizer', options: {} }), 'got undefined, expected { class, options }'],
    ['a vectorizer within', `{"a":{"text":${deep('1', 2)}}}`, 'the class "TextVectorizer"'],
    ['one deep within', `{"a":{"text":${deep('1', 50_000)}}}`, 'the class "TextVectorizer"'],
    ['a text for a flag', text({ class: 'WordTokenizer', options: { lowercase: 'yes' } }), 'got lowercase: "yes"'],
  ])('%s, when it is loaded', async (_, extras, message) => {
    await expect(hostile(extras)).rejects.toThrow(FormatError);
    await expect(hostile(extras)).rejects.toThrow(message);
  });

  test('files that are damaged anywhere, or none of save', async () => {
    await save(new Linear({ inFeatures: 1, outFeatures: 1 }), path, { extras: { labels: ['ham'] } });
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1;
      await writeFile(path, bytes);
      await expect(loadExtras(path), `byte ${at}`).rejects.toThrow(FormatError);
    }
    await saveSafetensors(path, { x: tensor([1]) });
    await expect(loadExtras(path)).rejects.toThrow('no stmnet.format in the metadata');
    await expect(loadExtras(join(folder, 'missing'))).rejects.toThrow(FileError);
    await expect(loadExtras('')).rejects.toThrow(OptionError);
  });
});

test('what is given beside the extras belongs among them', async () => {
  for (const [options, name] of [
    [{ labels: ['ham', 'spam'] }, 'labels'],
    [{ extras: {}, vectorizer: 1 }, 'vectorizer'],
  ] as const)
    await expect(save(model, path, options as object)).rejects.toThrow(
      `save: got an option ${name}, expected only extras.\n  Fix: put it among them: ` +
        `save(model, path, { extras: { ${name} } }); loadExtras(path) gives it back.`,
    );
  await expect(save(model, path, { extra: {} } as never)).rejects.toThrow(
    'Fix: write extras, if that is what you mean',
  );
});
