import type { Chart, Hue } from './charts';
import { html, jsonScript, type Content, type Html } from './html';

/** What stands around a chart. */
export interface FigureParts {
  readonly title: string;
  readonly chart: Chart;
  /** Beside the title, as `best 0.98 in epoch 4`. */
  readonly aside?: string;
  /** What the colours mean. */
  readonly legend?: readonly { readonly name: string; readonly hue: Hue }[];
  /** Below the chart. */
  readonly note?: Content;
  /** Pixels. Default 240. */
  readonly height?: number;
}

/** Pixels up to which a chart grows where the one beside it is higher. */
const MOST_GROWN = 360;

/** A chart with its title, which the program of the page draws. Tab reaches it, and arrow keys move its cursor. */
export function figure({ title, chart, aside, legend = [], note, height = 240 }: FigureParts): Html {
  const key = legend.map(({ name, hue }) => html`<li class="hue-${hue}">${name}</li>`);
  return html`<figure class="card">
    <figcaption>
      <h3>${title}</h3>
      ${aside === undefined ? undefined : html`<span class="aside">${aside}</span>`}${
        legend.length > 1
          ? html`<ul class="legend">
              ${key}
            </ul>`
          : undefined
      }
    </figcaption>
    <div
      class="plot"
      style="height: ${height}px; max-height: ${Math.max(height, MOST_GROWN)}px"
      tabindex="0"
      role="group"
      aria-roledescription="chart"
      aria-label="${title}. Arrow keys move the cursor."
    >
      ${jsonScript(chart)}
    </div>
    ${note === undefined ? undefined : html`<p class="note">${note}</p>`}
  </figure>`;
}
