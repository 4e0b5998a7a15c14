import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { prelude, runScript } from '../support/child';
import { standinEnvironment } from '../../scripts/standin';

const root = join(__dirname, '..', '..');
const built = existsSync(join(root, 'build', 'standin', 'standin_control.node'));

/**
 * Trains a Linear in each mode of computing, eagerly and compiled, and tells its losses and how often what was called.
 */
const script = `
  const control = require(${JSON.stringify(join(root, 'build', 'standin', 'standin_control.node'))});
  stm.setDefaultDevice('cuda');
  (async () => {
    const losses = [];
    for (const mode of ['fma', 'tf32', 'bf16', 'f16']) {
      stm.setMathMode(mode);
      stm.manualSeed(1);
      const layer = new stm.Linear({ inFeatures: 12, outFeatures: 9 });
      const optimizer = new stm.SGD(layer.parameters(), { learningRate: 0.1 });
      const step = (x) => {
        const loss = layer.forward(x).square().mean();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      };
      const compiled = stm.compile(step);
      for (let i = 0; i < 7; i++) {
        const run = i < 2 ? step : compiled;
        losses.push(await run(stm.randn([5, 12])).item());
      }
    }
    const calls = (name) => control.callCount(name);
    console.log(JSON.stringify({
      losses,
      biased: calls('cublasLtMatmul'),
      asked: calls('cublasLtMatmulAlgoGetHeuristic'),
      products: calls('cublasGemmEx'),
    }));
  })();`;

interface Told {
  losses: number[];
  biased: number;
  asked: number;
  products: number;
}

function train(variables: Record<string, string>): Told {
  const { code, stdout, stderr } = runScript(prelude + script, {
    environment: { ...standinEnvironment(root), ...variables },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Told;
}

describe.skipIf(!built)('products with a bias (the stand-in)', () => {
  test('are one call of cuBLASLt, asked once for each kind; STMNET_CUBLASLT=0 takes cuBLAS and gives the same', () => {
    const [together, apart] = [train({}), train({ STMNET_CUBLASLT: '0' })];
    expect(together.losses).toHaveLength(28);
    // Of four modes: two steps as they are and three until there is a graph; the gradients are products without a bias.
    expect(together).toMatchObject({ biased: 20, asked: 4, products: 20 });
    expect(apart).toMatchObject({ biased: 0, asked: 0, products: 40 });
    together.losses.forEach((loss, i) => expect(loss).toBeCloseTo(apart.losses[i] ?? NaN, 5));
  });
});
