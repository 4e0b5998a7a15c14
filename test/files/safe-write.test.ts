import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, lstat, mkdir, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  FileError,
  Linear,
  OptionError,
  full,
  load,
  loadSafetensors,
  loadSafetensorsMetadata,
  noGrad,
  save,
  saveSafetensors,
  tensor,
} from 'stmnet';
import { scratchFolder } from '../support/scratch';

let folder = '';
const root = scratchFolder('safe-write', (path) => (folder = path));

const write = (path: string, value = 1): Promise<void> => saveSafetensors(path, { x: tensor([value]) });
const read = async (path: string): Promise<unknown> => (await loadSafetensors(path))['x']?.item();
const left = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
const isRoot = process.getuid?.() === 0;

describe('what is no regular file stays what it is', () => {
  test('a FIFO, whose reader comes first or last', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const values = full([1 << 18], 3); // more than a pipe holds
    for (const late of [false, true]) {
      const saving = late ? saveSafetensors(fifo, { values }) : undefined;
      if (late) await new Promise((resolve) => setTimeout(resolve, 100));
      const reading = readFile(fifo);
      await (saving ?? saveSafetensors(fifo, { values }));
      await writeFile(join(folder, 'copy'), await reading);
      expect(await (await loadSafetensors(join(folder, 'copy')))['values']?.data()).toEqual(await values.data());
      expect((await lstat(fifo)).isFIFO()).toBe(true);
    }
    expect((await readdir(folder)).sort()).toEqual(['copy', 'fifo']);
  });

  test.skipIf(!isRoot)('a device', async () => {
    const device = join(folder, 'null');
    execFileSync('mknod', [device, 'c', '1', '3']);
    await save(new Linear({ inFeatures: 1, outFeatures: 1 }), device);
    await write(device);
    expect((await lstat(device)).isCharacterDevice()).toBe(true);
    const full = join(folder, 'full');
    execFileSync('mknod', [full, 'c', '1', '7']);
    await expect(write(full)).rejects.toMatchObject({ name: 'FileError', code: 'ENOSPC' });
    expect((await lstat(full)).isCharacterDevice()).toBe(true);
    expect(await left()).toEqual([]);
  });

  test('the output of a program', async () => {
    const link = join(folder, 'stdout'); // as /dev/stdout is one, which a test had better not write over
    await symlink('/proc/self/fd/1', link);
    const script = "const s = require('stmnet'); s.saveSafetensors(process.argv[1], { x: s.tensor([5]) })";
    spawnSync('sh', ['-c', '"$0" -e "$1" "$2" | cat > "$3"', process.execPath, script, link, join(folder, 'out')]);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect(await read(join(folder, 'out'))).toBe(5);
  });

  test('a link, to a file that is there or not, through any number of links', async () => {
    const inner = join(folder, 'inner');
    await mkdir(inner);
    await symlink('inner', join(folder, 'way'));
    await symlink('../target', join(inner, 'second'));
    await symlink('way/second', join(folder, 'first'));
    for (const value of [1, 2]) {
      await write(join(folder, 'first'), value);
      expect(await read(join(folder, 'target'))).toBe(value);
    }
    for (const name of ['first', 'way', 'inner/second'])
      expect((await lstat(join(folder, name))).isSymbolicLink(), name).toBe(true);
    await symlink('loop', join(folder, 'loop'));
    await expect(write(join(folder, 'loop'))).rejects.toMatchObject({ name: 'FileError', code: 'ELOOP' });
  });
});

describe('a file that is replaced', () => {
  test.each([0o600, 0o640, 0o666, 0o4755])('keeps its permissions, %o', async (mode) => {
    const path = join(folder, 'file');
    await write(path);
    await chmod(path, mode);
    await write(path, 2);
    expect([(await stat(path)).mode & 0o7777, await read(path)]).toEqual([mode, 2]);
  });

  test.skipIf(!isRoot)('keeps its owner', async () => {
    const path = join(folder, 'file');
    await write(path);
    await chown(path, 1234, 4321);
    await write(path, 2);
    const { uid, gid } = await stat(path);
    expect([uid, gid, await read(path)]).toEqual([1234, 4321, 2]);
  });

  test('may have a name of 255 bytes', async () => {
    for (const name of ['x'.repeat(255), 'ü'.repeat(127)]) {
      await write(join(folder, name), 7);
      expect(await read(join(folder, name))).toBe(7);
    }
    await expect(write(join(folder, 'x'.repeat(256)))).rejects.toMatchObject({
      code: 'ENAMETOOLONG',
      message: expect.stringContaining('at most 255 bytes'),
    });
    expect(await left()).toEqual([]);
  });

  test('stands where the path led when the call was made', async () => {
    const before = process.cwd();
    try {
      process.chdir(folder);
      const saving = write('relative', 3);
      process.chdir(root);
      await saving;
    } finally {
      process.chdir(before);
    }
    expect(await read(join(folder, 'relative'))).toBe(3);
  });
});

