/**
 * `/stats`, with `filter=`, `usedonly` and `format=json|prometheus`.
 * @see envoy:source/server/admin/stats_handler.cc#StatsHandler::handlerStats
 * @remarks Not modelled: histograms. A statistic counts as used when it is not 0.
 */
import { RE2JS } from 're2js';
import type { Stat, Stats } from '../stats.ts';

/** The page, or the text of what is wrong with the query. */
export function statsPage(
  stats: Stats,
  query: ReadonlyMap<string, string>,
): { readonly ok: boolean; readonly json: boolean; readonly body: string } {
  const filter = query.get('filter') ?? '';
  let keep = (_stat: Stat): boolean => true;
  if (filter !== '') {
    try {
      const regex = RE2JS.compile(filter);
      keep = (stat) => regex.matcher(stat.name).find();
    } catch (error) {
      return { ok: false, json: false, body: `Invalid re2 regex: "${filter}" ${String((error as Error).message)}\n` };
    }
  }
  const shown = stats.sorted().filter((stat) => keep(stat) && (!query.has('usedonly') || stat.value !== 0));
  switch (query.get('format') ?? '') {
    case '':
      return { ok: true, json: false, body: shown.map((stat) => `${stat.name}: ${stat.value}\n`).join('') };
    case 'json':
      return { ok: true, json: true, body: JSON.stringify({ stats: shown.map(({ name, value }) => ({ name, value })) }) };
    case 'prometheus':
      return { ok: true, json: false, body: prometheus(shown) };
    default:
      return { ok: false, json: false, body: 'usage: /stats?format=json  or /stats?format=prometheus \n\n' };
  }
}

function prometheus(stats: readonly Stat[]): string {
  return stats.map((stat) => `envoy_${stat.name.replace(/[^A-Za-z0-9_]/g, '_')}{} ${stat.value}\n`).join('');
}
