import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Findings } from '../../../src/cli/commands/doctor';
import { standinEnvironment } from '../../../scripts/standin';
import { stmnet } from '../../support/cli';

const root = join(__dirname, '..', '..', '..');

const findings = (environment: Record<string, string>): Findings =>
  JSON.parse(stmnet(['doctor', '--json'], environment).stdout) as Findings;
const part = (found: Findings, name: string): Findings['parts'][number] | undefined =>
  found.parts.find((candidate) => candidate.name.startsWith(name));

test('without a plug-in the CPU computes, and the plug-in is named', () => {
  const nowhere = { STMNET_CUDA_PLUGIN: join(root, 'nowhere.so') };
  const { code, stdout } = stmnet(['doctor'], nowhere);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}ok {2}cpu /m);
  expect(stdout).toMatch(/^ {2}no {2}cuda +not available$/m);
  expect(stdout).toMatch(/^ {2}no {2}CUDA plug-in +the CUDA plug-in is not there: .*nowhere\.so$/m);
  expect(stdout).toContain('Fix: to compute on the CPU nothing needs to be done; for an NVIDIA GPU install stmnet');
  expect(stdout).toContain('npm run build:cuda');
  const driver = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'].some((file) => existsSync(file));
  expect(stdout).toContain(
    driver
      ? 'stmnet computes on the CPU. For the GPU here mend what is marked above, from the top.\n'
      : 'No driver of an NVIDIA GPU was found: without such a GPU nothing is missing, and\nwhat is marked above does',
  );
  expect(stmnet(['doctor', '--require-cuda'], nowhere).code).toBe(1);
});

test('the vectors and the matrix kernels of the CPU are named, and why they are no better', () => {
  const chosen = { STMNET_CUDA_PLUGIN: join(root, 'nowhere.so'), STMNET_SIMD: 'SSE4' };
  const { stdout } = stmnet(['doctor'], chosen);
  expect(stdout).toMatch(/^ {2}ok {2}cpu +SSE4 vectors, BLIS \w+ products, \d+ threads?, /m);
  const cpu = findings(chosen).devices.find(({ name }) => name === 'cpu');
  expect(cpu).toMatchObject({ vectors: 'SSE4', products: expect.stringMatching(/^BLIS \w+$/) });
  const best = findings({ STMNET_SIMD: '' }).devices.find(({ name }) => name === 'cpu')?.vectors ?? '';
  expect(['AVX3 (AVX-512)', 'AVX2', 'SSE4', 'NEON']).toContain(best);
  if (best === 'SSE4') return;
  expect(cpu?.limit).toMatch(/^STMNET_SIMD chose the vectors, of a processor that has AVX/);
  expect(stdout).toContain(`no better ones: ${cpu?.limit}`);
});

test('a plug-in of other sources is refused', () => {
  const alien = findings({ STMNET_CUDA_PLUGIN: join(root, 'build', 'Release', 'stmnet.node') });
  expect(part(alien, 'CUDA plug-in')).toMatchObject({
    found: false,
    problem: expect.stringContaining('other sources'),
    fix: expect.stringContaining('npm run build:cuda'),
  });
});

test('JSON goes to a file beside the text', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-doctor-'));
  const file = join(folder, 'doctor.json');
  const { code, stdout } = stmnet(['doctor', '--json', file], { STMNET_CUDA_PLUGIN: join(root, 'nowhere.so') });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}ok {2}cpu /m);
  expect((JSON.parse(readFileSync(file, 'utf8')) as Findings).devices[0]).toMatchObject({ name: 'cpu', trial: 'ok' });
  rmSync(folder, { recursive: true });
});

test('an unknown option is named', () => {
  const { code, stderr } = stmnet(['doctor', '--jsn']);
  expect(code).toBe(2);
  expect(stderr).toBe('stmnet: got --jsn, which is no option of stmnet doctor. Fix: write --json, if that is meant.\n');
});

const plugin = join(root, 'build', 'Release', 'libstmnet_cuda.so');
const bare = findings({});
describe.skipIf(
  !existsSync(plugin) || bare.devices.some(({ name, available }) => name.startsWith('cuda') && available),
)('the plug-in on a machine without CUDA', () => {
  const nothing = findings({ STMNET_CUBLAS_LIB: '', STMNET_CUDNN_LIB: '', STMNET_CUDA_LIBS: '' });

  test('names each part that is missing, and how to mend it', () => {
    expect(part(nothing, 'CUDA plug-in')).toMatchObject({ found: true, path: plugin });
    expect(part(nothing, 'NVIDIA driver')).toMatchObject({
      found: false,
      problem: expect.stringMatching(/driver/),
      fix: expect.stringMatching(/install driver 5\d\d or later/),
    });
    expect(part(nothing, 'CUDA device')).toMatchObject({ found: false });
    for (const name of ['cuBLAS', 'cuDNN', 'cuDNN sub-libraries']) {
      const { found, path, problem = '', fix = '' } = part(nothing, name) ?? {};
      if (found === true) expect(path).not.toBe('');
      else expect([problem, fix]).not.toContain('');
    }
  });

  test('says the first of them where a device is asked for', () => {
    expect(nothing.devices.find(({ name }) => name === 'cuda')).toMatchObject({
      available: false,
      reason: expect.stringMatching(/^NVIDIA driver: .*\n {2}Fix: install driver/),
    });
  });
});

