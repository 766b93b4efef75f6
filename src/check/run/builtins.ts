/** Safety properties that every cluster wants. */
import type { PropertySection } from '../../scenario/schema/properties.ts';
import { DENY_WINS } from '../properties/builtin.ts';
import { type Prepared, prepare } from './property.ts';
import { meetsPolicy, reach } from './reach.ts';
import type { CheckSubject } from './subject.ts';
import { oracleOf, pathOptionsOf } from './told.ts';

const EVERYTHING = { from: { entity: 'all' }, to: { entity: 'cluster' } } as const;

/** The built-in properties of a subject; none where nothing could break them. */
export function builtins(subject: CheckSubject): Prepared[] {
  return subject.policies.length === 0 ? [] : [denyWins(subject)];
}

/** What a deny speaks of does not get through. Broken in 1.13.3 where an L7 rule names a denied peer. */
function denyWins(subject: CheckSubject): Prepared {
  const section: PropertySection = { name: DENY_WINS.name, never: EVERYTHING };
  const prepared = prepare(section, subject);
  const what = 'reaches the destination against a deny';
  const broken = (result: ReturnType<typeof reach>) => (result.reaches === 'yes' && result.quirk ? { reach: result, what } : null);
  const options = pathOptionsOf(subject);
  const oracle = oracleOf(subject, subject.policies);
  return {
    ...prepared,
    reach: (one) => reach(oracle, one, options),
    forbids: () => false,
    breaks: (one) => (meetsPolicy(one) ? broken(reach(oracle, one, options)) : null),
    breaksWith: (policies, one) => broken(reach(oracleOf(subject, policies), one, options)),
  };
}
