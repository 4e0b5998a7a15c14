import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AdamW,
  ArrayDataset,
  CharacterTokenizer,
  CosineAnnealingLR,
  CrossEntropyLoss,
  Dropout,
  Embedding,
  Linear,
  LSTM,
  Sequential,
  TextStream,
  TextVectorizer,
  Trainer,
  getRandomState,
  manualSeed,
} from 'stmnet';
import { LanguageModel, type LanguageModelOptions, type LanguageTexts, type NextToken } from '../../src/tasks';
import { handlesKept } from '../support/handles';
import { differences } from '../support/near';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('language-model', (made) => (folder = made));

const rhyme = 'One for sorrow, two for joy, three for a girl, four for a boy.\n';
const text = rhyme.repeat(6);
const small: LanguageModelOptions = { hiddenSize: 32, embeddingDim: 16, dropout: 0.1, steps: 16 };
const quick = { epochs: 30, batchSize: 2, learningRate: 2e-2, seed: 3, progress: false } as const;

async function trained(
  options: LanguageModelOptions = {},
  texts: LanguageTexts = text,
  training: object = {},
): Promise<LanguageModel> {
  const model = new LanguageModel({ ...small, ...options });
  await model.fit(texts, { ...quick, ...training });
  return model;
}

/** Trained once for the tests that only ask it. */
let known: LanguageModel;
beforeAll(async () => void (known = await trained()));
const greedy = { prompt: 'One for', length: rhyme.length - 7, temperature: 0 } as const;

