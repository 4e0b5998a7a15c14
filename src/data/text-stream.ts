import { createHash } from 'node:crypto';
import { markRows } from '../tensor/batch-rows';
import { OptionError } from '../tensor/errors';
import { tensor } from '../tensor/factories';
import { describe, isNumberList, positiveInteger } from '../tensor/options';
import { readOptions } from '../tensor/read-options';
import type { Tensor } from '../tensor/tensor';
import { DataLoader } from './data-loader';
import type { Dataset } from './dataset';
import type { SamplerSettings } from './sampler';

/** Options of a TextStream. */
export interface TextStreamOptions {
  /** Rows that are read at once, N. */
  batchSize: number;
  /** Steps of a piece, T: how far truncated back-propagation goes. */
  steps: number;
}

/** A piece of each row. */
export interface TextBatch {
  /** i32 [N, T]. */
  input: Tensor;
  /** What comes after each of them, i32 [N, T]. */
  target: Tensor;
}

/** The tokens of a batch, [N, T] row after row. */
export interface TextPiece {
  /** What the model reads. */
  input: Int32Array;
  /** What comes after each of them. */
  target: Int32Array;
  /** T of this piece. */
  steps: number;
}

/** One long text as the pieces of N rows that lie behind each other. */
class TextPieces implements Dataset<TextPiece> {
  readonly #tokens: Int32Array;
  readonly #rows: number;
  readonly #steps: number;
  /** Tokens that a row predicts. */
  readonly #rowLength: number;

  constructor(tokens: ArrayLike<number>, options: TextStreamOptions) {
    const op = 'TextStream';
    const { batchSize, steps } = readOptions(op, options, { batchSize: positiveInteger, steps: positiveInteger });
    this.#tokens = tokenArray(op, tokens);
    this.#rows = batchSize;
    this.#steps = steps;
    this.#rowLength = Math.floor((this.#tokens.length - 1) / batchSize);
    if (this.#rowLength < 1)
      throw new OptionError(op, {
        given: `${this.#tokens.length} tokens for batchSize: ${batchSize}`,
        expected: `at least ${batchSize + 1}: one for each row, and what comes after the last`,
        fix: 'use smaller batches, or a longer text',
      });
  }

  get length(): number {
    return Math.ceil(this.#rowLength / this.#steps);
  }

  get settings(): SamplerSettings {
    const content = createHash('sha256').update(this.#tokens).digest('hex').slice(0, 16);
    return { batchSize: this.#rows, steps: this.#steps, tokens: this.#tokens.length, content };
  }

  at(index: number): TextPiece {
    const begin = index * this.#steps;
    const steps = Math.min(this.#steps, this.#rowLength - begin);
    const piece = (shift: number): Int32Array => {
      const data = new Int32Array(this.#rows * steps);
      for (let row = 0; row < this.#rows; row++) {
        const from = row * this.#rowLength + begin + shift;
        data.set(this.#tokens.subarray(from, from + steps), row * steps);
      }
      return data;
    };
    return { input: piece(0), target: piece(1), steps };
  }
}

/**
 * A long text for a language model: N rows, each a run of it, in pieces of T steps that follow each other, so that the
 * state of one batch is the start of the next.
 *
 *     tokens   a b c d e f g h i j k l m      batchSize: 2, steps: 4
 *
 *     input    a b c d   e f                  target   b c d e   f g
 *              g h i j   k l                           h i j k   l m
 *
 * Every token but the first is predicted once, and what does not fill the rows is left out at the end: less than one
 * step. The last piece may be shorter. A walk is an epoch from the first piece on; with `carryState` a Trainer hands
 * the state from piece to piece, and begins anew with each epoch:
 *
 *     const trainer = new Trainer({ model, optimizer, loss: new CrossEntropyLoss(), carryState: true });
 *     await trainer.fit(new TextStream(text.encode(book), { batchSize: 20, steps: 35 }), { epochs: 10 });
 *
 * @throws {OptionError} if there are too few tokens for the rows, a token is no whole number of 32 bits, or an option
 * is out of range
 */
export class TextStream extends DataLoader<TextPiece, TextBatch> {
  /** Rows that are read at once, N. */
  override readonly batchSize: number;

  /** @param tokens  whole numbers, as a tokenizer gives them; an Int32Array is not copied */
  constructor(tokens: ArrayLike<number>, options: TextStreamOptions) {
    super(new TextPieces(tokens, options), { collate: ([piece]) => batchOf(piece, options.batchSize) });
    this.batchSize = options.batchSize;
  }
}

function batchOf(piece: TextPiece | undefined, rows: number): TextBatch {
  const { input, target, steps } = piece ?? { input: new Int32Array(0), target: new Int32Array(0), steps: 0 };
  const shape = [rows, steps];
  return { input: markRows(tensor({ data: input, shape })), target: markRows(tensor({ data: target, shape })) };
}

function tokenArray(op: string, tokens: ArrayLike<number>): Int32Array {
  if (tokens instanceof Int32Array) return tokens;
  if (!isNumberList(tokens))
    throw new OptionError(op, {
      given: `tokens ${describe(tokens)}`,
      expected: 'an array of whole numbers',
      fix: 'encode the text first: text.encode(…)',
    });
  const values = new Int32Array(tokens.length);
  for (let place = 0; place < values.length; place++) {
    const token: unknown = tokens[place];
    if (typeof token === 'number') values[place] = token;
    if (values[place] !== token) throw noToken(op, token, place);
  }
  return values;
}

const noToken = (op: string, token: unknown, place: number): OptionError =>
  new OptionError(op, {
    given: `the token ${describe(token)} at place ${place}`,
    expected: 'whole numbers of 32 bits',
    fix:
      typeof token === 'bigint'
        ? 'pass numbers: Int32Array.from(tokens, Number)'
        : 'encode the text first: text.encode(…)',
  });
