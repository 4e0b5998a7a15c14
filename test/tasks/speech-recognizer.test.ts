import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { OptionError } from 'stmnet';
import {
  SpeechRecognizer,
  type SpeechExample,
  type SpokenSamples,
  type SpeechRecognizerOptions,
} from '../../src/tasks';
import { handlesKept } from '../support/handles';
import { scratchFolder } from '../support/scratch';
import { recordings, smallSpeech as small, quickSpeech as quick, whistled, writeWav } from '../support/recordings';

let folder = '';
scratchFolder('speech', (made) => (folder = made));

async function trained(options: SpeechRecognizerOptions = {}, fit: object = {}): Promise<SpeechRecognizer> {
  const recognizer = new SpeechRecognizer({ ...small, ...options });
  await recognizer.fit(recordings, { ...quick, ...fit });
  return recognizer;
}

async function savedAs(recognizer: SpeechRecognizer, name: string): Promise<string> {
  const path = join(folder, name);
  await recognizer.save(path);
  return path;
}

describe('SpeechRecognizer', () => {
  it.each<SpeechRecognizerOptions>([
    {},
    { beamSize: 8, cell: 'gru', stack: 1 },
    { bidirectional: false, augment: true, stack: 3, numLayers: 2, normalization: 'layer' },
  ])('learns what is whistled, and answers alike after save and load: %o', async (options) => {
    const recognizer = await trained(options);
    const evaluation = await recognizer.evaluate(recordings);
    expect(Object.keys(evaluation)).toEqual(['loss', 'charErrorRate', 'wordErrorRate', 'exactMatch']);
    expect(evaluation.charErrorRate).toBeLessThan(0.02);
    expect(evaluation.exactMatch).toBeGreaterThan(0.95);
    expect(evaluation.loss).toBeLessThan(0.2);
    expect(recognizer.letters).toEqual([' ', 'a', 'b', 'c']);
    expect(recognizer.sampleRate).toBe(8000);
    const path = join(folder, 'whistles.safetensors');
    await recognizer.save(path);
    const again = await SpeechRecognizer.load(path);
    const asked = [whistled('abc'), whistled('bb'), { samples: new Float32Array(0), sampleRate: 8000 }];
    const said = await recognizer.predict(asked);
    expect(said.map(({ text }) => text)).toEqual(['abc', 'bb', '']);
    for (const { score } of said) expect(score).toBeLessThanOrEqual(0);
    expect(said[0]?.score).toBeGreaterThan(-0.7);
    expect(await again.predict(asked)).toEqual(said);
    expect(again.options).toEqual(recognizer.options);
  });

  it('reads WAV files, of several channels their mean', async () => {
    const recognizer = await trained();
    const { samples } = whistled('cab');
    const [mono, stereo] = [join(folder, 'mono.wav'), join(folder, 'stereo.wav')];
    writeWav(mono, samples);
    writeWav(stereo, samples, { channels: 2 });
    const [one, two, direct] = await recognizer.predict([mono, stereo, whistled('cab')]);
    expect(one?.text).toBe('cab');
    expect(two?.text).toBe('cab');
    expect(one?.score).toBeCloseTo(direct?.score ?? 0, 2);
    expect(await recognizer.predict(mono)).toMatchObject({ text: 'cab' });
    const evaluation = await recognizer.evaluate([{ path: stereo, transcript: ' CAB ' }]);
    expect(evaluation).toMatchObject({ charErrorRate: 0, exactMatch: 1 });
  });

  it('recognises a recording while it comes, as it does the whole', async () => {
    const recognizer = await trained({ bidirectional: false });
    const { samples } = whistled('abcba c bb');
    const { text } = await recognizer.predict({ samples, sampleRate: 8000 });
    expect(text.length).toBeGreaterThan(4);
    const stream = recognizer.createStream();
    const pieces: Promise<string>[] = [];
    for (let from = 0; from < samples.length; from += 333) pieces.push(stream.push(samples.subarray(from, from + 333)));
    const told = (await Promise.all([...pieces, stream.end()])).filter((piece) => piece !== '');
    expect(told.join('')).toBe(text);
    expect(told.length).toBeGreaterThan(3); // letters come while others are still to come
    expect(stream.text).toBe(text);
    await expect(stream.push([0])).rejects.toThrow('SpeechStream.push: got a stream that was ended');
    await expect(stream.end()).rejects.toThrow('recognizer.createStream()');
    expect(await recognizer.createStream({ sampleRate: 8000 }).end()).toBe('');
    expect(() => recognizer.createStream({ sampleRate: 16_000 })).toThrow('sampleRate: 16000, expected 8000, as in');
    expect(() => recognizer.createStream({ rate: 8000 } as never)).toThrow(OptionError);
  });

  it('refuses bytes and whole numbers in a stream, and says how to divide them', async () => {
    const stream = (await trained({ bidirectional: false }, { epochs: 1 })).createStream();
    const bytes = Buffer.from(Int16Array.from([0, 9000, -9000]).buffer);
    await expect(stream.push(bytes as never)).rejects.toThrow(
      'whole numbers, expected finite numbers in -1..1, samples of one channel.\n  Fix: divide by full scale, ' +
        'as of 16 bits: Float32Array.from(new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), (sample)',
    );
    await expect(stream.push(Int16Array.from([3]) as never)).rejects.toThrow('Float32Array.from(samples, (sample) => ');
    await expect(stream.push([0, 300])).rejects.toThrow('300 as sample 1, as of whole numbers that were not divided');
    await expect(stream.push([Number.NaN])).rejects.toThrow('NaN as sample 0');
    expect(await stream.push(Float32Array.from([0.5]))).toBe('');
  });

  it('searches as a prediction or an evaluation asks, and hears nothing in silence', async () => {
    const recognizer = await trained({}, { epochs: 2 });
    const searched = await SpeechRecognizer.load(await savedAs(recognizer, 'beam.safetensors'));
    const some = recordings.slice(0, 6).map((one) => one as SpokenSamples);
    const [greedy, beam] = [await recognizer.predict(some), await recognizer.predict(some, { beamSize: 20 })];
    expect(await searched.predict(some)).toEqual(greedy);
    // The most probable text of all alignments, at least as probable as that of the best one.
    beam.forEach(({ score }, at) => expect(score).toBeGreaterThanOrEqual((greedy[at]?.score ?? 0) - 1e-4));
    expect(beam).not.toEqual(greedy);
    const evaluation = await recognizer.evaluate(recordings, { beamSize: 20 });
    expect(evaluation.charErrorRate).not.toBe((await recognizer.evaluate(recordings)).charErrorRate);
    for (const options of [{ beamsize: 3 }, { beamSize: 0 }]) {
      await expect(recognizer.predict(some, options as never)).rejects.toThrow(OptionError);
      await expect(recognizer.evaluate(recordings, options as never)).rejects.toThrow(OptionError);
    }
    const silent = { samples: new Float32Array(4000), sampleRate: 8000 };
    expect(await recognizer.predict([silent, { ...silent, samples: [] }])).toEqual([
      { text: '', score: 0 },
      { text: '', score: 0 },
    ]);
  });

  it('warns of empty transcripts', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    await new SpeechRecognizer(small).fit([...recordings.slice(0, 3), { ...whistled('a'), transcript: ' ' }], {
      ...quick,
      epochs: 1,
    });
    expect(warned.mock.calls[0]?.[0]).toContain('got an empty transcript in 1 of 4 examples: example 3');
    warned.mockRestore();
  });

  it('leaves no tensor behind a piece of a stream, or a prediction', async () => {
    const recognizer = await trained({ bidirectional: false }, { epochs: 1 });
    const { samples } = whistled('abc');
    const stream = recognizer.createStream();
    const go = async (): Promise<void> => {
      await stream.push(samples);
      await recognizer.predict(whistled('abc'));
    };
    await go();
    const before = handlesKept();
    await go();
    expect(handlesKept()).toBe(before);
  });

  it('examines recordings for a report', async () => {
    const recognizer = await trained();
    const wrong = { ...whistled('abc'), transcript: 'bbb' };
    const { part, figures, examples, labels, lengths } = await recognizer.examine([...recordings, wrong]);
    expect(part).toBe('test');
    expect(Object.keys(figures ?? {})).toEqual(['loss', 'charErrorRate', 'wordErrorRate', 'exactMatch']);
    const place = recordings.length;
    expect(examples?.worst?.[0]).toMatchObject({ text: `example ${place}, 0.46 s`, label: 'bbb', predicted: 'abc' });
    expect(examples?.uncertain).toHaveLength(20);
    expect(labels?.map(({ label }) => label).sort()).toEqual(['(blank)', 'a', 'b', 'c']);
    expect(lengths?.reduce((sum, { count }) => sum + count, 0)).toBe(recordings.length + 1);
  });

  it('counts letters that training never heard, and what cannot be aligned, as wrong, without a loss', async () => {
    const recognizer = await trained();
    const known = await recognizer.evaluate(recordings.slice(0, 4));
    const odd: SpeechExample[] = [
      { ...whistled('abc'), transcript: 'abd' },
      { ...whistled('a'), transcript: 'cbacba'.repeat(9) },
    ];
    const evaluation = await recognizer.evaluate([...recordings.slice(0, 4), ...odd]);
    expect(evaluation.loss).toBeCloseTo(known.loss, 5);
    expect(evaluation.exactMatch).toBeCloseTo(known.exactMatch * (4 / 6), 5);
    expect(evaluation.unknownLetters).toEqual(['d']);
    expect((await recognizer.evaluate(odd)).loss).toBeNaN();
    await recognizer.fit(recordings, { ...quick, epochs: 1, validation: [...recordings.slice(0, 4), ...odd] });
  });

  it('leaves a run folder, and goes on from it bit for bit', async () => {
    const bits = async ({ model }: SpeechRecognizer): Promise<string> =>
      Buffer.from((await model?.head.weight.data())?.buffer ?? new ArrayBuffer(0)).toString('hex');
    const fit = async (output: string, options: object = {}): Promise<SpeechRecognizer> => {
      const validation = recordings.slice(0, 9);
      return trained({ augment: true }, { epochs: 3, validation, output: join(folder, output), ...options });
    };
    const whole = await fit('whole');
    expect(readdirSync(join(folder, 'whole'))).toContain('report.html');
    const config: unknown = JSON.parse(readFileSync(join(folder, 'whole', 'config.json'), 'utf8'));
    expect(config).toMatchObject({ task: 'speech', options: { hiddenSize: 24 }, training: { epochs: 3 } });
    const breakOff = {
      onEpochEnd({ epoch }: { epoch: number }) {
        if (epoch === 2) throw new Error('broken off');
      },
    };
    await expect(fit('part', { callbacks: [breakOff] })).rejects.toThrow('broken off');
    expect(await bits(await fit('part', { resume: true }))).toBe(await bits(whole));
    expect(await bits(await SpeechRecognizer.load(join(folder, 'part', 'model.safetensors')))).toBe(await bits(whole));
  });
});