describe('LanguageModel', () => {
  it('keeps no tensor of a text that it has written, or that nobody wants any more', async () => {
    const before = handlesKept();
    await known.generateText({ prompt: rhyme.repeat(20), length: 5 });
    for await (const piece of known.generate({ prompt: 'One', length: 50 })) if (piece !== '') break;
    await known.generateText({ prompt: 'One', length: 50, stop: 'o' });
    expect(handlesKept() - before).toBe(0);
  });

  it.each<LanguageModelOptions>([
    {},
    { cell: 'gru', numLayers: 2 },
    { cell: 'rnn', hiddenSize: 64 },
    { embeddingDim: 32, tieWeights: true },
    { tokens: 'bytes' },
    { tokens: 'bpe', vocabularySize: 270 },
  ])('learns a text by heart, and goes on alike after save and load: %o', async (options) => {
    const model = await trained(options);
    const { loss, perplexity, bitsPerCharacter } = await model.evaluate(text);
    expect(loss).toBeLessThan(0.25); // letters by their frequency is 2.9
    expect(perplexity).toBeCloseTo(Math.exp(loss), 10);
    expect(bitsPerCharacter).toBeLessThan(0.3);
    expect(text).toContain(await model.generateText({ prompt: 'One for', length: 12, temperature: 0 }));
    const path = join(folder, 'rhyme.safetensors');
    await model.save(path);
    const again = await LanguageModel.load(path);
    expect(again.options).toEqual(model.options);
    expect(await again.evaluate(text)).toEqual(await model.evaluate(text));
    expect(await again.predict(['One ', ''])).toEqual(await model.predict(['One ', '']));
    const drawn = { prompt: 'two', length: 40, seed: 4, temperature: 1.5 };
    expect(await again.generateText(drawn)).toBe(await model.generateText(drawn));
    const weights = [again.model?.embedding.weight, again.model?.head.weight];
    expect(weights[0] === weights[1]).toBe(options.tieWeights ?? false);
  });

  it('is trained by the recipe of examples/tinyshakespeare.ts, bit for bit', async () => {
    const epochs = 2;
    const size = { hiddenSize: 24, embeddingDim: 12 };
    const task = new LanguageModel({ ...size, steps: 16 });
    const history = await task.fit(text, { epochs, seed: 5, batchSize: 4, progress: false, validation: rhyme });

    manualSeed(5);
    const tokenizer = new CharacterTokenizer({ unit: 'codePoint' });
    const vectorizer = TextVectorizer.fit([text], { tokenizer, padding: null });
    const numTokens = vectorizer.vocabulary.size;
    const model = new Sequential(
      new Embedding({ numEmbeddings: numTokens, embeddingDim: 12 }),
      new LSTM({ inputSize: 12, hiddenSize: 24 }),
      new Dropout({ p: 0.4 }),
      new Linear({ inFeatures: 24, outFeatures: numTokens }),
    );
    const loader = new TextStream(vectorizer.encode(text), { batchSize: 4, steps: 16 });
    const optimizer = new AdamW(model.parameters(), { learningRate: 4e-3, weightDecay: 0.01 });
    const schedule = new CosineAnnealingLR(optimizer, { tMax: epochs * loader.length });
    const loss = new CrossEntropyLoss();
    const parts = {
      model,
      optimizer,
      schedule,
      scheduleEvery: 'step',
      clipGradNorm: 1,
      loss,
      carryState: true,
    } as const;
    const validation = new TextStream(vectorizer.encode(rhyme), { batchSize: 1, steps: 1000 });
    const plain = await new Trainer(parts).fit(loader, { epochs, validation, progress: false });
    expect(history.train('loss')).toEqual(plain.train('loss'));
    expect(history.validation('loss')).toEqual(plain.validation('loss'));
  });

  it('has the sizes of that recipe by default, and reads fewer rows of a short text', async () => {
    const model = new LanguageModel();
    expect(model.options).toEqual({
      tokens: 'characters',
      cell: 'lstm',
      hiddenSize: 512,
      embeddingDim: 64,
      numLayers: 1,
      dropout: 0.4,
      hiddenDropout: 0.4,
      inputDropout: 0,
      variationalDropout: false,
      embeddingDropout: 0,
      weightDrop: 0,
      activationRegularization: 0,
      temporalActivationRegularization: 0,
      tieWeights: false,
      steps: 128,
    });
    const output = join(folder, 'run');
    await new LanguageModel({ ...small, steps: 4 }).fit(rhyme.repeat(4), { output, progress: false });
    const config: unknown = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'));
    // 252 characters, of which 48 at least are a row; 13 pieces of 4 of such a row, 60 times at most.
    expect(config).toMatchObject({ task: 'lm', training: { batchSize: 5, epochs: 60, learningRate: 4e-3 } });
  });

  it('measures texts: nats a token, bits a character', async () => {
    const model = known;
    const { loss, bitsPerCharacter, tokens, unknown } = await model.perplexity('two for joy');
    expect({ tokens, unknown }).toEqual({ tokens: 10, unknown: 0 });
    expect(bitsPerCharacter).toBeCloseTo(loss / Math.LN2, 10);
    // The same from what it says of each character.
    let sum = 0;
    for (let end = 1; end < 11; end++) {
      const next = await model.predict('two for joy'.slice(0, end));
      sum -= Math.log(next.find(({ token }) => token === 'two for joy'[end])?.probability ?? Number.NaN);
    }
    expect(sum / 10).toBeCloseTo(loss, 4);
    expect(await model.evaluate(['two', 'for joy'])).toEqual(await model.evaluate('two\nfor joy'));
    expect((await model.evaluate('two für joy')).unknown).toBe(1);
    const bytes = await trained({ tokens: 'bytes' }, 'né né né né né', { epochs: 1 });
    const measured = await bytes.evaluate('né né');
    expect(measured.tokens).toBe(6);
    expect(measured.bitsPerCharacter).toBeCloseTo((measured.loss * 6) / Math.LN2 / 4, 10);
  });

  it('says what comes next', async () => {
    const model = known;
    const next = await model.predict('One for sorro');
    expect(next[0]).toEqual({ token: 'w', probability: expect.closeTo(1, 1) });
    expect(next).toHaveLength(10);
    expect(next.map(({ probability }) => probability)).toEqual(
      next.map(({ probability }) => probability).toSorted((a, b) => b - a),
    );
    const prompts = Array.from({ length: 40 }, (_, at) => rhyme.slice(0, at));
    const told = await model.predict(prompts);
    expect(
      told
        .map(([first]) => first?.token)
        .slice(8)
        .join(''),
    ).toBe(rhyme.slice(8, 40));
    expect(told[0]?.[0]?.token).toBe('O'); // behind the end of a line
    const chances = (one: readonly NextToken[] = []): number[] => one.map(({ probability }) => probability);
    expect(differences(chances(await model.predict(prompts[13] ?? '')), chances(told[13]), 1e-5)).toEqual([]);
    expect(await model.predict([])).toEqual([]);
  });
});

