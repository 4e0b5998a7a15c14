/** A signal that asks a process to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/**
 * Stops a server when the process gets one of these signals: `kill`, a supervisor or a container's end send SIGTERM,
 * Ctrl-C sends SIGINT. A second signal ends the process at once, as it would have without this.
 *
 * @param server   that `serve` gave
 * @param signals  default: SIGTERM and SIGINT
 * @returns the signal, once the server has answered what it had accepted and has ended
 */
export function stopOnSignals(
  server: { stop(): Promise<void> },
  signals: readonly StopSignal[] = ['SIGTERM', 'SIGINT'],
): Promise<StopSignal> {
  return new Promise((resolve, reject) => {
    const stop = (signal: StopSignal): void => {
      for (const one of signals) process.removeListener(one, stop);
      server.stop().then(() => resolve(signal), reject);
    };
    for (const one of signals) process.on(one, stop);
  });
}
