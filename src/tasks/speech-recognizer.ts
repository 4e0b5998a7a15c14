import { BucketSampler } from '../data/bucket-sampler';
import { DataLoader } from '../data/data-loader';
import { save } from '../io/model-file';
import type { EvaluationRecord } from '../report';
import { OptionError } from '../tensor/errors';
import { manualSeed } from '../tensor/generator';
import { positiveInteger } from '../tensor/options';
import { readOptions, withDefault } from '../tensor/read-options';
import type { History } from '../training/history';
import { isBlank, warnOfEmpty, type CalledExample } from './empty-examples';
import { evenLoader } from './even-batches';
import { collectExamples, teaching } from './examples';
import { encoderOptions } from './recurrent-encoder';
import { evaluateSpeech, examineSpeech, type SpeechEvaluation } from './speech-evaluation';
import {
  checkSpeech,
  SPEECH_FORM,
  speechFault,
  spokenExample,
  type SpeechExample,
  type SpeechInput,
  type Spoken,
} from './speech-examples';
import { checkAlignable, SpeechLetters } from './speech-letters';
import { SpeechNetwork } from './speech-network';
import { speechReaders, type SpeechRecognizerOptions, type SpeechRecognizerSettings } from './speech-options';
import { recognise, type SpeechPrediction } from './speech-prediction';
import { soundOf, SpeechSound, warnOfFlaws, type Heard } from './speech-sound';
import { SpeechStream } from './speech-stream';
import { framesIn, speechItems, speechTrainer, type TrainedSpeech } from './speech-trainer';
import type { Examples, Task, TaskFitOptions } from './task';
import { loadTask, notTrained, savedExtras, type TaskExtras } from './task-file';
import { classOptions, fitOptions, readTrainOptions, trainReaders } from './train-options';
import { evaluateOnce, trainTask, type TaskTrainerParts } from './train-task';

/** How `predict` and `evaluate` of a SpeechRecognizer search. */
export interface SpeechPredictOptions {
  /** How many beginnings of a text go on with each step; 1 searches nothing. */
  beamSize?: number;
}

/** What will be pushed to a SpeechStream. */
export interface SpeechStreamOptions {
  /** Samples a second: told, it is checked against that of the training. */
  sampleRate?: number;
}

/** Readers of the options of `fit`. */
const ofFit = trainReaders({ batchSize: 32, learningRate: 3e-3 });
const STEPS = 2500;

/** What stands in its file. */
interface Extras extends TaskExtras {
  readonly sampleRate: number;
  readonly letters: readonly string[];
}

/**
 * Writes down what is said: log-mel features of the sound, recurrent layers that read both ways, and the letters that
 * connectionist temporal classification aligns by itself, from recordings and their transcripts to one file that
 * carries it all.
 *
 *     const recognizer = new SpeechRecognizer();
 *     await recognizer.fit(train, { validation, output: 'run' }); // [{ path: 'seven.wav', transcript: 'seven' }, …]
 *     const { text } = await recognizer.predict('unknown.wav');
 *
 * All recordings have the same number of samples a second; of several channels in a file the mean is heard. Silent and
 * clipped recordings of training are named in a warning. In a validation or an evaluation letters that training never
 * heard count as wrong, and the loss leaves out their recordings, and those that are too short for their transcripts.
 *
 * @throws {OptionError} if an option is unknown or has another value
 */
export class SpeechRecognizer implements Task<SpeechExample, SpeechInput, SpeechPrediction, SpeechEvaluation> {
  readonly task = 'speech';
  readonly inputFault = speechFault;
  readonly options: Readonly<SpeechRecognizerSettings>;
  #trained: TrainedSpeech | undefined;

  constructor(options: SpeechRecognizerOptions = {}) {
    this.options = readOptions<object, SpeechRecognizerSettings>(
      'SpeechRecognizer',
      options,
      speechReaders,
      fitOptions(ofFit),
    );
  }

  /**
   * Builds a recognizer again that `save` wrote.
   *
   * @param path  of the file
   * @throws {FormatError} if it is damaged, or of another task; {FileError} if it cannot be read
   */
  static async load(path: string): Promise<SpeechRecognizer> {
    const { model, extras } = await loadTask<Extras>('SpeechRecognizer.load', path, 'speech', { SpeechNetwork });
    const recognizer = new SpeechRecognizer(extras.options);
    const sound = new SpeechSound({ ...recognizer.options, sampleRate: extras.sampleRate });
    recognizer.#trained = { sound, letters: new SpeechLetters(extras.letters), model: model as SpeechNetwork };
    return recognizer;
  }

