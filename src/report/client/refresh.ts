// While a training runs its page is written again and again, and loads itself anew. The place in the page, and what is
// open, stay: they are kept in the state of the history entry, which a page of a file has, too.

/** What stays over a loading. */
interface Kept {
  readonly scroll: number;
  /** Which `details` are open. */
  readonly open: readonly boolean[];
  readonly paused: boolean;
}

/** Milliseconds between two loadings: a tenth of the age of what is shown, within these. */
const [SHORTEST, LONGEST] = [4_000, 60_000] as const;

/** So long it waits for a reader who is at something that a loading would take away. */
const PATIENCE = 30_000;

const all = (): HTMLDetailsElement[] => [...document.querySelectorAll('details')];

/** Begins to load the page anew, if it is that of a running training. */
export function keepFresh(): void {
  const { running, written } = document.body.dataset;
  if (running === undefined) return;
  const kept = restored();
  const button = document.querySelector('button.pause');
  let paused = kept?.paused ?? false;
  const keep = (): void => {
    const open = all().map((details) => details.open);
    history.replaceState({ scroll: scrollY, open, paused } satisfies Kept, '');
  };
  const show = (): void => button?.setAttribute('aria-pressed', String(paused));
  show();
  button?.addEventListener('click', () => {
    paused = !paused;
    show();
    keep(); // a loading may have begun
  });
  const age = (): number => Math.max(Date.now() - Date.parse(written ?? ''), 0);
  let due = Date.now() + Math.min(Math.max(age() / 10, SHORTEST), LONGEST);
  setInterval(() => {
    tellAge(age());
    const late = Date.now() - due;
    if (!paused && late >= (busy() ? PATIENCE : 0) && document.visibilityState === 'visible') {
      due = Number.POSITIVE_INFINITY;
      keep();
      location.reload();
    }
  }, 1_000);
  tellAge(age());
}

/** Opens and scrolls as before. */
function restored(): Kept | undefined {
  const kept = history.state as Kept | null;
  if (kept === null || !Array.isArray(kept.open)) return undefined;
  history.scrollRestoration = 'manual';
  for (const [index, details] of all().entries()) details.open = kept.open[index] ?? details.open;
  scrollTo({ top: kept.scroll, behavior: 'instant' });
  return kept;
}

/** Whether the reader is at something that a loading would take away: marked text, or a chart under the cursor. */
const busy = (): boolean =>
  getSelection()?.isCollapsed === false ||
  document.querySelector('.plot:hover, .plot:focus-within, .plot:focus') !== null;

function tellAge(milliseconds: number): void {
  const told = document.querySelector('.fresh');
  if (told === null) return;
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.round(seconds / 60);
  told.textContent =
    seconds < 120
      ? `updated ${seconds} s ago`
      : `no news for ${minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`}`;
}
