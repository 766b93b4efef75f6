/** Coverage as text, JSON and lcov. */
import { IDENTITY_HOST } from '../../maps/identity.ts';
import { protocolName } from '../../net/protocol.ts';
import { columns, type Line, type Span, span } from '../report/block.ts';
import type { Coverage } from './coverage.ts';

/** Formats of `--coverage`. */
export const COVERAGE_FORMATS = ['text', 'json', 'lcov'] as const;

/** What was exercised, for people: counts, then what was not. Drop reasons and branches that were not seen are counted only. */
export function coverageReport({ elements, entries, drops, branches }: Coverage): Line[] {
  const missed = elements.filter(({ hits }) => hits === 0);
  // What every endpoint has, everything and the host, is no policy's.
  const idle = entries.filter(({ hits, port, identity }) => hits === 0 && !(port === 0 && identity <= IDENTITY_HOST));
  return [
    [span('Coverage', 'title')],
    ...columns(
      [
        share('policy elements', elements),
        share('map entries', entries),
        share('drop reasons', drops),
        share('proxy filter branches', branches),
      ],
      '  ',
    ),
    ...missed.map(
      ({ kind, policy, element, position }): Line => [
        span('  ✗ ', 'bad'),
        span(position === null ? '' : `${position.file}:${position.line}:${position.column} `, 'source'),
        span(`${policy} ${element}`),
        span(kind === 'rule' ? ': nothing was dropped because of it' : ': no request hit it', 'faint'),
      ],
    ),
    ...idle.map(
      ({ endpoint, direction, identity, port, protocol, verdict }): Line => [
        span('  ✗ ', 'bad'),
        span(
          `map of ${endpoint}: ${direction}, identity ${identity}, ${port === 0 ? 'any port' : `${port}/${protocolName(protocol)}`}, ${verdict}`,
        ),
      ],
    ),
    ...[...drops, ...branches]
      .filter(({ hits }) => hits > 0)
      .map(({ name, hits }): Line => [span('  ✓ ', 'good'), span(`${name}: ${hits}`)]),
  ];
}

function share(name: string, list: readonly { readonly hits: number }[]): Span[] {
  const hit = list.filter(({ hits }) => hits > 0).length;
  const percent = list.length === 0 ? 100 : Math.floor((100 * hit) / list.length);
  return [span(name), span(`${hit} of ${list.length}`), span(`${percent} %`, hit === list.length ? 'good' : 'verdict')];
}

/** lcov over the YAML files: a line for each policy element. @see https://github.com/linux-test-project/lcov (man geninfo, tracefile format) */
export function lcov({ elements }: Coverage): string {
  const files = new Map<string, Map<number, number>>();
  for (const { position, hits } of elements) {
    if (position !== null) {
      const lines = files.get(position.file) ?? new Map<number, number>();
      files.set(position.file, lines.set(position.line, (lines.get(position.line) ?? 0) + hits));
    }
  }
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, lines]) => {
      const sorted = [...lines].sort(([a], [b]) => a - b);
      const data = sorted.map(([line, hits]) => `DA:${line},${hits}`);
      const hit = sorted.filter(([, hits]) => hits > 0).length;
      return ['TN:trenchrun', `SF:${file}`, ...data, `LF:${sorted.length}`, `LH:${hit}`, 'end_of_record', ''].join('\n');
    })
    .join('');
}