describe('generation', () => {
  it('writes on, token by token', async () => {
    const pieces: string[] = [];
    for await (const piece of known.generate(greedy)) pieces.push(piece);
    expect(pieces.join('')).toBe(rhyme.slice(7));
    expect(pieces).toHaveLength(rhyme.length - 7);
    expect(await known.generateText({ ...greedy, prompt: '', length: 7 })).toBe('One for');
  });

  it('ends before a stop, and where nobody takes what comes', async () => {
    const model = known;
    expect(await model.generateText({ ...greedy, stop: ', two' })).toBe(' sorrow');
    expect(await model.generateText({ ...greedy, stop: ['joy', ','] })).toBe(' sorrow');
    expect(await model.generateText({ ...greedy, stop: 'nothing of the kind' })).toBe(rhyme.slice(7));
    expect(await model.generateText({ ...greedy, length: 3, stop: 'rro' })).toBe(' so');
    for await (const piece of model.generate({ ...greedy, length: 1e9 })) if (piece === 'o') break;
  });

  it('draws the same with the same seed, whatever else goes on', async () => {
    const model = known;
    const asked = { prompt: 'three', length: 30, temperature: 2, seed: 11 };
    manualSeed(1);
    const before = getRandomState();
    const alone = await model.generateText(asked);
    expect(getRandomState()).toEqual(before);
    const together = await Promise.all([{}, { seed: 12 }, {}].map((one) => model.generateText({ ...asked, ...one })));
    expect(together[0]).toBe(alone);
    expect(together[2]).toBe(alone);
    expect(together[1]).not.toBe(alone);
    expect(await model.generateText({ ...asked, topK: 1 })).toBe(
      await model.generateText({ ...asked, temperature: 0 }),
    );
    manualSeed(1);
    const { seed: _, ...unseeded } = asked;
    const drawn = await model.generateText(unseeded);
    manualSeed(1);
    expect(await model.generateText(unseeded)).toBe(drawn);
  });

  it('reads long prompts, and characters that it does not know, and writes none of them', async () => {
    const model = known;
    const long = rhyme.repeat(40);
    expect(await model.generateText({ prompt: `${long}One`, length: 8, temperature: 0 })).toBe(' for sor');
    const odd = await model.generateText({ prompt: 'ßßß 語', length: 300, temperature: 50, seed: 2 });
    expect(odd).toHaveLength(300);
    expect(odd).not.toContain('<unk>');
    expect(Array.from(odd).every((character) => rhyme.includes(character))).toBe(true);
  });

  it('writes characters of several bytes whole', async () => {
    const emoji = 'é語😀 '.repeat(40);
    for (const tokens of ['bytes', 'bpe'] as const) {
      const model = await trained({ tokens, ...(tokens === 'bpe' && { vocabularySize: 258 }) }, emoji);
      const pieces: string[] = [];
      for await (const piece of model.generate({ prompt: 'é語', length: 30, temperature: 0 })) pieces.push(piece);
      expect(emoji).toContain(pieces.join('').slice(0, 6));
      expect(pieces.every((piece) => piece !== '' && !/[\ud800-\udfff\ufffd]/u.test(piece))).toBe(true);
      expect(pieces).toContain('😀');
    }
  });

  it('goes on with words as words are written', async () => {
    const model = await trained({ tokens: 'words' });
    expect(await model.generateText({ prompt: 'One for', length: 3, temperature: 0 })).toBe(' sorrow , two');
    expect(await model.generateText({ prompt: 'One for ', length: 1, temperature: 0 })).toBe('sorrow');
    expect(await model.generateText({ prompt: 'a boy .', length: 3, temperature: 0 })).toBe('\nOne for');
    expect(await model.generateText({ length: 2, temperature: 0 })).toBe('One for');
  });

  it('ends where a text ends, if it has learned from several', async () => {
    const names = ['Anna', 'Otto', 'Anna', 'Otto', 'Hanna', 'Lotto'];
    const model = await trained({}, new ArrayDataset(names.flatMap((name) => Array<string>(8).fill(name))));
    const drawn = await Promise.all(Array.from({ length: 20 }, (_, seed) => model.generateText({ seed })));
    expect(drawn.every((name) => name.length < 12)).toBe(true);
    expect(drawn.filter((name) => names.includes(name)).length).toBeGreaterThan(15);
    const next = await model.predict('Anna');
    expect(next[0]?.token).toBe('<end of text>');
    const { tokens, loss, bitsPerCharacter } = await model.evaluate(['Anna', 'Otto']);
    expect(tokens).toBe(10);
    expect(bitsPerCharacter).toBeCloseTo(loss / Math.LN2, 10);
  });

  it('goes on while the model is trained, which it does not disturb', async () => {
    const samples: string[] = [];
    const model = new LanguageModel(small);
    const callback = {
      onEpochEnd: async () => void samples.push(await model.generateText({ ...greedy, length: 5, seed: 1 })),
    };
    await model.fit(text, { ...quick, callbacks: [callback] });
    expect(samples).toHaveLength(30);
    expect(samples.at(-1)).toBe(' sorr');
    expect(await model.evaluate(text)).toEqual(await known.evaluate(text));
  });

  it('leaves the event loop free', async () => {
    const model = new LanguageModel({ hiddenSize: 256, steps: 16 });
    await model.fit(text, { ...quick, epochs: 1 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await model.generateText({ prompt: text.repeat(4), length: 500, seed: 1 });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
  });
});

describe('a LanguageModel’s training', () => {
  it('leaves a run folder, and goes on from it bit for bit', async () => {
    const run = (name: string, rest: object): Promise<LanguageModel> =>
      trained({}, text, { epochs: 4, validation: rhyme, output: join(folder, name), ...rest });
    const whole = await run('whole', {});
    const figures = { ...(await whole.evaluate(rhyme)) };
    expect(await whole.examine(rhyme)).toEqual({ part: 'test', figures });
    expect(JSON.parse(readFileSync(join(folder, 'whole', 'evaluation.json'), 'utf8'))).toEqual([
      { part: 'validation', figures },
    ]);
    expect(readdirSync(join(folder, 'whole'))).toEqual(expect.arrayContaining(['model.safetensors', 'report.html']));
    const stop = {
      onStep: ({ steps }: { steps: number }): void => {
        if (steps === 29) throw new Error('stopped');
      },
    };
    await expect(run('broken', { callbacks: [stop] })).rejects.toThrow('stopped');
    const resumed = await run('broken', { resume: true });
    expect(await resumed.evaluate(text)).toEqual(await whole.evaluate(text));
    const loaded = await LanguageModel.load(join(folder, 'broken', 'model.safetensors'));
    expect(await loaded.evaluate(text)).toEqual(await whole.evaluate(text));
    const others = { epochs: 4, output: join(folder, 'broken'), resume: true };
    await expect(trained({}, `${text}!`, others)).rejects.toThrow(/checkpoint/);
    await expect(trained({ dropout: 0.3 }, text, { ...others, epochs: 5, validation: rhyme })).rejects.toThrow(
      /^fit: got .*dropout: 0\.3.*, epochs: 5 for the training that .*, expected what it began with, .*epochs: 4\./,
    );
  });

  it('goes on with the same tokens at the next call', async () => {
    const model = await trained({}, text, { epochs: 1 });
    const { model: network } = model;
    await model.fit('Two for sorrow, and something quite other', { ...quick, epochs: 1 });
    expect(model.model).toBe(network);
  });
});
