import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Environment variables under which `cuda` is the stand-in: the plug-in's own sources on libraries that stand for CUDA,
 * cuBLAS and cuDNN and compute on the CPU.
 *
 * @param root  the repository's root folder
 * @throws {Error} if it is not built
 */
export function standinEnvironment(root: string): Record<string, string> {
  const folder = process.env['STMNET_STANDIN'] ?? join(root, 'build', 'standin');
  const [plugin, libraries] = ['libstmnet_cuda_standin.so', 'libcuda_standin.so'].map((name) => join(folder, name));
  if (plugin === undefined || libraries === undefined || !existsSync(plugin) || !existsSync(libraries)) {
    throw new Error(`got no ${plugin ?? ''}, expected the stand-in for CUDA.\n  Fix: npm run build:standin`);
  }
  return { STMNET_CUDA_PLUGIN: plugin, STMNET_CUBLAS_LIB: libraries, STMNET_CUDNN_LIB: libraries };
}
