import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './tarball';

/** Where `npm run bench:peers` puts what stmnet is compared with. */
const folder = join(repository, 'build', 'peers');

/** The Python with PyTorch, Keras, JAX and onnx: `STMNET_PYTHON`, that of `npm run bench:peers`, or `python3`. */
export function python(): string {
  const made = join(folder, 'bin', 'python');
  return process.env['STMNET_PYTHON'] ?? (existsSync(made) ? made : 'python3');
}

/** The folder whose node_modules has onnxruntime-node and TensorFlow.js, of a name that is given or the usual one. */
export const nodePeers = (given: string): string => (given === '' ? join(folder, 'node') : given);
