import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findStyleFaults } from '../../scripts/style';

describe('findStyleFaults', () => {
  const root = mkdtempSync(join(tmpdir(), 'stmnet-style-'));
  afterAll(() => rmSync(root, { recursive: true }));

  const faults = (file: string, text: string): string[] => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    return findStyleFaults(root, [file]).map(({ line, message }) => `${line} ${message}`);
  };

  it('counts lines, each language with its own budget', () => {
    expect(faults('a.ts', 'x;\n'.repeat(400))).toEqual([]);
    expect(faults('a.ts', 'x;\n'.repeat(401))).toEqual([
      '0 401 lines, expected at most 400: two ideas; give each a file of its own',
    ]);
    expect(faults('a.cc', 'x;\n'.repeat(500))).toEqual([]);
    expect(faults('a.cc', 'x;\n'.repeat(501))).toEqual([
      '0 501 lines, expected at most 500: two ideas; give each a file of its own',
    ]);
    expect(faults('b.generated.ts', 'x;\n'.repeat(900))).toEqual([]);
  });

  it('counts the columns of sources and scripts, not those of generated files', () => {
    const line = `const a = '${'→'.repeat(107)}';`;
    expect(line).toHaveLength(120);
    for (const file of ['a.ts', 'a.mts', 'a.mjs', 'a.cjs', 'a.cc', 'a.h', 'a.cu', 'a.py', 'a.cmake', 'scripts/setup']) {
      expect(faults(file, `${line}\n`)).toEqual([]);
      expect(faults(file, `\n ${line}\n`)).toEqual([
        '2 121 columns, expected at most 120: split the text, or name its parts',
      ]);
    }
    expect(faults('c.ts', `// ${'𝔸'.repeat(117)}\n`)).toEqual([]);
    expect(faults('c.generated.ts', ` ${line}\n`)).toEqual([]);
  });

  it('counts the columns of texts, but those of tables and of single words', () => {
    const address = `https://${'x'.repeat(120)}`;
    const line = 'word '.repeat(24).trimEnd() + 's';
    expect(line).toHaveLength(120);
    expect(faults('a.md', `${line}\n| ${line} |\n- ${address}\n${address}\n${'x\n'.repeat(900)}`)).toEqual([]);
    for (const text of [`${line}!`, `- ${line}`, `see ${address}`]) {
      expect(faults('a.md', `\n${text}\n`)).toEqual([expect.stringMatching(/^2 1\d\d columns, expected at most 120/)]);
    }
  });

  it('counts the lines of functions of C++', () => {
    expect(faults('a.cc', `int f() {\n${'  g();\n'.repeat(60)}}\n`)).toEqual([]);
    expect(faults('a.cu', `\nint f() {\n${'  g();\n'.repeat(61)}}\n`)).toEqual([
      '2 a function of 61 lines, expected at most 60: several ideas; give each a function',
    ]);
    expect(faults('a.h', '#if A\nint f() {\n#else\nint f(int) {\n#endif\n}\n')[0]).toMatch(/^0 Error: line 2: a brace/);
  });

  it('names the line of a forbidden phrase', () => {
    expect(faults('src/a.ts', 'const a = 1;\nconst b = a as unknown as string;\n')).toEqual([
      '2 a double assertion; give the value its type, or narrow it with a check',
    ]);
    expect(faults('a.h', `int a;  // ${'TO'}${'DO'} later\n`)[0]).toMatch(/^1 an unfinished place/);
    expect(faults('a.cc', 'int a; \n')).toEqual(['1 blanks at the end of the line']);
  });

  it('refuses a file name that says nothing', () => {
    expect(faults('utils.ts', '')).toEqual(['0 a name that says nothing; name the file after the idea it holds']);
    expect(faults('helper.h', '')).toHaveLength(1);
    expect(faults('utility-function.ts', '')).toEqual([]);
  });
});
