import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../files/file-error';
import { writeSafely } from '../files/safe-write';
import { packageFolder } from '../native/folders';
import { OptionError } from '../tensor/errors';
import { describe } from '../tensor/options';
import { Html, html, type Content } from './html';
import type { Status } from './status';

/** A part of a page that the list at its top leads to. */
export interface Section {
  /** Of letters and `-`. */
  readonly id: string;
  readonly title: string;
  readonly content: Content;
}

/** A page before it has its frame. */
export interface Page {
  readonly title: string;
  /** Below the title: what it is about and how it stands. */
  readonly header: Content;
  /** Those that there is something to show for. */
  readonly sections: readonly (Section | undefined)[];
  /** Whether it will be written again; then it loads itself anew. */
  readonly running: boolean;
}

/** How what a page is about stands; while it runs also how old the page is, and what stops its updates. */
export function statusLine({ kind, text }: Status): Html {
  const updates =
    kind === 'running'
      ? html`<span class="fresh"></span><button type="button" class="pause" aria-pressed="false">Pause updates</button>`
      : undefined;
  return html`<p class="status"><span class="state ${kind}">${text}</span>${updates}</p>`;
}

/** Reads an option that is a text. @throws {OptionError} if it is something else */
export function textGiven(op: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new OptionError(op, { given: `${name}: ${describe(value)}`, expected: 'a text', fix: `pass ${name}: '…'` });
}

/** Where the build leaves the program of pages and their styles (scripts/report-client.mjs). */
const assets = join(packageFolder, 'dist', 'report');

/**
 * Writes a page that needs no other file and no network: its styles, its program with the plotting library, and its
 * data are in it. No text in it can run: the one program that the page lets run is known by its hash.
 *
 * @param op    who writes, for messages
 * @param path  of the file, which appears whole or not at all
 * @throws {FileError} if it cannot be written; its code is the system's
 */
export async function writePage(op: string, path: string, page: Page): Promise<void> {
  const [style, program] = await Promise.all(['client.css', 'client.js'].map((name) => asset(op, name)));
  const text = framed(page, style ?? '', program ?? '');
  try {
    await writeSafely(path, [Buffer.from(text)]);
  } catch (error) {
    throw fileError(op, path, 'write', error);
  }
}

async function asset(op: string, name: string): Promise<string> {
  const path = join(assets, name);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(op, path, 'read', error);
  }
}

function framed({ title, header, sections, running }: Page, style: string, program: string): string {
  const shown = sections.filter((section) => section !== undefined);
  const hash = createHash('sha256').update(program).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:`;
  const links = shown.map((section) => html`<li><a href="#${section.id}">${section.title}</a></li>`);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body${running ? html` data-running` : undefined} data-written="${new Date().toISOString()}">
<header>
<h1>${title}</h1>
${header}
${
  shown.length > 1
    ? html`<nav aria-label="Sections">
        <ul>
          ${links}
        </ul>
      </nav>`
    : undefined
}
</header>
<main>
<noscript><p class="card">The charts of this page are drawn by its own program, which needs JavaScript.</p></noscript>
${shown.map(
  ({ id, title: heading, content }) =>
    html`<section id="${id}" aria-labelledby="${id}-title">
      <h2 id="${id}-title">${heading}</h2>
      ${content}
    </section> `,
)}</main>
<footer>Written by stmnet on ${timeOf(new Date())}.</footer>
<script>${new Html(program)}</script>
</body>
</html>
`.text;
}

/** A time to the minute, of the machine that writes: `30 November 2026, 14:05`. */
const timeOf = (date: Date): string =>
  new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' }).format(date);
