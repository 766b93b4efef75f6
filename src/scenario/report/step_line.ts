/** Steps of the journey as lines: when, who, which function, what. */
import type { Json, Step } from '../../sim/journey.ts';
import { columns, type Line, type Span, span } from './block.ts';

/** Lines for some steps, in columns. `start` is the instant the times count from. */
export function stepLines(steps: readonly Step[], start: number, indent: string, repeats: ReadonlyMap<number, number> = new Map()): Line[] {
  return columns(
    steps.map((step) => [
      span(`+${timeText(step.at - start)}`, 'faint'),
      span(step.actor, 'faint'),
      span(step.fn, 'name'),
      ...what(step, repeats.get(step.seq) ?? 1),
    ]),
    indent,
    3,
  );
}

/** What a step says, without time and place. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'enter':
      return `${step.where}: ${step.what}`;
    case 'lookup':
      return `${step.map}[${jsonText(step.key)}] ${step.entry === null ? 'has no entry' : `= ${jsonText(step.entry)}`}`;
    case 'decide':
      return step.why === '' ? step.verdict : `${step.verdict}: ${step.why}`;
    case 'change':
      return `${step.target}${step.key === undefined ? '' : `[${jsonText(step.key)}]`}: ${changeText(step.before, step.after)}`;
    case 'emit':
      return `emits ${step.event}${Object.keys(step.data).length === 0 ? '' : ` ${jsonText(step.data)}`}`;
    case 'message':
      return `${step.from} -> ${step.to}: ${step.what}`;
  }
}

/** JSON in the short form reports use: no quotes where none are needed; an object's `text` stands for the object. */
export function jsonText(value: Json): string {
  if (Array.isArray(value)) {
    return `[${value.map(jsonText).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const { text } = value as { readonly text?: Json };
    return typeof text === 'string'
      ? text.trim()
      : `{${Object.entries(value)
          .map(([key, one]) => `${key} ${jsonText(one as Json)}`)
          .join(', ')}}`;
  }
  return String(value);
}

/** Milliseconds with three digits behind the point. */
export function timeText(nanos: number): string {
  return nanos >= 1e9 ? `${(nanos / 1e9).toFixed(3)}s` : `${(nanos / 1e6).toFixed(3)}ms`;
}

/** Before and after; of two objects only the members that differ. */
function changeText(before: Json, after: Json): string {
  if (before === null) {
    return `new ${jsonText(after)}`;
  }
  if (after === null) {
    return `gone, was ${jsonText(before)}`;
  }
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => key !== 'text' && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
    );
    return keys.length === 0
      ? 'unchanged'
      : keys.map((key) => `${key} ${jsonText(before[key] ?? null)} -> ${jsonText(after[key] ?? null)}`).join(', ');
  }
  return `${jsonText(before)} -> ${jsonText(after)}`;
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function what(step: Step, count: number): Span[] {
  const times = count > 1 ? [span(`  (${count} times)`, 'faint')] : [];
  if (step.kind !== 'decide') {
    return [span(stepText(step)), ...times];
  }
  return [span(step.verdict, verdictStyle(step.verdict)), ...(step.why === '' ? [] : [span(`  ${step.why}`)]), ...times];
}

function verdictStyle(verdict: string): 'good' | 'bad' | 'verdict' {
  if (/^(?:drop|den(?:y|ied)|reset|reject|refuse)/i.test(verdict)) {
    return 'bad';
  }
  return /^(?:allow|deliver|accept)/i.test(verdict) ? 'good' : 'verdict';
}