  /** The network; undefined before `fit` or `load`. */
  get model(): SpeechNetwork | undefined {
    return this.#trained?.model;
  }

  /** The letters, in the order of the classes behind the first, which is none; undefined before `fit` or `load`. */
  get letters(): readonly string[] | undefined {
    return this.#trained?.letters.names;
  }

  /** Samples a second of all recordings; undefined before `fit` or `load`, unless it is an option. */
  get sampleRate(): number | undefined {
    return this.#trained?.sound.options.sampleRate ?? this.options.sampleRate;
  }

  async fit(examples: Examples<SpeechExample>, options: TaskFitOptions<SpeechExample> = {}): Promise<History> {
    const op = 'SpeechRecognizer.fit';
    const settings = readTrainOptions(op, options, ofFit, classOptions('SpeechRecognizer', speechReaders));
    const { validation } = options;
    const spoken = await this.#collect(op, examples);
    const checked = validation && (await this.#collect(op, validation));
    const sound = this.#trained?.sound ?? (await this.#sound(spoken));
    const train = await sound.listen(op, spoken, 'example');
    const checks = checked && (await sound.listen(op, checked, 'validation example'));
    warnOfFlaws(op, [...train, ...(checks ?? [])]);
    warnOfEmpty(
      op,
      { train: spoken, validation: checked },
      ({ transcript }) => isBlank(transcript),
      'an empty transcript',
    );
    if (settings.seed !== undefined) manualSeed(settings.seed);
    const trained = (this.#trained ??= this.#begin(op, sound, train));
    const told = { stack: this.options.stack, called: 'example' as CalledExample };
    checkAlignable(op, train, trained.letters, told);
    const items = teaching(op, speechItems(trained, train).known);
    const { known, others } = speechItems(trained, checks ?? []);
    const training = {
      task: this,
      model: trained.model,
      loader: new DataLoader(items, {
        batchSampler: new BucketSampler(items.map(framesIn), { batchSize: settings.batchSize }),
      }),
      validation: checks && evenLoader(teaching(`${op}: validation`, known), framesIn, others),
      steps: STEPS,
      examine: checks && (() => this.#examine(op, checks, 'validation')),
      trainer: (parts: TaskTrainerParts) => speechTrainer(trained, parts),
    };
    return trainTask(training, settings);
  }

  async evaluate(examples: Examples<SpeechExample>, options: SpeechPredictOptions = {}): Promise<SpeechEvaluation> {
    const op = 'SpeechRecognizer.evaluate';
    const beamSize = this.#beamSize(op, options);
    return (await this.#judge(op, await this.#listen(op, examples), beamSize)).evaluation;
  }

  async examine(examples: Examples<SpeechExample>, part: EvaluationRecord['part'] = 'test'): Promise<EvaluationRecord> {
    const op = 'SpeechRecognizer.examine';
    return this.#examine(op, await this.#listen(op, examples), part);
  }

  /**
   * What is said in a recording; nothing, '', in a silent one.
   *
   * @param recording  the path of a WAV file, or samples of one channel
   * @param options    what is left out is as the task was made
   * @throws {OptionError} before `fit` or `load`, if it is no recording, has another number of samples a second, or an
   *   option is unknown or out of range; {FileError}, {FormatError} if a file cannot be read
   */
  predict(recording: SpeechInput, options?: SpeechPredictOptions): Promise<SpeechPrediction>;
  /** What is said in several recordings, in their order. @param recordings  each as for one */
  predict(recordings: readonly SpeechInput[], options?: SpeechPredictOptions): Promise<SpeechPrediction[]>;
  async predict(
    given: SpeechInput | readonly SpeechInput[],
    options: SpeechPredictOptions = {},
  ): Promise<SpeechPrediction | SpeechPrediction[]> {
    const op = 'SpeechRecognizer.predict';
    const trained = this.#known(op);
    const beamSize = this.#beamSize(op, options);
    const list: readonly unknown[] = Array.isArray(given) ? given : [given];
    const spoken = checkSpeech(op, list).map((input) => ({ input, transcript: '' }));
    const said = await recognise(trained, await trained.sound.listen(op, spoken, 'recording'), beamSize);
    return Array.isArray(given) ? said : (said[0] as SpeechPrediction);
  }

  /**
   * Recognises a recording while it comes, samples by samples, however long it is: the letters are those of the most
   * probable class of each step.
   *
   *     const stream = recognizer.createStream();
   *     microphone.on('samples', async (samples) => process.stdout.write(await stream.push(samples)));
   *
   * @throws {OptionError} before `fit` or `load`, if the layers read backwards, too, or of another sample rate
   */
  createStream(options: SpeechStreamOptions = {}): SpeechStream {
    const op = 'SpeechRecognizer.createStream';
    const trained = this.#known(op);
    const known = trained.sound.options.sampleRate;
    const { sampleRate } = readOptions(op, options, { sampleRate: withDefault(positiveInteger, known) });
    if (sampleRate !== known)
      throw new OptionError(op, {
        given: `sampleRate: ${sampleRate}`,
        expected: `${known}, as in all of training`,
        fix: `record at ${known} samples a second, or train with recordings of ${sampleRate}`,
      });
    if (!this.options.bidirectional) return new SpeechStream(trained);
    throw new OptionError(op, {
      given: 'a recognizer that reads backwards, too, from the end of a recording',
      expected: 'one that reads forwards alone',
      fix: 'train it with bidirectional: false, or cut the recording where nobody speaks and predict the pieces',
    });
  }

  async save(path: string): Promise<void> {
    const { model, sound, letters } = this.#known('SpeechRecognizer.save');
    const { task, options } = this;
    const { sampleRate } = sound.options;
    await save(model, path, savedExtras({ task, options, sampleRate, letters: letters.names }));
  }

  #known(op: string): TrainedSpeech {
    if (this.#trained === undefined) throw notTrained(op);
    return this.#trained;
  }

  async #collect(op: string, examples: Examples<SpeechExample>): Promise<Spoken[]> {
    const { lowercase } = this.options;
    return collectExamples(op, examples, SPEECH_FORM, (one, place) => spokenExample(op, one, place, lowercase));
  }

  /** What makes frames of recordings: of the rate of the first one, where no other is asked for. */
  async #sound([first]: readonly Spoken[]): Promise<SpeechSound> {
    const { sampleRate = first && (await soundOf(first.input)).sampleRate } = this.options;
    return new SpeechSound({ ...this.options, sampleRate: sampleRate ?? 1 });
  }

  /** Learns the letters and the statistics of the frames, and builds the network. */
  #begin(op: string, sound: SpeechSound, heard: readonly Heard[]): TrainedSpeech {
    const letters = SpeechLetters.of(
      op,
      heard.map(({ transcript }) => transcript),
    );
    const { numMels, stack, augment } = this.options;
    const encoder = encoderOptions(this.options);
    const model = new SpeechNetwork({ numMels, stack, augment, classes: letters.size, encoder });
    model.standardize.fit(heard.map(({ frames }) => frames));
    return { sound, letters, model };
  }

  async #listen(op: string, examples: Examples<SpeechExample>): Promise<Heard[]> {
    const { sound } = this.#known(op);
    return sound.listen(op, await this.#collect(op, examples), 'example');
  }

  #beamSize(op: string, options: SpeechPredictOptions): number {
    const { beamSize } = this.options;
    return readOptions(op, options, { beamSize: withDefault(positiveInteger, beamSize) }).beamSize;
  }

  async #judge(op: string, heard: readonly Heard[], beamSize = this.options.beamSize) {
    const trained = this.#known(op);
    const { known } = speechItems(trained, heard);
    const { loss } =
      known.length === 0
        ? { loss: Number.NaN }
        : await evaluateOnce(speechTrainer(trained), evenLoader(known, framesIn));
    const said = await recognise(trained, heard, beamSize);
    return { said, evaluation: await evaluateSpeech(loss, trained.letters, said, heard) };
  }

  async #examine(op: string, heard: readonly Heard[], part: EvaluationRecord['part']): Promise<EvaluationRecord> {
    const { said, evaluation } = await this.#judge(op, heard);
    return { part: part ?? 'test', ...examineSpeech(evaluation, heard, said) };
  }
}
