/** Milliseconds between a call of the timer that is watched and the next. */
export const periodMs = 5;

/** A p99 from which on the event loop counts as blocked, in milliseconds. */
export const mostLagMs = 5;

/** Notes by how many milliseconds each call of a periodic timer is late, until `stop` is called. */
export function watchTimer(): { lags: number[]; stop: () => void } {
  const lags: number[] = [];
  let due = performance.now() + periodMs;
  const tick = (): void => {
    const now = performance.now();
    lags.push(Math.max(0, now - due));
    due = now + periodMs;
    timer = setTimeout(tick, periodMs);
  };
  let timer = setTimeout(tick, periodMs);
  return { lags, stop: () => clearTimeout(timer) };
}
