export { LogMel } from './log-mel';
export type { LogMelOptions, LogMelSettings } from './log-mel-options';
export type { LogMelStream } from './log-mel-stream';
