import { binding } from '../native/load';
import { fullDeviceName, refuseDType } from './device-name';
import { DeviceError } from './errors';
import { oneOf } from './options';
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
  /** Of the CPU: who multiplies matrices, and with kernels for which processor, such as `BLIS skx`. */
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

/**
 * The device of that name as tensors give it: `cuda` is `cuda:0`.
 *
 * @throws {DeviceError} if it is not there; the message says why
 */
export function resolveDevice(op: string, name: string): string {
  refuseDType(op, name);
  const full = fullDeviceName(name);
  if (full === 'cpu') return full;
  const known = devices();
  if (known.some((device) => device.available && device.name === full)) return full;
  const reason = known.find((device) => !device.available && full.startsWith(device.name))?.reason;
  const names = known
    .filter((device) => device.available)
    .map((device) => device.name)
    .join(', ');
  throw new DeviceError(op, {
    given: `'${name}'`,
    expected: `one of: ${names}`,
    fix:
      reason === undefined
        ? 'use a device that devices() lists'
        : `no CUDA device: ${reason.replaceAll('\n  Fix: ', ' Fix: ').replace(/\.$/, '')}`,
  });
}

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
 */
export function synchronize(device: string = settings.device): Promise<void> {
  refuseInStep('synchronize()', 'wait outside the step');
  return binding.synchronize(device);
}

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
export function emptyCache(device: string = settings.device): Promise<void> {
  refuseInStep('emptyCache()', 'call it outside the step');
  return binding.emptyCache(device);
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
export const setMaxMemory = (bytes: number, device: string = settings.device): void =>
  binding.setMaxMemory(device, bytes);

/**
 * What products of f32 numbers may be computed in: `fma` f32 throughout; `tf32`, `bf16` or `f16`: the matrix units of a
 * CUDA device, the operands rounded to 10, 7 or 10 bits of mantissa (f16: to numbers up to 65,504), sums in f32.
 * Parameters, results and gradients are f32 always.
 */
export type MathMode = 'fma' | 'tf32' | 'bf16' | 'f16';

/** See `setMathMode`. */
export const mathMode = (): MathMode => binding.mathMode();

/**
 * Sets what recurrent layers and matrix products of f32 numbers may be computed in, for the calls that follow. `tf32`
 * at the start, as PyTorch's recurrent layers. The CPU computes in f32 whatever is allowed.
 *
 * @throws {OptionError} if `mode` is none of these
 * @see autocast for a part of a program
 */
export function setMathMode(mode: MathMode): void {
  binding.setMathMode(oneOf('setMathMode', 'mode', mode, ['fma', 'tf32', 'bf16', 'f16']));
}

/** Whether only algorithms are chosen that give the same bits in every run. */
export const isDeterministic = (): boolean => binding.isDeterministic();

/**
 * Chooses only algorithms that give the same bits in every run of the same program on the same machine, or not. Off at
 * the start: then cuDNN's algorithm for a recurrent layer is the fastest, which a later run may choose differently.
 * Everything else gives the same bits in any case.
 */
export const setDeterministic = (on: boolean): void => binding.setDeterministic(on);
