import { describe, expect, it } from 'vitest';
import { changelogFaults, commitsWithoutLine, isReleased } from '../../scripts/changelog';

describe('changelogFaults', () => {
  it('accepts the form of Keep a Changelog', () => {
    expect(
      changelogFaults('# Changelog\n\n## [Unreleased]\n\n### Added\n\n- x\n\n## [0.1.0] - 2026-01-31\n\n### Fixed\n'),
    ).toEqual([]);
  });

  it('names what is out of form', () => {
    expect(changelogFaults('## [0.1.0] - 2026-01-31\n\n## 0.0.9\n\n### News\n')).toEqual([
      "CHANGELOG.md: got '## [0.1.0] - 2026-01-31' first, expected '## [Unreleased]'",
      "CHANGELOG.md: got '## 0.0.9', expected '## [1.2.3] - 2026-01-31'",
      "CHANGELOG.md: got '### News', expected one of Added, Changed, Deprecated, Removed, Fixed, Security",
    ]);
  });
});

describe('commitsWithoutLine', () => {
  const commit = (subject: string, ...files: string[]) => ({ hash: 'abc', subject, files });

  it('asks features, fixes and speed in src/ or native/ for a line', () => {
    const silent = [
      commit('feat(layers): add GRU', 'src/layers/gru.ts'),
      commit('fix: mend lengths', 'native/ops/recurrent.cc'),
      commit('refactor!: rename', 'src/index.ts'),
    ];
    expect(commitsWithoutLine(silent, true)).toEqual(silent);
  });

  it('lets the others pass', () => {
    expect(
      commitsWithoutLine(
        [
          commit('feat(layers): add GRU', 'src/layers/gru.ts', 'CHANGELOG.md'),
          commit('fix(scripts): find apt', 'scripts/setup'),
          commit('refactor(layers): split the file', 'src/layers/gru.ts'),
          commit('test(layers): widen', 'test/layers/gru.test.ts'),
        ],
        true,
      ),
    ).toEqual([]);
  });

  it('does not ask for fixes of what was never published', () => {
    const commits = [
      commit('fix: mend lengths', 'native/ops/recurrent.cc'),
      commit('perf(reduce): use vectors', 'native/backend/cpu/reduce.cc'),
      commit('feat: add', 'src/index.ts'),
    ];
    expect(commitsWithoutLine(commits, false).map(({ subject }) => subject)).toEqual(['feat: add']);
    expect(isReleased('## [Unreleased]\n\n### Added\n')).toBe(false);
    expect(isReleased('## [Unreleased]\n\n## [0.1.0] - 2026-01-31\n')).toBe(true);
  });
});