describe('temporary files', () => {
  const dead = spawnSync('true').pid;
  const touch = async (name: string, days = 0): Promise<string> => {
    await writeFile(join(folder, name), '');
    const time = Date.now() / 1000 - days * 86_400;
    await utimes(join(folder, name), time, time);
    return name;
  };

  /** The name that a process here gives to its temporary files, up to its number. */
  async function prefix(): Promise<string> {
    const saving = saveSafetensors(join(folder, 'big'), { values: full([1 << 20], 1) });
    for (;;) {
      const [name] = await left(); // it is there while the file is written
      if (name !== undefined) {
        await saving;
        await rm(join(folder, 'big'));
        expect(name).toMatch(new RegExp(`^\\.stmnet-[0-9a-f]{8}-${process.pid}-[0-9a-f]{12}\\.tmp$`));
        return name.slice(0, '.stmnet-12345678-'.length);
      }
    }
  }

  test('of dead processes are cleared by the next save, and no others', async () => {
    const here = await prefix();
    const elsewhere = '.stmnet-00000000-';
    const stale = [await touch(`${here}${dead}-0123456789ab.tmp`), await touch(`${elsewhere}1-0123456789ab.tmp`, 2)];
    const kept = [
      await touch(`${here}${process.pid}-0123456789ab.tmp`, 2),
      await touch(`${here}${process.ppid}-0123456789ab.tmp`, 2),
      await touch(`${elsewhere}${dead}-0123456789ab.tmp`),
      await touch(`${here}${dead}-0123456789ab.tmp.bak`, 2),
      await touch(`.stmnet-${dead}.tmp`, 2),
      await touch('.model.0123456789abcdef.tmp', 2),
      await touch(`x${here}${dead}-0123456789ab.tmp`, 2),
    ];
    expect(await readdir(folder)).toHaveLength(stale.length + kept.length);
    await write(join(folder, 'file'));
    expect((await readdir(folder)).sort()).toEqual([...kept, 'file'].sort());
  });
});

describe('of saves to one path at once', () => {
  test('the last one stays, whole, and nothing else', async () => {
    const path = join(folder, 'model');
    const model = new Linear({ inFeatures: 200, outFeatures: 200 });
    const saves = Array.from({ length: 20 }, (_, round) => {
      noGrad(() => [model.weight, model.bias!].forEach((values) => values.fill_(round)));
      return round === 7
        ? saveSafetensors(path, { gone: disposed() }).catch((error: unknown) => error)
        : save(model, path);
    });
    await Promise.all(saves);
    const copy = await load<Linear>(path);
    expect(new Set([...(await copy.weight.data()), ...(await copy.bias!.data())])).toEqual(new Set([19]));
    expect(await readdir(folder)).toEqual(['model']);
  });

  const disposed = (): ReturnType<typeof tensor> => {
    const values = tensor([1]);
    values.dispose();
    return values;
  };
});

describe('refused are', () => {
  test('paths with the character NUL', async () => {
    for (const call of [
      () => write('a\0b'),
      () => save(new Linear({ inFeatures: 1, outFeatures: 1 }), 'a\0b'),
      () => load('a\0b'),
      () => loadSafetensors('a\0b'),
      () => loadSafetensorsMetadata('a\0b'),
    ]) {
      await expect(call()).rejects.toBeInstanceOf(OptionError);
      await expect(call()).rejects.toThrow('got "a\\u0000b" as path, expected a name without the character NUL.');
    }
  });

  test('files to load that are none, at once', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    for (const path of [fifo, '/dev/null', '/dev/zero']) {
      await expect(load(path)).rejects.toBeInstanceOf(FileError);
      await expect(loadSafetensors(path)).rejects.toMatchObject({
        code: 'ESPIPE',
        message: expect.stringContaining(
          `got ${path}, a device, FIFO or socket, expected a regular file.\n  Fix: copy what it gives to a file first.`,
        ),
      });
    }
    await expect(load(folder)).rejects.toMatchObject({ code: 'EISDIR', message: expect.stringContaining('a folder') });
  });
});
