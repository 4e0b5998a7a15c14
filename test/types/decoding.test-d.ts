// What steps and searches may be typed for; compiled, never run.
import { beamSearch, greedySearch, sample, selectRows, type DecodeStep, type Hypothesis, type LSTMState } from 'stmnet';
import type { Tensor } from 'stmnet';

declare const step: DecodeStep<LSTMState>;
declare const state: LSTMState;
declare const tensor: Tensor;

// The state of the step is that of the search.
void (beamSearch(step, { start: state, maxLength: 3 }) satisfies Promise<Hypothesis[][]>);
void (greedySearch(step, { start: state, maxLength: 3 }) satisfies Promise<Hypothesis[]>);
sample(step, { start: state, topK: 3 }) satisfies AsyncGenerator<number, void, undefined>;
selectRows(state, [0, 0]) satisfies LSTMState;
// @ts-expect-error another state
void beamSearch(step, { start: { h: tensor }, maxLength: 3 });
// @ts-expect-error a search has an end
void beamSearch(step, { start: state });
// @ts-expect-error an option of beamSearch
void greedySearch(step, { start: state, maxLength: 3, beamSize: 2 });

// A step may be asynchronous, and written where it is used.
void beamSearch(async (tokens, count) => ({ scores: tokens, state: count + 1 }), { start: 0, maxLength: 3 });
// @ts-expect-error a step gives a state of the kind that it takes
void beamSearch((tokens: Tensor, count: number) => ({ scores: tokens, state: String(count) }), {
  start: 0,
  maxLength: 3,
});