const built = existsSync(join(root, 'build', 'standin', 'standin_control.node'));
const standin = built ? standinEnvironment(root) : {};

describe.skipIf(!built)('with a device (the stand-in)', () => {
  test('lists it, and lets a small LSTM run on it', () => {
    const { code, stdout } = stmnet(['doctor', '--require-cuda'], standin);
    expect(stdout).toMatch(/^ {2}ok {2}cuda:0 +CUDA stand-in .* cuDNN 9\.24\.0$/m);
    expect(stdout).toContain('stmnet computes on the CPU and on cuda:0.');
    expect(code).toBe(0);
  });

  test.each([
    ['no driver', { STMNET_STANDIN_DRIVER: '0' }, 'NVIDIA driver', /no NVIDIA driver/],
    ['a driver that is too old', { STMNET_STANDIN_DRIVER: '11040' }, 'NVIDIA driver', /serves CUDA up to 11\.4/],
    ['no GPU', { STMNET_STANDIN_DEVICES: '0' }, 'CUDA device', /sees no GPU/],
    ['a GPU that is too old', { STMNET_STANDIN_CAPABILITY: '61' }, 'CUDA device', /compute capability 7\.5 or later/],
    ['an old cuDNN', { STMNET_STANDIN_CUDNN: '8907' }, 'cuDNN', /it is version 8\.9\.7, and 9\.0 or later is needed/],
    [
      'a cuDNN that is not there',
      { STMNET_CUDNN_LIB: '/nowhere/libcudnn.so.9' },
      'cuDNN',
      /STMNET_CUDNN_LIB names a file that does not load/,
    ],
    [
      'a cuBLAS that is something else',
      { STMNET_CUBLAS_LIB: join(root, 'build', 'Release', 'stmnet.node') },
      'cuBLAS',
      /it has no function cublas/,
    ],
  ])('%s is named', (_, environment, name, problem) => {
    const found = findings({ ...standin, ...environment });
    const { found: fine, problem: given, fix } = part(found, name) ?? {};
    expect([fine, given]).toEqual([false, expect.stringMatching(problem)]);
    expect(fix).not.toBe('');
    expect(found.devices.filter(({ name: device, available }) => device.startsWith('cuda') && available)).toEqual([]);
    expect(found.devices.find(({ name: device }) => device.startsWith('cuda'))?.reason).not.toBe('');
  });
});

describe.skipIf(!built)('where libraries are found (the stand-in’s, in other folders)', () => {
  let folder: string;
  const [compiler, builtins] = ['libnvrtc.so.13', 'libnvrtc-builtins.so.13.0'];

  /** Copies files of the stand-in into a folder below the test's. */
  const place = (below: string, ...files: string[]): string => {
    const to = join(folder, below);
    mkdirSync(to, { recursive: true });
    for (const file of files) copyFileSync(join(root, 'build', 'standin', file), join(to, file));
    return to;
  };
  /** The plug-in and its libraries, in a folder that they have to themselves. */
  const plain = (): Record<string, string> => {
    const there = place('plain', 'libstmnet_cuda_standin.so', 'libcuda_standin.so');
    const libraries = join(there, 'libcuda_standin.so');
    return {
      STMNET_CUDA_PLUGIN: join(there, 'libstmnet_cuda_standin.so'),
      STMNET_CUBLAS_LIB: libraries,
      STMNET_CUDNN_LIB: libraries,
      STMNET_CUDA_LIBS: '',
    };
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'stmnet-doctor-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('NVRTC is that beside cuBLAS, and is opened before cuDNN', () => {
    const log = join(folder, 'calls');
    expect(part(findings({ ...standin, STMNET_STANDIN_LOG: log }), 'NVRTC')).toMatchObject({
      found: true,
      version: '13.0',
      path: join(root, 'build', 'standin', compiler),
    });
    expect(readFileSync(log, 'utf8').match(/^cudnnGetVersion .*$/m)?.[0]).toContain('nvrtc=1');
  });

  test('NVRTC is found where wheels have it', () => {
    const wheel = place('wheels/nvidia/cu13/lib', compiler, builtins);
    expect(part(findings({ ...plain(), STMNET_CUDA_LIBS: join(folder, 'wheels') }), 'NVRTC')).toMatchObject({
      found: true,
      path: join(wheel, compiler),
    });
  });

  test('NVRTC without its builtins is named', () => {
    const there = place('plain', compiler);
    expect(part(findings(plain()), 'NVRTC')).toMatchObject({
      found: false,
      path: join(there, compiler),
      problem: expect.stringContaining(`${builtins} is missing`),
      fix: expect.stringContaining('nvidia-cuda-nvrtc'),
    });
  });

  test('a machine without NVRTC computes, and doctor says what that costs', () => {
    const found = findings(plain());
    expect(found.devices.find(({ name }) => name === 'cuda:0')).toMatchObject({ available: true });
    const { found: there, problem, path } = part(found, 'NVRTC') ?? {};
    if (there === true)
      expect(path).not.toContain(folder); // the machine's own
    else expect(problem).toMatch(/libnvrtc\.so\.13 was not found; .*'persistDynamic'/);
  });
});

