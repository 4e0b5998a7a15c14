import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../../scripts/toolchain.mjs';

/** Where a program of this machine lies. */
function which(program: string): string {
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' });
  return stdout.trim();
}

describe('scripts/setup on a machine without compiler', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'stmnet-setup-'));
    for (const program of ['sh', 'sed', 'tr', 'uname', 'dirname', 'id', 'cat', 'mktemp', 'mkdir', 'rm', 'sort'])
      symlinkSync(which(program), join(folder, program));
    symlinkSync(process.execPath, join(folder, 'node'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const setup = (release: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } => {
    mkdirSync(join(folder, 'etc'), { recursive: true });
    writeFileSync(join(folder, 'etc', 'os-release'), release);
    return spawnSync(join(folder, 'sh'), [join(root, 'scripts', 'setup'), ...args], {
      encoding: 'utf8',
      env: { PATH: folder, HOME: folder, STMNET_SYSTEM: folder, STMNET_DEPS_FOLDER: join(folder, 'deps') },
    });
  };

  /** Puts a program of our own in the place of one of the machine's. */
  const fake = (program: string, script: string): void => {
    rmSync(join(folder, program), { force: true });
    writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, program), 0o755);
  };

  it.each([
    [
      'Fedora',
      'NAME="Fedora Linux"\nID=fedora\n',
      'sudo dnf install gcc-c++ cmake ninja-build clang-tools-extra tmux highway-devel fmt-devel blis-devel',
    ],
    [
      'Rocky Linux',
      'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
      'sudo dnf install gcc-c++ cmake ninja-build clang-tools-extra tmux highway-devel fmt-devel blis-devel',
    ],
    [
      'Alpine',
      'ID=alpine\n',
      'sudo apk add g++ musl-dev cmake samurai clang-extra-tools tmux highway-dev fmt-dev openblas-dev',
    ],
  ])('prints the line for %s and stops', (_, release, line) => {
    const { status, stdout, stderr } = setup(release);
    expect(stderr).toContain(
      'setup: missing: g++ cmake ninja-build clang-format tmux libhwy-dev libfmt-dev libblis-serial-dev',
    );
    expect(stderr).toContain(`Fix: ${line}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  it('prints the line for macOS and stops', () => {
    fake('uname', 'echo Darwin');
    const { status, stderr } = setup('');
    expect(stderr).toContain('Fix: brew install gcc cmake ninja clang-format tmux highway fmt blis');
    expect(status).toBe(1);
  });

  it('names the packages where it knows no package manager', () => {
    const { status, stderr } = setup('ID=plan9\n');
    expect(stderr).toContain(
      'setup: missing: g++ cmake ninja-build clang-format tmux libhwy-dev libfmt-dev libblis-serial-dev',
    );
    expect(stderr).toContain('install what your system calls them.');
    expect(status).toBe(1);
  });

  it('finds headers where the system keeps them', () => {
    for (const header of ['hwy/highway.h', 'fmt/format.h', 'blis/blis.h']) {
      mkdirSync(join(folder, 'usr', 'include', dirname(header)), { recursive: true });
      writeFileSync(join(folder, 'usr', 'include', header), '');
    }
    expect(setup('ID=fedora\n').stderr).toContain(
      'setup: missing: g++ cmake ninja-build clang-format tmux. ' +
        'Fix: sudo dnf install gcc-c++ cmake ninja-build clang-tools-extra tmux\n',
    );
  });

  it('asks for Node.js 20', () => {
    fake('node', 'echo 18');
    expect(setup('ID=debian\n').stderr).toBe(
      'setup: got Node.js 18, expected 20 or later. Fix: install a newer Node.js.\n',
    );
  });

  it('installs by apt-get as root, fetching the lists only when that fails', () => {
    fake('id', 'echo 0');
    fake(
      'apt-get',
      `echo "$@" >>${join(folder, 'calls')}; [ "$1" = update ] || [ -e ${join(folder, 'fresh')} ] || exit 100`,
    );
    const install =
      'install -y --no-install-recommends g++ cmake ninja-build clang-format tmux libhwy-dev libfmt-dev ' +
      'libblis-serial-dev';
    const stale = setup('ID=debian\n');
    expect(stale.status).toBe(1);
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')).toEqual([
      install,
      'update -q -o APT::Update::Error-Mode=any',
      install.replace('-y', '-y -q'),
    ]);
    rmSync(join(folder, 'calls'));
    writeFileSync(join(folder, 'fresh'), '');
    const { stderr } = setup('ID=ubuntu\nID_LIKE=debian\n');
    expect(readFileSync(join(folder, 'calls'), 'utf8').trim()).toBe(install);
    expect(stderr).toContain(
      'setup: still missing after the installation: g++ cmake ninja-build clang-format tmux libhwy-dev libfmt-dev ' +
        'libblis-serial-dev',
    );
  });

  it('names in one line what it could not reach', () => {
    fake('id', 'echo 1000');
    fake(
      'apt-get',
      'echo "Err:1 http://mirror.example/debian bookworm InRelease"; ' +
        `echo "  Temporary failure resolving 'mirror.example'" >&2; exit 100`,
    );
    const { status, stderr } = setup('ID=debian\n');
    expect(stderr).toBe(
      'setup: could not reach mirror.example (apt-get update). Fix: connect this machine to the network, ' +
        'or set its proxy, and run npm run setup again.\n',
    );
    expect(status).toBe(1);
  });

  it('shows what apt-get says when it is not the network', () => {
    fake('id', 'echo 1000');
    fake('apt-get', 'echo "E: The repository is not signed." >&2; exit 100');
    const { status, stderr } = setup('ID=debian\n');
    expect(stderr).toBe('E: The repository is not signed.\nsetup: apt-get update failed; its output stands above.\n');
    expect(status).toBe(1);
  });

  describe('asked for a browser', () => {
    beforeEach(() => {
      for (const program of ['g++', 'cmake', 'ninja', 'clang-format', 'tmux', 'cmp']) fake(program, 'exit 0');
      for (const header of ['hwy/highway.h', 'fmt/format.h', 'blis.h']) {
        mkdirSync(join(folder, 'usr', 'include', dirname(header)), { recursive: true });
        writeFileSync(join(folder, 'usr', 'include', header), '');
      }
      fake('node', `[ "$1" = -p ] && echo 20 || echo built`);
    });

    it('installs chromium as root, and only then', () => {
      fake('id', 'echo 0');
      fake('apt-get', `echo "$@" >>${join(folder, 'calls')}`);
      expect(setup('ID=debian\n').stdout).toBe('built\n');
      expect(setup('ID=debian\n', '--browser').stdout).toBe('setup: installing chromium\nbuilt\n');
      expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe('install -y --no-install-recommends chromium\n');
    });

    it('goes on without it where it cannot be had', () => {
      fake('id', 'echo 0');
      fake('apt-get', 'exit 100');
      const failed = 'setup: chromium could not be installed; tests of reports are skipped';
      expect(setup('ID=debian\n', '--browser').stdout).toBe(`setup: installing chromium\n${failed}\nbuilt\n`);
      fake('id', 'echo 1000');
      const { status, stdout } = setup('ID=debian\n', '--browser');
      expect(stdout).toMatch(/^setup: chromium cannot be installed without root or sudo; .*\nbuilt\n$/u);
      expect(status).toBe(0);
    });

    it('leaves alone what is there', () => {
      fake('chromium', 'exit 0');
      expect(setup('ID=debian\n', '--browser')).toMatchObject({ stdout: 'built\n', status: 0 });
    });
  });
});
