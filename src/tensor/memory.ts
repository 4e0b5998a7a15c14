import { binding } from '../native/load';
import { defaultDevice } from './device';
import { refuseInStep } from './replay-notes';

/**
 * What is alive, allocated and queued: tensors that scripts hold, device bytes in use (`usedBytes`) and kept for later
 * (`cachedBytes`), commands.
 */
export const memory = (): ReturnType<typeof binding.memory> => binding.memory();

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
