import { binding } from '../native/load';
import { DeviceError } from './errors';
import { refuseInStep } from './replay-notes';

/** What `devices()` says of one device. */
export interface DeviceInfo {
  /** As in `{ device: 'cuda:0' }`; `cuda` alone where there is none. */
  name: string;
  /** Whether it can compute here. */
  available: boolean;
  /** What it is, such as `NVIDIA H200`. */
  model?: string;
  /** How it computes: vectors, matrix kernels, threads. */
  description?: string;
  /** Of the CPU: the vectors that its kernels use: `AVX3 (AVX-512)`, `AVX2`, `SSE4` or `NEON`. */
  vectors?: string;
  /** Of the CPU: who multiplies matrices of f64, and with kernels for which processor, such as `BLIS skx`. */
  products?: string;
  /** Of the CPU: why no better vectors or matrix kernels are used; absent if these are the best there are. */
  limit?: string;
  /** Its memory in bytes. */
  memory?: number;
  /** Version of cuDNN, such as `9.24.0`. */
  cudnn?: string;
  /** Why it is not available, and how to mend that. */
  reason?: string;
}

/** One thing that computing on a GPU needs: the plug-in, the driver, a library, a device. */
export interface DevicePart {
  name: string;
  found: boolean;
  version: string;
  path: string;
  /** What is wrong; empty if nothing is. */
  problem: string;
  /** What to do about it. */
  fix: string;
}

/** Everything that computing on a GPU needs, in the order in which to mend it. */
export const deviceParts = (): DevicePart[] => binding.deviceParts();

const settings = { device: 'cpu' };

/** The devices of this machine; where there is no CUDA device, an entry that says why. */
export function devices(): DeviceInfo[] {
  return binding.devices().map(({ name, available, memory: bytes, ...texts }) => {
    const said = Object.entries(texts).filter(([, text]) => text !== '');
    return { name, available, ...(bytes === 0 ? {} : { memory: bytes }), ...Object.fromEntries(said) };
  });
}

/** The name of a device as tensors give it: `cuda` is `cuda:0`. */
export const fullDeviceName = (name: string): string => (name === 'cuda' ? 'cuda:0' : name);

/** @throws {DeviceError} if `name` is an element type, which other libraries take in the place of a device */
export function refuseDType(op: string, name: string): void {
  if (!['f32', 'f64', 'i32', 'bool', 'i8'].includes(name)) return;
  throw new DeviceError(op, {
    given: `the element type '${name}'`,
    expected: "a device, such as 'cpu' or 'cuda'",
    fix: `write cast('${name}') for another element type`,
  });
}

/**
 * The device of that name as tensors give it: `cuda` is `cuda:0`.
 *
 * @throws {DeviceError} if it is not there; the message says why, in the words of a factory that is given it
 */
export function resolveDevice(op: string, name: string): string {
  refuseDType(op, name);
  const full = fullDeviceName(name);
  if (full === 'cpu') return full;
  const known = devices();
  if (known.some((device) => device.available && device.name === full)) return full;
  const names = known.filter(({ available }) => available).map((device) => device.name);
  const missing = known.find((device) => !device.available && full.startsWith(device.name));
  const [why, fix = SEE_DEVICES] = (missing?.reason ?? '').split('\n  Fix: ').map((text) => text.replace(/\.$/, ''));
  throw new DeviceError(op, {
    given: `device '${name}'`,
    expected: `one of: ${names.join(', ')}${missing === undefined ? '' : `. No CUDA device: ${why}`}`,
    fix,
  });
}

const SEE_DEVICES = 'call devices() to see what this machine offers and why a device is missing';

/**
 * The device on which factories and layers make tensors unless told otherwise.
 *
 * @param name  one that `devices()` lists as available; `cuda` is `cuda:0`
 * @throws {DeviceError} if it is not there; the message says why
 */
export function setDefaultDevice(name: string): void {
  settings.device = resolveDevice('setDefaultDevice', name);
}

/** Name of the default device. */
export const defaultDevice = (): string => settings.device;

/**
 * Resolves once everything asked for so far is computed; rejects with the first fault that no read has reported yet.
 *
 * @param device  default: the default device
 * @throws {OptionError} inside a step of compile(); {DeviceError} if there is no such device
 */
export function synchronize(device: string = settings.device): Promise<void> {
  refuseInStep('synchronize()', 'wait outside the step');
  return binding.synchronize(device);
}

/** Threads that the CPU is to compute with: fewer, where the system gives no more. */
export const numThreads = (): number => binding.numThreads();

/**
 * Sets the number of threads that the CPU computes with, for the whole process, from the next command on. Where the
 * system refuses so many, it computes with fewer.
 *
 * @param count  1 or more; 0 goes back to the default: STMNET_NUM_THREADS, else the cores that affinity and the
 * container's quota allow
 * @throws {OptionError} if `count` is not a whole number in 0..1024
 */
export const setNumThreads = (count: number): void => binding.setNumThreads(count);
