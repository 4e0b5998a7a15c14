import { binding } from '../native/load';
import { defaultDevice } from './device';
import { refuseInStep } from './replay-notes';

/** What `memory()` says: of tensors, of the bytes of all devices together, and of the commands that wait to be run. */
export interface MemoryInfo {
  /** Tensors that scripts hold. */
  handles: number;
  /** Tensors that the garbage collector has disposed of so far, rather than `dispose()` or a scope. */
  collectedByGc: number;
  /** Bytes that tensors hold, those that only a history or a queued command needs included. */
  usedBytes: number;
  /** The most bytes that were held at a time. */
  peakBytes: number;
  /** Bytes that no tensor holds and that are kept for the next ones; see `emptyCache`. */
  cachedBytes: number;
  /** Commands that are queued and not yet finished. */
  queuedCommands: number;
  /** Bytes that these commands take themselves, host data that they carry included. */
  queuedBytes: number;
  /** The most commands that were queued at a time. */
  peakCommands: number;
  /** How often a call had to wait because the queue was full. */
  stalls: number;
  /** How long these calls waited, in milliseconds. */
  stalledMs: number;
}

/** What is alive, allocated and queued now. */
export const memory = (): MemoryInfo => binding.memory();

/**
 * Limits what the tensors of a device may hold. An op that would need more rejects the next read with the sizes asked
 * for, held and allowed.
 *
 * @param bytes   0 for as much as there is
 * @param device  default: the default device
 * @throws {OptionError} if `bytes` is no number of bytes
 */
export const setMaxMemory = (bytes: number, device: string = defaultDevice()): void =>
  binding.setMaxMemory(device, bytes);

/**
 * Gives the memory that a device keeps for later tensors back to the system, for other programs to use. What tensors
 * hold stays; the next ones are made a little slower. Resolves once it is done, after everything asked for so far.
 *
 * Nobody has to call it: what is kept is reused, stays within what tensors needed lately, and goes back by itself where
 * memory is short.
 *
 * @throws {OptionError} inside a step of compile(); {DeviceError} if there is no such device
 * @see memory, whose `cachedBytes` counts what is kept
 */
export function emptyCache(device: string = defaultDevice()): Promise<void> {
  refuseInStep('emptyCache()', 'call it outside the step');
  return binding.emptyCache(device);
}
