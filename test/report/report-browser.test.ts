// What readers see and do, in headless Chromium. Screenshots stay in build/screenshots/, for people to look at.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeEvaluation, writeReport } from 'stmnet/tasks';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeComparison } from '../../src/report/comparison';
import { writeTuning } from '../../src/report/tuning';
import { headlessBrowser } from '../support/browser';
import { putFile } from '../support/run-folder';
import { comparisonRows, makeSampleRun, screenshots, tuningTrials } from '../support/sample-run';
import { scratchFolder } from '../support/scratch';

const root = scratchFolder('report-browser');
const { missing, open } = headlessBrowser();
const contrast = readFileSync(join(__dirname, 'fixtures', 'contrast.js'), 'utf8');
const run = join(root, 'run');
const pages = {
  report: join(run, 'report.html'),
  comparison: join(root, 'comparison.html'),
  tuning: join(root, 'tuning.html'),
};

beforeAll(async () => {
  if (missing !== undefined) return;
  mkdirSync(screenshots, { recursive: true });
  await makeSampleRun(run);
  await writeComparison(pages.comparison, comparisonRows, { title: 'Comparison · classify' });
  await writeTuning(pages.tuning, tuningTrials(), { figure: 'validation accuracy', mode: 'max' });
}, 240_000);

const views = [1280, 390].flatMap((width) => (['light', 'dark'] as const).map((scheme) => ({ width, scheme })));
const all = (['report', 'comparison', 'tuning'] as const).flatMap((name) => views.map((view) => ({ name, ...view })));

/** Opens what folds, and waits for the charts in it. */
async function unfold(page: Page): Promise<void> {
  await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
  await expect.poll(() => page.locator('.plot:not(:has(svg))').count()).toBe(0);
}

