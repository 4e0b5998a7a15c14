import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

/** Chromium, by the names that distributions give it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Where a browser of this machine is: `STMNET_CHROMIUM`, or on the PATH. */
function installed(): string | undefined {
  const given = process.env['STMNET_CHROMIUM'];
  if (given !== undefined) return given;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
}

/** How a page is looked at. */
export interface View {
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Whether its time goes only as `page.clock` says. Default false. */
  readonly stopped?: boolean;
}

/** A page that was opened. */
export interface Opened {
  readonly page: Page;
  /** What it wrote on the console and which errors it threw, and what it asked the network for. */
  readonly faults: string[];
}

/** Opens a file in a page of its own. */
export type Open = (path: string, view?: View) => Promise<Opened>;

/**
 * Begins a headless browser for the tests of a file, and ends it after them.
 *
 * @returns `missing`: why there is none, for `skipIf`; undefined where there is one, and with CI=true, where the tests
 *   then fail. `open` opens a file in it
 */
export function headlessBrowser(): { missing: string | undefined; open: Open } {
  const executablePath = installed();
  const lacks = 'no chromium on the PATH. Fix: apt-get install chromium, or set STMNET_CHROMIUM';
  const missing = executablePath === undefined && process.env['CI'] !== 'true' ? lacks : undefined;
  if (missing !== undefined) console.warn(`skipped: ${missing}`);
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (executablePath === undefined) return;
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser?.close());
  const open: Open = (path, view) => {
    if (browser === undefined) throw new Error(lacks);
    return openIn(browser, path, view);
  };
  return { missing, open };
}

async function openIn(
  browser: Browser,
  path: string,
  { width = 1280, colorScheme = 'light', stopped = false }: View = {},
): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
  const faults: string[] = [];
  page.on('console', (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!/^(file|data):/u.test(request.url())) faults.push(`asked for ${request.url()}`);
  });
  if (stopped) {
    await page.clock.install({ time: 0 });
    await page.clock.pauseAt(1_000);
  }
  await page.goto(pathToFileURL(path).href);
  return { page, faults };
}
