import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findViolations } from '../../scripts/layers';

const folders: string[] = [];

/** A repository with these files, and nothing else. */
function repository(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'stmnet-layers-'));
  folders.push(root);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

const rules = (files: Record<string, string>): string[] =>
  findViolations(repository(files)).map(({ file, rule }) => `${file}: ${rule}`);

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('layers of src/', () => {
  it('lets a layer import every layer below it, and the entry import all', () => {
    expect(
      rules({
        'src/index.ts': "export * from './training/trainer';",
        'src/training/trainer.ts':
          "import { Tensor } from '../tensor/tensor';\n" +
          "import { Module } from '../layers/module';\n" +
          "import fs from 'node:fs';",
        'src/layers/linear.ts': "import { Module } from './module';\nimport { binding } from '../native/load';",
        'src/optimizers/adam.ts': "import type { Parameter } from '../module/parameter';",
      }),
    ).toEqual([]);
  });

  it('finds an import from a higher layer, in every form', () => {
    const upward = 'tensor/ lies below layers/ and must not know it';
    expect(
      rules({
        'src/tensor/a.ts': "import {\n  Linear,\n} from '../layers/linear';",
        'src/tensor/b.ts': "export * from '../layers/linear.js';",
        'src/tensor/c.ts': "const later = () => import('../layers/linear');",
        'src/tensor/d.ts': "import '../layers/linear';",
        'src/tensor/e.ts': "import type { Linear } from '../layers/linear';",
      }),
    ).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `src/tensor/${name}.ts: ${upward}`));
  });

  it('keeps siblings apart, types too, and lets them know what lies below', () => {
    expect(
      rules({
        'src/io/model.ts': "import type { Module } from '../module/module';",
        'src/losses/mse.ts': "import type { Module } from '../module/module';",
        'src/optimizers/sgd.ts': "import { Parameter } from '../module/parameter';",
        'src/optimizers/adam.ts': "import type { Linear } from '../layers/linear';",
        'src/module/file.ts': "import { FileError } from '../files/file-error';",
      }),
    ).toEqual([
      'src/module/file.ts: module/ and files/ are siblings and do not import each other',
      'src/optimizers/adam.ts: optimizers/ and layers/ are siblings and do not import each other',
    ]);
  });

  it('lets nobody in src/ import the entry, a file outside, or a folder without a layer', () => {
    expect(
      rules({
        'src/cli/main.ts': "import { LSTM } from '../index';",
        'src/data/csv.ts': "import { x } from '../../test/support/devices';",
        'src/helpers/a.ts': "import { Tensor } from '../tensor/tensor';",
      }),
    ).toEqual([
      'src/cli/main.ts: nothing in src/ imports src/index.ts',
      'src/data/csv.ts: nothing in src/ imports from outside src/',
      'src/helpers/a.ts: src/helpers has no layer; give it one in scripts/layers.ts and docs/architecture.md',
    ]);
  });

  it('reads code, not comments', () => {
    expect(
      rules({
        'src/tensor/a.ts':
          "// import { x } from '../layers/linear';\n" +
          "/* import '../layers/linear'; */\n" +
          "const url = 'http://x'; import { y } from '../training/y';",
      }),
    ).toEqual(['src/tensor/a.ts: tensor/ lies below training/ and must not know it']);
  });
});

describe('layers of native/', () => {
  const boundary = {
    'native/backend/backend.h': '',
    'native/backend/kernels/reduce.h': '#include "backend/status.h"',
    'native/backend/status.h': '',
    'native/core/tensor.h': '',
  };

  it('lets each layer include what lies below', () => {
    expect(
      rules({
        ...boundary,
        'native/ops/reduce.cc': '#include "core/tensor.h"\n#include "backend/kernels/reduce.h"\n#include <vector>',
        'native/core/tensor.cc': '#include "tensor.h"\n#include "backend/backend.h"',
        'native/backend/cpu/reduce.cc': '#include "backend/kernels/reduce.h"\n#include "team.h"',
        'native/backend/cpu/team.h': '',
        'native/binding/addon.cc': '#include <node_api.h>\n#include "core/tensor.h"',
      }),
    ).toEqual([]);
  });

  it('keeps Node-API in binding/ and CUDA in backend/cuda/', () => {
    expect(
      rules({
        'native/ops/matmul.cc': '#include <cublas_v2.h>',
        'native/core/executor.cc': '#  include <node_api.h>',
        'native/backend/cuda/matmul.cc': '#include <cublas_v2.h>',
      }),
    ).toEqual([
      'native/core/executor.cc: node_api.h belongs to native/binding alone',
      'native/ops/matmul.cc: cublas_v2.h belongs to native/backend/cuda alone',
    ]);
  });

  it('shows core and ops the device boundary and nothing behind it', () => {
    const hidden = 'sees a device only through the headers of backend/ and backend/kernels/';
    expect(
      rules({
        'native/backend/cpu/team.h': '',
        'native/core/session.cc': '#include "backend/cpu/team.h"',
        'native/ops/matmul.cc': '#include "../backend/cpu/team.h"',
        'native/backend/cuda/a.cc': '#include "backend/cpu/team.h"',
      }),
    ).toEqual([
      `native/backend/cuda/a.cc: backend/cuda ${hidden}`,
      `native/core/session.cc: core ${hidden}`,
      `native/ops/matmul.cc: ops ${hidden}`,
    ]);
  });

  it('finds an include from a higher layer', () => {
    expect(
      rules({
        ...boundary,
        'native/ops/ops.h': '',
        'native/core/history.cc': '#include "ops/ops.h"',
        'native/backend/cpu/a.cc': '#include "core/tensor.h"',
        'native/backend/view.h': '#include "core/tensor.h"',
      }),
    ).toEqual([
      'native/backend/cpu/a.cc: backend/cpu lies below core and must not know it',
      'native/backend/view.h: the device boundary lies below core and must not know it',
      'native/core/history.cc: core lies below ops and must not know it',
    ]);
  });
});
