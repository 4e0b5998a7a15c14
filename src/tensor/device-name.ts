import { DeviceError } from './errors';

/** The name of a device as tensors give it: `cuda` is `cuda:0`. */
export const fullDeviceName = (name: string): string => (name === 'cuda' ? 'cuda:0' : name);

/** @throws {DeviceError} if `name` is an element type, which other libraries take in the place of a device */
export function refuseDType(op: string, name: string): void {
  if (!['f32', 'f64', 'i32', 'bool'].includes(name)) return;
  throw new DeviceError(op, {
    given: `the element type '${name}'`,
    expected: "a device, such as 'cpu' or 'cuda'",
    fix: `write cast('${name}') for another element type`,
  });
}
