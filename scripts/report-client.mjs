// What pages of src/report are made of beside their data: their program with the parts of ECharts that it uses, and
// their styles, in dist/report/. The program of a page is no module of the package, and runs in a browser.
import { existsSync, readFileSync } from 'node:fs';
import { at } from './build-folder.mjs';

const name = (suffix) => `dist/report/client.${suffix}`;

/** What `makeReportClient` writes. */
export const clientFiles = [name('js'), name('css')];

/** Stands before the program in each page; the whole of it in THIRD-PARTY-NOTICES. */
const banner = () => `/*! Parts of ${named('echarts')} (Apache License 2.0), ${named('zrender')} (BSD 3-Clause) */`;

/** A package with its version. @throws {Error} if it is not installed */
function named(name) {
  const file = at('node_modules', name, 'package.json');
  if (!existsSync(file)) throw new Error(`the package ${name} is not installed.\n  Fix: npm ci`);
  return `${name} ${JSON.parse(readFileSync(file, 'utf8')).version}`;
}

/** Bundles program and styles. @throws {Error} if a package is not installed, or there is a mistake */
export async function makeReportClient() {
  const { build } = await import('esbuild');
  await build({
    entryPoints: ['ts', 'css'].map((suffix) => at('src/report/client', suffix === 'ts' ? 'main.ts' : 'client.css')),
    entryNames: 'client',
    outdir: at('dist/report'),
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: ['es2022', 'safari16'],
    banner: { js: banner() },
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  });
  const program = readFileSync(at(name('js')), 'utf8');
  if (/<!--|<\/?script/i.test(program)) throw new Error('the program of pages has in it what ends or hides a script.');
}
