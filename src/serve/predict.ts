import { describe, isPlainObject } from '../tensor/options';
import { readBody } from './body';
import type { Exchange } from './exchange';
import type { Gatherer } from './gather';
import { checkLength } from './input-length';
import { replyJson } from './reply';
import { noObject, orAllowed, tooLate, unusable } from './request-error';
import type { Predictor } from './servable';
import type { ServeSettings } from './serve-options';

/**
 * Answers POST /predict: { input } by { prediction }, { inputs } by { predictions }.
 *
 * @param task      whose inputs they are
 * @param gatherer  computes the inputs of all requests
 */
export async function predict(
  exchange: Exchange,
  task: Predictor,
  gatherer: Gatherer<unknown, unknown>,
  settings: ServeSettings,
): Promise<void> {
  const { op, signal, response } = exchange;
  const { inputs, several } = readInputs(op, await readBody(exchange, settings, '{"input": "a text"}'), settings);
  inputs.forEach((input, i) => {
    const fault = task.inputFault?.(input);
    if (fault !== undefined) throw unusable(op, fault, several ? `inputs[${i}]` : 'input');
  });
  exchange.patience(settings.timeout, () => tooLate(op, settings.timeout));
  const predictions = await gatherer.add(inputs, signal);
  replyJson(response, several ? { predictions } : { prediction: predictions[0] });
}

/** Inputs of a request: one, or several. */
interface Asked {
  readonly inputs: readonly unknown[];
  readonly several: boolean;
}

const SEND = 'send {"input": …} for one, {"inputs": [ … ]} for several';

function readInputs(op: string, body: unknown, { maxInputs, maxLength }: ServeSettings): Asked {
  if (!isPlainObject(body)) throw unusable(op, noObject(body, SEND));
  checkNames(op, Object.keys(body));
  if ('input' in body) {
    checkLength(op, body['input'], maxLength, 'input');
    return { inputs: [body['input']], several: false };
  }
  const { inputs } = body;
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > maxInputs)
    throw unusable(op, {
      given: Array.isArray(inputs) ? `${inputs.length} inputs` : `"inputs": ${describe(inputs)}`,
      expected: `an array of 1 to ${maxInputs}`,
      fix:
        Array.isArray(inputs) && inputs.length > 0
          ? `send them in several requests, ${orAllowed('maxInputs')}`
          : 'send {"inputs": [ … ]}',
    });
  inputs.forEach((input, i) => checkLength(op, input, maxLength, `inputs[${i}]`));
  return { inputs, several: true };
}

/** @throws {RequestError} 422 unless there is one of the two names, and no other */
function checkNames(op: string, names: readonly string[]): void {
  if (names.length === 1 && (names[0] === 'input' || names[0] === 'inputs')) return;
  const told = names.slice(0, 10).map((name) => describe(name.slice(0, 100)));
  throw unusable(op, {
    given: names.length === 0 ? 'an empty body, {}' : `a body with ${told.join(' and ')}`,
    expected: 'one of "input" and "inputs", and nothing else',
    fix: SEND,
  });
}
