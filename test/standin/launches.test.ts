import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onStandin, standinIsBuilt } from '../support/standin';

/** The kernels and cuDNN's calls, in their order, that `body` asks for in a process whose CUDA is the stand-in. */
function launchesOf(body: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-launches-'));
  const log = join(folder, 'log');
  try {
    onStandin(`${body} return null;`, {
      STMNET_STANDIN_LOG: log,
      STMNET_STANDIN_LAYOUT: 'plain',
      STMNET_CUDNN_AUTOTUNE: '0',
    });
    return [
      ...readFileSync(log, 'utf8').matchAll(
        /^(?:cudaLaunchKernel kernel=(\w+)|(cudnnRNN(?:Forward|BackwardData_v8|BackwardWeights_v8)))/gm,
      ),
    ].map(([, kernel, call]) => kernel ?? call ?? '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!standinIsBuilt)('what a stack with dropout launches', () => {
  test('the weights of a layer are copied in two pieces, matrices and biases', () => {
    const launches = launchesOf(`
      stm.setMathMode('fma');
      const lstm = new stm.LSTM({ inputSize: 6, hiddenSize: 5, numLayers: 2, dropout: 0.5 });
      await lstm.forward(stm.randn([2, 3, 6])).output.sum().item();`);
    const layer = ['copy', 'copy', 'cudnnRNNForward'];
    expect(launches.slice(launches.indexOf('copy'), launches.lastIndexOf('cudnnRNNForward') + 1)).toEqual([
      ...layer,
      'dropout',
      ...layer,
    ]);
  });
});
