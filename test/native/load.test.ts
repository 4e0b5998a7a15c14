import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { read, root as repository, sourceHash } from '../../scripts/toolchain.mjs';
import { AddonNotFoundError, addonFile, binding, loadAddon } from '../../src/native/load';

describe('loadAddon', () => {
  let root: string;
  const at = (...path: string[]): string => join(root, ...path);
  const place = (file: string, works: boolean): string => {
    mkdirSync(dirname(file), { recursive: true });
    if (works) copyFileSync(addonFile, file);
    else writeFileSync(file, 'no addon');
    return file;
  };
  const machine = { platform: process.platform, arch: process.arch };
  const failure = (search: Parameters<typeof loadAddon>[0]): string => {
    try {
      loadAddon(search);
    } catch (error) {
      expect(error).toBeInstanceOf(AddonNotFoundError);
      return (error as AddonNotFoundError).message;
    }
    throw new Error('an addon was loaded where none should have been');
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'stmnet-load-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('prefers STMNET_ADDON, then the local build, then the prebuilt one', () => {
    const prebuilt = place(at('prebuilds', `${process.platform}-${process.arch}`, 'stmnet.node'), true);
    expect(loadAddon({ root, ...machine }).file).toBe(prebuilt);
    const local = place(at('build', 'Release', 'stmnet.node'), true);
    expect(loadAddon({ root, ...machine }).file).toBe(local);
    const override = place(at('elsewhere', 'stmnet.node'), true);
    expect(loadAddon({ root, ...machine, override }).file).toBe(override);
    expect(loadAddon({ root, ...machine, override: '' }).file).toBe(local);
  });

  it('passes over one that does not load', () => {
    const override = place(at('broken', 'stmnet.node'), false);
    place(at('build', 'Release', 'stmnet.node'), false);
    const prebuilt = place(at('prebuilds', `${process.platform}-${process.arch}`, 'stmnet.node'), true);
    const { exports, file } = loadAddon({ root, ...machine, override });
    expect(file).toBe(prebuilt);
    expect(Object.keys((exports as { instance(): object }).instance())).toEqual(Object.keys(binding));
  });

  it('names every place and its fault when none loads', () => {
    const override = place(at('broken.node'), false);
    const local = place(at('build', 'Release', 'stmnet.node'), false);
    const prebuilt = place(at('prebuilds', `${process.platform}-${process.arch}`, 'stmnet.node'), false);
    const [first, ...lines] = failure({ root, ...machine, override }).split('\n');
    expect(first).toBe('stmnet: No native addon could be loaded. Tried, in this order:');
    [override, local, prebuilt].forEach((file, index) => expect(lines[index]).toMatch(new RegExp(`^  ${file}: .+`)));
    expect(lines[3]).toMatch(/^ {2}Fix: .*npm run setup.*STMNET_ADDON/);
  });

  it('says in one sentence that a platform has no prebuilt addon, and how to build one', () => {
    expect(failure({ root, platform: 'plan9', arch: 'mips' })).toBe(
      `stmnet: There is no prebuilt native addon for plan9-mips. Tried, in this order:\n` +
        `  ${at('build', 'Release', 'stmnet.node')}: not there\n` +
        `  ${at('prebuilds', 'plan9-mips', 'stmnet.node')}: not there\n` +
        '  Fix: in a checkout of the stmnet repository, at the version of this package, run `npm run setup`, which ' +
        'compiles build/Release/stmnet.node on Linux; elsewhere set STMNET_ADDON to that file.',
    );
  });

  it('fails in a program with that message and leaves the process in order', () => {
    const program =
      "try { require('./dist/index.js') } catch (error) { console.log(error.code, " +
      "error.message.includes('broken.node')) }";
    place(at('broken.node'), false);
    for (const file of [join('dist', 'index.js'), join('dist', 'bundle', 'stmnet.js')]) {
      mkdirSync(dirname(at(file)), { recursive: true });
      copyFileSync(join(repository, file), at(file));
    }
    const env = { ...process.env, STMNET_ADDON: at('broken.node') };
    expect(read(process.execPath, ['-e', program], { cwd: root, env })).toBe('ERR_STMNET_ADDON_NOT_FOUND true\n');
  });
});

describe('the addon under test', () => {
  it('is built from the sources as they are now', () => {
    expect(binding.sourceHash(), 'the addon is stale. Fix: npm run build').toBe(sourceHash());
  });

  it('is the local build', () => {
    expect(addonFile).toBe(process.env['STMNET_ADDON'] ?? join(repository, 'build', 'Release', 'stmnet.node'));
  });
});

describe("require('stmnet')", () => {
  it('loads in one process without output, and exits with 0', () => {
    expect(read(process.execPath, ['-e', "require('stmnet')"], {})).toBe('');
  });
});
