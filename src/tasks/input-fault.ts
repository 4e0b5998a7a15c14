import { describe } from '../tensor/options';

/** What is wrong with what a client sent as JSON, in words of JSON: the three parts of a message. */
export interface InputFault {
  /** What was sent, with its value. */
  readonly given: string;
  /** What was expected in its place. */
  readonly expected: string;
  /** What to send, as in `send {"input": "a text"}`. */
  readonly fix: string;
}

/** What is wrong with an input that has to be a text; undefined if it is one. */
export const textFault = (input: unknown): InputFault | undefined =>
  typeof input === 'string'
    ? undefined
    : {
        given: describe(input),
        expected: 'a text',
        fix: 'send {"input": "a text"}, or {"inputs": ["a text", "another"]} for several',
      };
