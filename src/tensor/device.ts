import { binding } from '../native/load';
import { DeviceError } from './errors';

/** What `devices()` says of one device. */
export interface DeviceInfo {
  /** As in `{ device: 'cpu' }`. */
  name: string;
  /** How it computes: instruction set, matrix kernels, threads. */
  description: string;
}

const settings = { device: 'cpu' };

/** Devices that can compute here. */
export function devices(): DeviceInfo[] {
  return Array.from({ length: binding.deviceCount() }, (_, index) => ({ name: binding.deviceName(index), description: binding.deviceDescription(index) }));
}

/**
 * The device on which factories and layers make tensors unless told otherwise.
 *
 * @param name  one that `devices()` lists
 * @throws {DeviceError} if it is not there
 */
export function setDefaultDevice(name: string): void {
  const known = devices().map((device) => device.name);
  if (!known.includes(name)) {
    throw new DeviceError('setDefaultDevice', { given: `'${name}'`, expected: `one of: ${known.join(', ')}`, fix: 'use a device that devices() lists' });
  }
  settings.device = name;
}

/** Name of the default device. */
export const defaultDevice = (): string => settings.device;

/** Resolves once everything asked for so far is computed; rejects with the first fault that no read has reported yet. */
export const synchronize = (device: string = settings.device): Promise<void> => binding.synchronize(device);

/** Threads that the CPU computes with. */
export const numThreads = (): number => binding.numThreads();

/**
 * Sets the number of threads that the CPU computes with, for the whole process.
 *
 * @param count  1 or more; 0 goes back to the default: STMNET_NUM_THREADS, else the cores that affinity and the container's quota allow
 * @throws {OptionError} if `count` is not a whole number in 0..1024
 */
export const setNumThreads = (count: number): void => binding.setNumThreads(count);

/** What is alive, allocated and queued: tensors that scripts hold, device bytes, commands. */
export const memory = (): ReturnType<typeof binding.memory> => binding.memory();