describe('bad input to a SpeechRecognizer', () => {
  it.each<[object, string]>([
    [{ hiddenSise: 3 }, 'hiddenSise'],
    [{ stack: 0 }, 'stack: 0'],
    [{ beamSize: 1.5 }, 'beamSize: 1.5'],
    [{ augment: 'yes' }, 'augment: "yes"'],
    [{ sampleRate: '8000' }, 'sampleRate: "8000"'],
  ])('options %o', (options, message) => {
    expect(() => new SpeechRecognizer(options)).toThrow(message);
  });

  const good: SpeechExample = { ...whistled('abc'), transcript: 'abc' };
  it.each<[string, unknown, string]>([
    ['none', [], 'no example as examples'],
    ['no object', ['a.wav'], '"a.wav" in example 0'],
    ['no transcript', [good, { path: 'a.wav' }], 'no transcript in example 1'],
    ['no sound', [{ transcript: 'abc' }], 'no samples in example 0'],
    ['a number as path', [{ path: 3, transcript: 'abc' }], 'path: 3 in example 0'],
    ['no rate', [{ samples: [0], transcript: 'abc' }], 'no sampleRate in example 0'],
    ['two channels', [{ ...good, channels: 2 }], 'channels: 2, which readWav mixes unless it is told mono: false,'],
    ['samples that are none', [{ ...good, samples: [0, Number.NaN] }], 'NaN as sample 1 in example 0'],
    ['whole numbers', [{ ...good, samples: [0, -20_000] }], '-20000 as sample 1, as of whole numbers that were not'],
    ['no letter', [{ ...good, transcript: '  ' }], 'transcripts without a letter'],
    [
      'other rates',
      [good, { ...good, sampleRate: 16_000 }, { ...good, sampleRate: 44_100 }],
      'another number of samples a second in example 1: 16000; example 2: 44100, expected 8000, as in all of training',
    ],
    [
      'too short',
      [good, { ...whistled('a'), transcript: 'aaaaaaaaaaaa' }],
      'got recordings too short for their transcripts in 1 of 2 examples: example 1: 10 steps for 23',
    ],
    ['too short for any step', [good, { ...whistled('a'), transcript: 'a'.repeat(99) }], 'look whether they belong'],
    ['too short for a step', [good, { ...whistled('a'), transcript: 'abcabcabcabc' }], 'pass stack: 1'],
  ])('examples: %s', async (_, examples, message) => {
    await expect(new SpeechRecognizer(small).fit(examples as [], quick)).rejects.toThrow(message);
  });

  it('warns of silent and of clipped recordings, and learns on', async () => {
    const silent = { samples: new Float32Array(4000), sampleRate: 8000, transcript: 'ab' };
    const loud = whistled('abc').samples.map((sample) => Math.max(-1, Math.min(8 * sample, 1)));
    const clipped = { samples: loud, sampleRate: 8000, transcript: 'abc' };
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    await new SpeechRecognizer(small).fit([good, silent, clipped, good], { ...quick, epochs: 1 });
    expect(warned.mock.calls).toEqual([
      [
        'SpeechRecognizer.fit: got silent sound in 1 of 4 recordings: example 1, and clipped sound in 1 of 4 ' +
          'recordings: example 2.\n  Fix: record them again, or leave them out; the training goes on with them.',
        { type: 'StmnetWarning', code: 'STM_FLAWED_SOUND' },
      ],
    ]);
    warned.mockRestore();
  });

  it('is asked too early, or about something else', async () => {
    const fresh = new SpeechRecognizer(small);
    const early = [fresh.predict('a.wav'), fresh.evaluate(recordings), fresh.save(join(folder, 'x'))];
    for (const one of early) await expect(one).rejects.toThrow('learned nothing yet');
    expect(() => fresh.createStream()).toThrow('learned nothing yet');
    const recognizer = await trained({}, { epochs: 1 });
    await expect(recognizer.predict(7 as never)).rejects.toThrow('7 as recording 0');
    await expect(recognizer.predict([whistled('a'), '' as never])).rejects.toThrow('an empty path as recording 1');
    await expect(recognizer.predict(join(folder, 'none.wav'))).rejects.toThrow('none.wav');
    await expect(recognizer.predict({ ...whistled('a'), sampleRate: 16_000 })).rejects.toThrow(
      'recording 0: 16000, expected 8000, as in all of training.\n  Fix: convert them, as by ffmpeg -i FILE -ar 8000',
    );
    expect(() => recognizer.createStream()).toThrow(
      'a recognizer that reads backwards, too, from the end of a recording, expected one that reads forwards alone',
    );
    expect(recognizer.inputFault(whistled('a'))).toBeUndefined();
    expect(recognizer.inputFault('/etc/passwd')).toMatchObject({ given: '"/etc/passwd"' });
    expect(recognizer.inputFault({ samples: [2 ** 15], sampleRate: 8000 })?.given).toContain('32768 as sample 0');
    const apart = [{ ...good, transcript: 'xyz' }];
    await expect(recognizer.fit(recordings, { ...quick, validation: apart })).rejects.toThrow('that say nothing');
  });
});
