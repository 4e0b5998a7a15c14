// This package's side of `npm run bench:gpu`, in a process of its own: reads a request a line from stdin, times it,
// prints a line. The first line says what runs here.
//
//   {"case": …, "mode": …, "compiled": …, "steps": n}
//       ->  {"ms": milliseconds of n steps, "fallback": why it is no graph, if so} or {"error": why not}
//   {"release": true}  ->  {}
//
// Argument: the device. It ends after a fault of the device itself: nothing computes in this process any more.
import { createInterface } from 'node:readline';
import { devices, setDefaultDevice, tensor, type MathMode } from 'stmnet';
import type { GpuCase } from './gpu-cases';
import { OwnGpu } from './gpu-own';

interface Request {
  case: GpuCase;
  mode: MathMode;
  compiled: boolean;
  steps: number;
  release?: boolean;
}

const own = new OwnGpu();
const say = (answer: object): boolean => process.stdout.write(`${JSON.stringify(answer)}\n`);

async function usable(): Promise<boolean> {
  try {
    return (await tensor([1, 2]).mul(2).data())[1] === 4;
  } catch {
    return false;
  }
}

async function main(device: string): Promise<void> {
  const listed = devices();
  say({ devices: listed, node: process.version });
  if (!listed.some(({ name, available }) => available && name === (device === 'cuda' ? 'cuda:0' : device))) return;
  setDefaultDevice(device);
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    try {
      if (request.release === true) own.release();
      say(request.release === true ? {} : await own.time(request.case, request.mode, request.compiled, request.steps));
    } catch (error) {
      say({ error: error instanceof Error ? error.message : String(error) });
      if (!(await usable())) process.exit(1);
      own.release();
    }
  }
}

void main(process.argv[2] ?? 'cuda');
