import type { GradientRecord } from '../../training/gradient-record';
import { figure } from '../figure';
import { html, type Html } from '../html';
import type { Section } from '../page';
import type { RunData } from '../read-run';

/** Columns and rows of a heat map that can still be told apart. */
const [MOST_COLUMNS, MOST_ROWS] = [96, 40] as const;

const LEDE = html`<p class="lede">
  How strongly the loss pulls at the weights. Where it hardly does, little is learned; where it does by far too much,
  training goes astray. Colours are on a logarithmic scale.
</p>`;

/** An epoch with what a GradientReport has found in it. */
interface Looked {
  readonly epoch: number;
  readonly gradients: GradientRecord;
}

/** How large gradients are, over the time steps of each recurrent layer, and of each parameter over the epochs. */
export function gradientsSection({ history }: RunData): Section | undefined {
  const looked = history.epochs.flatMap(({ epoch, gradients }) =>
    gradients === undefined ? [] : [{ epoch, gradients }],
  );
  if (looked.length === 0) return undefined;
  const content = html`${LEDE} ${findings(looked)} ${alongTime(looked)} ${ofParameters(looked)}`;
  return { id: 'gradients', title: 'Gradients', content };
}

function findings(looked: readonly Looked[]): Html | undefined {
  const told = looked.flatMap(({ epoch, gradients }) =>
    gradients.findings.map((finding) => html`<li><strong>Epoch ${epoch}</strong> ${finding}</li>`),
  );
  if (told.length === 0) return undefined;
  const earlier = told.length - MOST_ROWS;
  return html`<ul class="card warnings">
    ${earlier > 0 ? html`<li>${earlier} earlier ones are left out.</li>` : undefined}${told.slice(-MOST_ROWS)}
  </ul>`;
}

function alongTime(looked: readonly Looked[]): Html | undefined {
  const layers = namesOf(looked, ({ steps }) => steps).slice(0, MOST_ROWS);
  const longest = Math.max(...looked.flatMap(({ gradients }) => lengthsOf(gradients)), 0);
  if (layers.length === 0 || longest === 0) return undefined;
  const width = Math.ceil(longest / MOST_COLUMNS); // steps of a column
  const count = Math.ceil(longest / width);
  const columns = Array.from({ length: count }, (_, column) => {
    const [first, last] = [column * width + 1, Math.min((column + 1) * width, longest)];
    return first === last ? String(first) : `${first}–${last}`;
  });
  const frames = looked.map(({ epoch, gradients }) => ({
    name: String(epoch),
    values: layers.map((layer) =>
      Array.from({ length: count }, (_, column) =>
        meanOf(gradients.steps[layer]?.slice(column * width, (column + 1) * width) ?? []),
      ),
    ),
  }));
  return figure({
    title: 'Gradient norm at the input of each recurrent layer, over time',
    height: Math.min(110 + 34 * layers.length, 640),
    chart: {
      kind: 'heat',
      columns,
      columnsAre: 'time step',
      rows: layers,
      rowsAre: 'layer',
      value: { name: 'gradient norm', unit: 'number', log: true },
      frames,
      framesAre: 'epoch',
    },
    note: 'Measured at the first batch of an epoch. What fades to the left does not reach the beginning of a sequence.',
  });
}

const lengthsOf = ({ steps }: GradientRecord): number[] => Object.values(steps).map(({ length }) => length);

function ofParameters(looked: readonly Looked[]): Html | undefined {
  const all = namesOf(looked, ({ parameters }) => parameters);
  const names = all.filter((name) => looked.some(({ gradients }) => !Number.isNaN(gradients.parameters[name])));
  if (names.length === 0) return undefined;
  const shown = names.slice(0, MOST_ROWS);
  const chosen = looked.length <= MOST_COLUMNS ? looked : looked.slice(-MOST_COLUMNS);
  const values = shown.map((name) => chosen.map(({ gradients }) => finite(gradients.parameters[name])));
  return figure({
    title: 'Gradient norm of each parameter, over the epochs',
    height: Math.min(110 + 22 * shown.length, 1000),
    chart: {
      kind: 'heat',
      columns: chosen.map(({ epoch }) => String(epoch)),
      columnsAre: 'epoch',
      rows: shown,
      rowsAre: 'parameter',
      value: { name: 'gradient norm', unit: 'number', log: true },
      frames: [{ name: '', values }],
    },
    ...(shown.length < names.length ? { note: `The first ${shown.length} of ${names.length} parameters.` } : {}),
  });
}

const namesOf = (looked: readonly Looked[], part: (record: GradientRecord) => object): string[] => [
  ...new Set(looked.flatMap(({ gradients }) => Object.keys(part(gradients)))),
];

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : finite(values.reduce((sum, value) => sum + value, 0) / values.length);

const finite = (value = Number.NaN): number | null => (Number.isFinite(value) ? value : null);
