import type { EvaluationRecord, LabelCount, LengthBin } from '../evaluation-record';
import { figure } from '../figure';
import { html, type Html } from '../html';
import { counted } from '../../tensor/counted';

/** Bars of labels that are shown. */
const MOST = 20;

/** How the labels and the lengths of the examples are spread. */
export function distributions({ labels = [], lengths = [] }: EvaluationRecord): Html | undefined {
  if (labels.length + lengths.length === 0) return undefined;
  return html`<h3 class="part">What it was measured on</h3>
    <div class="grid">
      ${labels.length === 0 ? undefined : labelBars(labels)} ${lengths.length === 0 ? undefined : lengthBars(lengths)}
    </div>`;
}

function labelBars(labels: readonly LabelCount[]): Html {
  const sorted = labels.toSorted((a, b) => b.count - a.count);
  const shown = sorted.slice(0, MOST);
  return figure({
    title: 'Examples of each label',
    aside: counted(sum(labels), 'example'),
    height: Math.max(50 + 24 * shown.length, 160),
    chart: {
      kind: 'bars',
      lying: true,
      names: shown.map(({ label }) => label),
      namesAre: 'label',
      value: { name: 'examples', unit: 'count', fromZero: true },
      values: shown.map(({ count }) => count),
    },
    ...(shown.length < labels.length ? { note: `The ${MOST} most frequent of ${labels.length}.` } : {}),
  });
}

function lengthBars(bins: readonly LengthBin[]): Html {
  return figure({
    title: 'Examples of each length',
    aside: counted(sum(bins), 'example'),
    chart: {
      kind: 'bars',
      lying: false,
      names: bins.map(({ from, to }) => (to - from <= 1 ? String(from) : `${from}–${to - 1}`)),
      namesAre: 'length in time steps',
      value: { name: 'examples', unit: 'count', fromZero: true },
      values: bins.map(({ count }) => count),
    },
  });
}

const sum = (parts: readonly { readonly count: number }[]): number => parts.reduce((all, { count }) => all + count, 0);
