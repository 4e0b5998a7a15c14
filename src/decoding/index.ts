// What comes next, of the scores of any model, and what it comes to.
export { beamSearch } from './beam-search';
export { ctcBeamSearch, type CTCBeamSearchOptions, type CTCHypothesis, type CTCLanguageModel } from './ctc-beam-search';
export { ctcGreedyDecode, type CTCGreedyOptions } from './ctc-greedy-decode';
export { greedySearch } from './greedy-search';
export type { Hypothesis } from './hypothesis';
export { sample, type SampleOptions } from './sample';
export type { BeamSearchOptions, DecodeOptions, GreedySearchOptions } from './search-options';
export { selectRows } from './select-rows';
export type { DecodeStep, StepResult } from './step';
export { tokenProbabilities, type SamplingOptions } from './token-probabilities';
export { TokenSampler, type TokenSamplerOptions } from './token-sampler';
