import { isPlainObject } from '../../tensor/options';
import { titleText } from '../format';
import { html, type Html } from '../html';
import type { Section } from '../page';
import type { RunData } from '../read-run';

/** The configuration, all that the file has, a list for each of its parts. */
export function configurationSection({ config }: RunData): Section | undefined {
  const { environment: _, ...rest } = config ?? {};
  const entries = Object.entries(rest);
  if (entries.length === 0) return undefined;
  const single = entries.filter(([, value]) => !isPlainObject(value));
  const parts = entries.flatMap(([name, value]) =>
    isPlainObject(value) && flattened(value).length > 0 ? [{ name, value }] : [],
  );
  const content = html`<div class="settings">
    ${
      single.length > 0 ? listOf('General', Object.fromEntries(single)) : undefined
    }${parts.map(({ name, value }) => listOf(titleText(name), value))}
  </div>`;
  return { id: 'configuration', title: 'Configuration', content };
}

/** Where it was trained. */
export function environmentSection({ config }: RunData): Section | undefined {
  const environment = config?.['environment'];
  if (!isPlainObject(environment) || Object.keys(environment).length === 0) return undefined;
  const content = html`<div class="settings">${listOf(undefined, environment)}</div>`;
  return { id: 'environment', title: 'Environment', content };
}

function listOf(title: string | undefined, values: Readonly<Record<string, unknown>>): Html {
  const rows = flattened(values).map(
    ([name, value]) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  return html`<div class="card">
    ${title === undefined ? undefined : html`<h3>${title}</h3>`}
    <dl class="pairs">${rows}</dl>
  </div>`;
}

/** Names and values, those of objects within as `data.columns.text`; of an empty object nothing. */
function flattened(values: Readonly<Record<string, unknown>>, prefix = ''): [string, string][] {
  return Object.entries(values).flatMap(([name, value]): [string, string][] =>
    isPlainObject(value) ? flattened(value, `${prefix}${name}.`) : [[`${prefix}${name}`, valueText(value)]],
  );
}

function valueText(value: unknown): string {
  if (Array.isArray(value))
    return value.every((item) => typeof item !== 'object' || item === null)
      ? value.map(String).join(', ')
      : JSON.stringify(value);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}