const nowhere = {
  VIRTUAL_ENV: '',
  CONDA_PREFIX: '',
  PYENV_VERSION: '',
  PATH: '/nowhere',
  HOME: '/nowhere',
  STMNET_CUBLAS_LIB: '',
  STMNET_CUDNN_LIB: '',
  STMNET_CUDA_LIBS: '',
  STMNET_STANDIN_DEVICES: '0',
};
const machine = built ? findings({ ...standin, ...nowhere }) : undefined;
const own = ['cuBLAS', 'cuDNN'].some((name) => machine !== undefined && part(machine, name)?.found === true);

describe.skipIf(!built || own)(
  'libraries among the packages of the python3 on the PATH (where the machine has none itself)',
  () => {
    let folder: string;

    /** A python3 that leaves a file if it is run. */
    const python = (file: string): string => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `#!/bin/sh\necho > ${join(folder, 'ran')}\n`, { mode: 0o755 });
      return file;
    };
    const link = (file: string, to: string): void => {
      mkdirSync(dirname(file), { recursive: true });
      symlinkSync(to, file);
    };
    const packagesOf = (base: string): string => join(base, 'lib', 'python3.12', 'site-packages', 'nvidia');
    /** cuBLAS and cuDNN as Python's packages. */
    const install = (base: string): void => {
      for (const [name, file] of [
        ['cu13', 'libcublas.so.13'],
        ['cudnn', 'libcudnn.so.9'],
      ] as const) {
        const to = join(packagesOf(base), name, 'lib');
        mkdirSync(to, { recursive: true });
        copyFileSync(join(root, 'build', 'standin', 'libcuda_standin.so'), join(to, file));
      }
    };
    const expectFound = (path: string, base: string, environment: Record<string, string> = {}): void => {
      const found = findings({ ...standin, ...nowhere, ...environment, PATH: path });
      expect(part(found, 'cuBLAS')).toMatchObject({
        found: true,
        path: join(packagesOf(base), 'cu13', 'lib', 'libcublas.so.13'),
      });
      expect(part(found, 'cuDNN')).toMatchObject({
        found: true,
        path: join(packagesOf(base), 'cudnn', 'lib', 'libcudnn.so.9'),
      });
      expect(existsSync(join(folder, 'ran'))).toBe(false);
    };

    beforeEach(() => {
      folder = realpathSync(mkdtempSync(join(tmpdir(), 'stmnet-python-')));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    test('a virtual environment that is not active', () => {
      link(join(folder, 'venv', 'bin', 'python3'), python(join(folder, 'base', 'bin', 'python3.12')));
      install(join(folder, 'venv'));
      mkdirSync(join(folder, 'empty'));
      expectFound(`${join(folder, 'empty')}:${join(folder, 'venv', 'bin')}`, join(folder, 'venv'));
    });

    test('the Python that a link leads to', () => {
      link(join(folder, 'links', 'python3'), python(join(folder, 'base', 'bin', 'python3.12')));
      install(join(folder, 'base'));
      expectFound(join(folder, 'links'), join(folder, 'base'));
    });

    test('the version that pyenv would run', () => {
      python(join(folder, 'pyenv', 'shims', 'python3'));
      for (const version of ['3.11.4', '3.12.1']) install(join(folder, 'pyenv', 'versions', version));
      writeFileSync(join(folder, 'pyenv', 'version'), '3.12.1\n');
      expectFound(join(folder, 'pyenv', 'shims'), join(folder, 'pyenv', 'versions', '3.12.1'));
      expectFound(join(folder, 'pyenv', 'shims'), join(folder, 'pyenv', 'versions', '3.11.4'), {
        PYENV_VERSION: '3.11',
      });
    });

    test('an active environment comes first', () => {
      python(join(folder, 'base', 'bin', 'python3'));
      for (const base of ['base', 'active']) install(join(folder, base));
      expectFound(join(folder, 'base', 'bin'), join(folder, 'active'), { VIRTUAL_ENV: join(folder, 'active') });
    });

    test('what is missing is said, with the command that shows where Python has it', () => {
      const { found, problem, fix } = (machine && part(machine, 'cuBLAS')) ?? {};
      expect([found, problem]).toEqual([false, expect.stringContaining('libcublas.so.13 was not found')]);
      expect(fix).toContain("`python3 -c 'import nvidia, os; print(*map(os.path.dirname, nvidia.__path__))'` shows");
    });
  },
);
