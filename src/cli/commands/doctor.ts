import { existsSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { LSTM } from '../../layers';
import { addonFile } from '../../native/load';
import { devices, deviceParts, type DeviceInfo, type DevicePart } from '../../tensor/device';
import { mathMode, setMathMode } from '../../tensor/math-mode';
import { noGrad } from '../../tensor/grad-mode';
import { getRandomState, manualSeed, setRandomState } from '../../tensor/generator';
import { randn } from '../../tensor/ops/random';
import { version } from '../../files/package-version';

/** Options of `stmnet doctor`. */
export interface DoctorOptions {
  /** True: print one JSON object instead of text. A file: write it there, and print text. */
  json?: boolean | string;
  /** Fail unless a CUDA device computes. */
  requireCuda?: boolean;
  /** Print nothing. */
  quiet?: boolean;
}

/** What `stmnet doctor` finds out. */
export interface Findings {
  version: string;
  node: string;
  platform: string;
  /** The addon's file. */
  addon: string;
  /** As `devices()`; `trial` says how a small LSTM fared on a device that is available. */
  devices: (DeviceInfo & { trial?: string })[];
  /** What CUDA needs. */
  parts: DevicePart[];
}

/** The command `stmnet doctor`. */
export const doctorCommand = new Command('doctor')
  .description(
    'Says what stmnet can compute on here: every part that a GPU needs, where it was found, ' +
      'what is missing and how to mend it.',
  )
  .option('--json [file]', 'print the findings as JSON; with a file, write them there and print text')
  .option('--require-cuda', 'exit with status 1 unless a CUDA device computes')
  .option('--quiet', 'print nothing: the status tells')
  .option('--debug', 'show the stack of an error')
  .action(async (options: DoctorOptions) => {
    process.exitCode = await doctor(options, (line) => options.quiet !== true && process.stdout.write(`${line}\n`));
  })
  .addHelpText(
    'after',
    `
Examples:
  $ stmnet doctor
  $ stmnet doctor --json report.json
  $ stmnet doctor --require-cuda --quiet && echo a GPU`,
  );

/**
 * Prints what stmnet can compute on here.
 *
 * @returns the exit status: 1 if `requireCuda` is not met or a device that is listed as available computes wrongly
 */
export async function doctor(options: DoctorOptions, print: (line: string) => unknown): Promise<number> {
  const findings = await examine();
  const json = JSON.stringify(findings, undefined, 2);
  if (typeof options.json === 'string') writeFileSync(options.json, `${json}\n`);
  for (const line of options.json === true ? [json] : report(findings)) print(line);
  const sound = findings.devices.every(({ trial }) => trial === undefined || trial === 'ok');
  const cuda = findings.devices.some(({ name, trial }) => name.startsWith('cuda') && trial === 'ok');
  return sound && (cuda || options.requireCuda !== true) ? 0 : 1;
}

/** Looks at everything, and lets a small LSTM run on each device. */
export async function examine(): Promise<Findings> {
  const found: Findings['devices'] = [];
  for (const device of devices())
    found.push(device.available ? { ...device, trial: await tryOut(device.name) } : device);
  return {
    version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    addon: addonFile,
    devices: found,
    parts: deviceParts(),
  };
}

/** Runs a small LSTM on the device and on the CPU. @returns `ok`, or what was wrong */
async function tryOut(device: string): Promise<string> {
  const [math, random] = [mathMode(), getRandomState()];
  try {
    setMathMode('fma');
    manualSeed(1);
    const [model, input] = [new LSTM({ inputSize: 8, hiddenSize: 16 }).to('cpu'), randn([2, 5, 8], { device: 'cpu' })];
    const run = (where: string): Promise<ArrayLike<number>> =>
      noGrad(() => model.forward(input.to(where)).output).data();
    const expected = await run('cpu');
    model.to(device);
    const given = await run(device);
    const worst = Array.from(given).reduce(
      (most, value, index) => Math.max(most, Math.abs(value - (expected[index] ?? Number.NaN))),
      0,
    );
    return worst < 1e-4 ? 'ok' : `a small LSTM differs from the CPU's by ${worst}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    setMathMode(math);
    setRandomState(random);
  }
}

function report({ version: own, node, platform, addon, devices: found, parts }: Findings): string[] {
  const lines = [`stmnet ${own}, Node.js ${node}, ${platform}`, `addon: ${addon}`, '', 'Devices'];
  for (const device of found) {
    const facts = [
      device.model,
      device.description,
      device.memory === undefined ? undefined : `${(device.memory / 2 ** 30).toFixed(1)} GiB`,
      device.cudnn && `cuDNN ${device.cudnn}`,
    ];
    lines.push(entry(device.trial === 'ok', device.name, facts.filter(Boolean).join(', ') || 'not available'));
    if (device.limit !== undefined) lines.push(...indented(`no better ones: ${device.limit}`));
    if (device.trial !== undefined && device.trial !== 'ok') lines.push(...indented(device.trial));
  }
  lines.push('', 'What CUDA needs');
  for (const part of parts) {
    lines.push(
      entry(part.found, part.name, part.found ? [part.version, part.path].filter(Boolean).join(', ') : part.problem),
    );
    if (!part.found) lines.push(...indented(`Fix: ${part.fix}.`));
  }
  lines.push('', ...summary(found));
  return lines;
}

/** Where a driver of NVIDIA is to be seen, on Linux and in WSL. */
const DRIVER = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'];

/** What a user is to do, who may have a GPU or not. */
function summary(found: Findings['devices']): string[] {
  const cuda = found.filter(({ name, trial }) => name.startsWith('cuda') && trial === 'ok').map(({ name }) => name);
  if (cuda.length > 0) return [`stmnet computes on the CPU and on ${cuda.join(', ')}.`];
  if (DRIVER.some((file) => existsSync(file)))
    return ['stmnet computes on the CPU. For the GPU here mend what is marked above, from the top.'];
  return [
    'stmnet computes on the CPU. No driver of an NVIDIA GPU was found: without such a GPU nothing is missing, and',
    'what is marked above does not matter. With one, install its driver first, 580 or later, then look here again.',
  ];
}

const entry = (fine: boolean, name: string, text: string): string =>
  `  ${fine ? 'ok ' : 'no '} ${name.padEnd(20)} ${text}`;
const indented = (text: string): string[] => text.split('\n').map((line) => `      ${' '.repeat(20)} ${line.trim()}`);