describe.skipIf(missing !== undefined)(missing ?? 'in a browser', { timeout: 120_000 }, () => {
  test.each(all)('$name is fine at $width pixels, $scheme', async ({ name, width, scheme }) => {
    const { page, faults } = await open(pages[name], { width, colorScheme: scheme });
    await page.screenshot({ path: join(screenshots, `${name}-${width}-${scheme}.png`), fullPage: true });
    await unfold(page);
    const { seen, faint } = (await page.evaluate(contrast)) as { seen: number; faint: string[] };
    expect(seen).toBeGreaterThan(60);
    expect(faint).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(faults).toEqual([]);
    await page.close();
  });

  test.each(['report', 'comparison', 'tuning'] as const)(
    'Tab reaches all of the %s that does something',
    async (name) => {
      const { page } = await open(pages[name], { width: 390 });
      await unfold(page);
      const wanted = await page.locator('a, button, summary, input, .plot').count();
      await page.evaluate(
        `document.querySelectorAll('a, button, summary, input, .plot').forEach((e, i) => e.dataset.i = i)`,
      );
      const reached = new Set<string>();
      for (let presses = 0; presses < wanted + 60 && reached.size < wanted; presses++) {
        await page.keyboard.press('Tab');
        const at = (await page.evaluate('document.activeElement.dataset.i')) as string | undefined;
        if (at !== undefined) reached.add(at);
      }
      expect(wanted).toBeGreaterThan(5);
      expect(reached.size).toBe(wanted);
      await page.close();
    },
  );

  test('the cursor tells what the mouse is over, and goes along with arrow keys', async () => {
    const { page, faults } = await open(pages.report);
    const loss = page.locator('figure', { has: page.locator('h3', { hasText: /^Loss$/u }) });
    const plot = loss.locator('.plot');
    await plot.hover();
    await expect.poll(() => loss.locator('.tip').textContent()).toMatch(/^epoch \d+training[\d.]+validation[\d.]+$/u);
    await page.mouse.move(0, 0);
    await plot.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => loss.locator('.tip').textContent()).toMatch(/^epoch 1training/u);
    await page.keyboard.press('ArrowRight');
    expect(await loss.locator('.spoken').textContent()).toMatch(/^epoch 2, training [\d.]+, validation [\d.]+$/u);
    await page.keyboard.press('End');
    expect(await loss.locator('.spoken').textContent()).toMatch(/^epoch 8, /u);
    await page.keyboard.press('Escape');
    expect(await loss.locator('.spoken').textContent()).toBe('');
    expect(faults).toEqual([]);
    await page.close();
  });

  test('every chart has a cursor for keys', async () => {
    for (const path of Object.values(pages)) {
      const { page, faults } = await open(path);
      await unfold(page);
      for (const plot of await page.locator('.plot').all()) {
        const name = (await plot.getAttribute('aria-label')) ?? '';
        await plot.focus();
        await page.keyboard.press('ArrowRight');
        expect(await plot.locator('.spoken').textContent(), name).not.toBe('');
      }
      expect(faults).toEqual([]);
      await page.close();
    }
  });

  test('points lie above the bars of their probability', async () => {
    const { page } = await open(pages.report);
    const chart = page.locator('figure', { hasText: 'Observed share over predicted probability' }).locator('svg');
    const lines = await chart.evaluate((svg) => {
      const boxes = [...svg.querySelectorAll('path')].map((path) => path.getBBox());
      return boxes.filter(({ width, height }) => width < 1 && height > 20).map(({ x }) => Math.round(x));
    });
    expect([lines.length, new Set(lines).size]).toEqual([10, 5]); // those of the upper drawing and of the lower one
    await page.close();
  });

  test('the interval of a forecast is shaded from its lower to its upper end, on both sides of 0', async () => {
    const folder = join(root, 'forecasts');
    mkdirSync(folder);
    putFile(folder, 'config.json', {});
    const curve = { before: [0, -2], truth: [-4, 4], forecast: [0, 0], low: [-4, -2], high: [4, 2] };
    await writeEvaluation(folder, { forecasts: [{ title: 'sales', ...curve }] });
    const { page, faults } = await open(await writeReport(folder));
    const chart = page.locator('figure', { hasText: 'sales' });
    await expect.poll(() => chart.locator('svg').count()).toBe(1);
    const [band, came] = await chart.locator('svg').evaluate((svg) =>
      ['path[fill-opacity="0.18"]', 'path[stroke-width="2"]'].map((which) => {
        const { y, height } = svg.querySelectorAll(which)[0]!.getBoundingClientRect();
        return { y, height };
      }),
    );
    expect(band!.height).toBeGreaterThan(50); // pixels
    expect(Math.abs(band!.height - came!.height) + Math.abs(band!.y - came!.y)).toBeLessThan(2); // both from -4 to 4
    await chart.locator('.plot').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('End');
    expect(await chart.locator('.spoken').textContent()).toMatch(
      /^step 2, what came 4[.0]*, forecast 0[.0]*, interval -2/,
    );
    expect(faults).toEqual([]);
    await page.close();
  });

  test('models that lie on each other keep their names', async () => {
    const path = join(root, 'alike.html');
    const [first, , , second] = comparisonRows;
    await writeComparison(path, [first!, { ...first!, name: second!.name }]);
    const { page } = await open(path);
    const names = page.locator('figure', { hasText: 'Accuracy over training time' }).locator('svg text');
    const [one, other] = await Promise.all(
      [first!, second!].map(({ name }) => names.filter({ hasText: name }).boundingBox()),
    );
    expect(Math.abs(one!.y - other!.y)).toBeGreaterThanOrEqual(Math.min(one!.height, other!.height) - 1);
    await page.close();
  });

  test.each(['light', 'dark'] as const)('the worst trials can be seen, too, in %s', async (colorScheme) => {
    const { page } = await open(pages.tuning, { colorScheme });
    const chart = page.locator('figure', { hasText: 'All trials' }).locator('svg');
    const ratios = await chart.evaluate((svg) => {
      const parts = (colour: string): number[] => (colour.match(/\d+/gu) ?? []).slice(0, 3).map((part) => +part / 255);
      const luminance = (colour: string): number =>
        parts(colour).reduce((sum, part, i) => sum + [0.2126, 0.7152, 0.0722][i]! * part ** 2.2, 0.05);
      const { getComputedStyle } = svg.ownerDocument.defaultView!;
      const surface = luminance(getComputedStyle(svg.closest('figure')!).backgroundColor);
      const strokes = [...svg.querySelectorAll('path[stroke-width="2"]')].map((path) => getComputedStyle(path).stroke);
      return strokes.map((stroke) => Math.max(luminance(stroke) / surface, surface / luminance(stroke)));
    });
    expect(ratios.length).toBeGreaterThanOrEqual(19);
    expect(Math.min(...ratios)).toBeGreaterThan(1.5);
    await page.close();
  });

  test('on a phone, names of parameters differ, and what a row is about stays in sight', async () => {
    const { page } = await open(pages.report, { width: 390 });
    await unfold(page);
    const chart = page.locator('figure', { hasText: 'Gradient norm of each parameter' }).locator('svg');
    const names = (await chart.locator('text').allTextContents()).filter((text) => /weight|bias/u.test(text));
    expect(names.length).toBeGreaterThan(10);
    expect(new Set(names).size).toBe(names.length);
    const region = page.locator('[aria-label="Epochs"]');
    await region.evaluate((element) => element.scrollTo(element.scrollWidth, 0));
    expect(await region.evaluate((element) => element.scrollLeft)).toBeGreaterThan(50);
    const [row, table] = [await region.locator('tbody th').first().boundingBox(), await region.boundingBox()];
    expect(row!.x).toBeCloseTo(table!.x + 1, 0);
    await page.close();
  });

  test('headings sort a table, numbers first the largest', async () => {
    const { page } = await open(pages.comparison);
    const names = () => page.locator('tbody th').allTextContents();
    const heading = page.locator('thead button', { hasText: 'Parameters' });
    await heading.click();
    expect((await names())[0]).toBe('LSTM-256');
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
    await heading.press('Enter');
    expect((await names())[0]).toBe('GRU-64');
    await page.locator('thead button', { hasText: 'Model' }).click();
    expect(await names()).toEqual(['GRU-64', 'GRU-128', 'GRU-256', 'LSTM-64', 'LSTM-128', 'LSTM-256']);
    await page.close();
  });

  test('a slider goes through the epochs of the gradients', async () => {
    const { page } = await open(pages.report);
    const figure = page.locator('figure', { has: page.locator('.frames') });
    const drawn = () => figure.locator('svg').innerHTML();
    const last = await drawn();
    await figure.locator('input').focus();
    await page.keyboard.press('Home');
    expect(await figure.locator('output').first().textContent()).toBe('1');
    await expect.poll(drawn).not.toBe(last);
    await page.close();
  });

  test('the page of a running training loads itself anew, and stays where it was', async () => {
    const folder = join(root, 'running');
    mkdirSync(folder);
    putFile(folder, 'config.json', { training: { epochs: 9 } });
    putFile(folder, 'history.json', readFileSync(join(run, 'history.json'), 'utf8'));
    const path = await writeReport(folder, { running: true });
    const { page, faults } = await open(path);
    await unfold(page);
    await page.evaluate('scrollTo(0, 900)');
    const { epochs, validations } = JSON.parse(readFileSync(join(run, 'history.json'), 'utf8')) as Record<string, []>;
    putFile(folder, 'history.json', { epochs: epochs?.slice(0, 5), validations });
    await writeReport(folder, { running: true });
    await expect.poll(() => page.locator('.state').textContent(), { timeout: 20_000 }).toBe('Running: 5 of 9 epochs');
    await expect.poll(() => page.evaluate('scrollY')).toBe(900);
    expect(await page.locator('details:not([open])').count()).toBe(0);
    await writeReport(folder);
    await expect
      .poll(() => page.locator('.state').textContent(), { timeout: 20_000 })
      .toBe('Ended after 5 of 9 epochs');
    expect(faults).toEqual([]);
    await page.close();
  });

  test('updates can be paused, and go on', async () => {
    const path = await writeReport(run, { running: true });
    const { page } = await open(path, { stopped: true });
    const pause = page.locator('button.pause');
    await pause.click();
    expect(await pause.getAttribute('aria-pressed')).toBe('true');
    await page.evaluate('window.same = true');
    await page.clock.runFor(120_000);
    expect(await page.evaluate('window.same')).toBe(true);
    await pause.click();
    await Promise.all([page.waitForEvent('load'), page.clock.runFor(5_000)]);
    expect(await page.evaluate('window.same')).toBeUndefined();
    await writeReport(run);
    await page.close();
  });

  test('texts of the user are shown as they are, and nothing in them runs', async () => {
    const evil = '</script><img src=x onerror="document.title=1"><b>\u2028"\'&';
    const folder = join(root, 'evil');
    mkdirSync(folder);
    putFile(folder, 'config.json', { task: evil });
    const examples = { worst: [{ text: evil, label: evil, predicted: evil }] };
    const labels = Array.from({ length: 14 }, (_, index) => `${evil}${index}`);
    const counts = labels.map((_, row) => labels.map((__, column) => row + column));
    await writeEvaluation(folder, { examples, confusion: { labels, counts }, labels: [{ label: evil, count: 3 }] });
    const { page, faults } = await open(await writeReport(folder));
    expect(await page.locator('.examples p').first().textContent()).toBe(evil);
    const plot = page.locator('.plot').last();
    await plot.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => plot.locator('.tip strong').textContent()).toBe(`label ${evil}`);
    expect(await page.locator('img, b').count()).toBe(0);
    expect(await page.title()).toBe(`evil · ${evil}`);
    expect(faults).toEqual([]);
    await page.close();
  });
});
