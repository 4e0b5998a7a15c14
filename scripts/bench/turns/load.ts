import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** Processor seconds so far: of the whole machine, idle ones left out, and of some processes. */
export interface Usage {
  readonly wall: number;
  readonly all: number;
  readonly own: number;
}

/** More processors than this used by others disturb what is measured. */
export const quietLimit = 0.1;

/** The unit of /proc, which is the same for all programs on Linux. */
const ticksPerSecond = 100;

/**
 * What was used of the processors up to now. Time that a hypervisor took away counts as used.
 *
 * @param own  ids of the processes that are measured
 * @returns undefined where there is no /proc
 */
export function usageNow(own: readonly number[]): Usage | undefined {
  if (!existsSync('/proc/stat')) return undefined;
  return {
    wall: performance.now() / 1000,
    all: busyTicks(readFileSync('/proc/stat', 'utf8')) / ticksPerSecond,
    own: own.map(processTicks).reduce((sum, ticks) => sum + ticks, 0) / ticksPerSecond,
  };
}

/**
 * The same of this process and all that it has started and that have ended.
 *
 * @returns undefined where there is no /proc
 */
export function usageWithEnded(): Usage | undefined {
  const usage = usageNow([]);
  if (usage === undefined) return undefined;
  const ticks = processTicksOf(readFileSync('/proc/self/stat', 'utf8'), true);
  return { ...usage, own: ticks / ticksPerSecond };
}

/** Ticks of the first line of /proc/stat that were neither idle nor spent waiting for disks. */
export function busyTicks(stat: string): number {
  const line = /^cpu +(.*)$/m.exec(stat)?.[1] ?? '';
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(' ').map(Number);
  return user + nice + system + irq + softirq + steal;
}

/** Ticks of a process and its threads; 0 if it has ended. */
function processTicks(pid: number): number {
  const file = `/proc/${pid}/stat`;
  try {
    return processTicksOf(readFileSync(file, 'utf8'));
  } catch (error) {
    if (existsSync(file)) throw error;
    return 0;
  }
}

/**
 * Ticks in user and system mode of a line of /proc/PID/stat, whose second field may have blanks in it.
 *
 * @param withEnded  whether those of processes count that it has started and that have ended
 */
export function processTicksOf(stat: string, withEnded = false): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, withEnded ? 15 : 13).reduce((sum, field) => sum + Number(field), 0);
}

/** How many processors others used on average between two moments; 0 if it is not known. */
export function othersBetween(spans: readonly (readonly [Usage | undefined, Usage | undefined])[]): number {
  let [others, wall] = [0, 0];
  for (const [from, to] of spans) {
    if (from === undefined || to === undefined) continue;
    others += Math.max(0, to.all - from.all - (to.own - from.own));
    wall += to.wall - from.wall;
  }
  return wall === 0 ? 0 : others / wall;
}

/** The machine's load average of the last minute. */
export const loadNow = (): number => loadavg()[0] ?? Number.NaN;
