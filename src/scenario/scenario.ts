/** A scenario as plain data: what {@link parseScenario} makes of a file and the runner executes. */
import type { ClusterOptions } from '../cluster/options.ts';
import type { SourcePosition } from './issue.ts';
import type { Expectations } from './schema/expect.ts';
import type { FaultSection } from './schema/fault.ts';
import type { PropertySection } from './schema/properties.ts';
import type { NewRequest, SameConnectionRequest } from './schema/steps.ts';

/** Manifests as text, with the file and the shift of their positions. */
export interface ManifestText {
  /** File for positions. */
  readonly file: string;
  readonly text: string;
  /** Blanks that were taken from the start of every line: positions move right by as many columns. */
  readonly indent: number;
}

/** What a step does. Durations are nanoseconds. */
export type Action =
  | { readonly kind: 'apply'; readonly manifests: readonly ManifestText[]; readonly namespace: string; readonly wait: boolean }
  | {
      readonly kind: 'delete';
      readonly manifests: readonly ManifestText[];
      readonly objects: readonly ObjectName[];
      readonly namespace: string;
      readonly wait: boolean;
    }
  | { readonly kind: 'exec'; readonly pod: string; readonly argv: readonly string[] }
  | { readonly kind: 'request'; readonly request: NewRequest }
  | { readonly kind: 'connection-request'; readonly request: SameConnectionRequest }
  | {
      readonly kind: 'open';
      readonly id: string;
      readonly from: string;
      readonly host: string;
      readonly port: number;
      readonly http2: boolean;
      readonly connectTimeout: number | null;
    }
  | { readonly kind: 'close'; readonly id: string }
  | { readonly kind: 'advance'; readonly by: number }
  | { readonly kind: 'advance-until'; readonly until: number }
  | { readonly kind: 'command'; readonly line: string; readonly node: string | null }
  | { readonly kind: 'hold' | 'release'; readonly what: 'xds'; readonly node: string | null }
  | { readonly kind: 'proxy' | 'agent'; readonly what: 'stop' | 'start' | 'restart'; readonly node: string | null }
  | { readonly kind: 'fault'; readonly fault: FaultSection }
  | { readonly kind: 'stop' | 'start'; readonly pod: string };

/** An object by kind and name. */
export interface ObjectName {
  /** As kubectl accepts it: `cnp`, `pod`. */
  readonly kind: string;
  readonly name: string;
}

/** One step. */
export interface ScenarioStep {
  /** Title, or `null`. */
  readonly name: string | null;
  readonly position: SourcePosition;
  readonly action: Action;
  readonly expect: Expectations | null;
  /** Positions of the expectations by their keys. */
  readonly expectPositions: Readonly<Record<string, SourcePosition>>;
}

/** A property with the place it was written. */
export interface ScenarioProperty {
  readonly position: SourcePosition;
  readonly property: PropertySection;
}

/** A scenario. */
export interface Scenario {
  readonly name: string;
  readonly description: string | null;
  readonly file: string;
  readonly cluster: ClusterOptions;
  /** The cluster that `trenchrun shell` starts. */
  readonly shellCluster: ClusterOptions;
  readonly steps: readonly ScenarioStep[];
  /** What must always hold; running the scenario does not look at it. */
  readonly properties: readonly ScenarioProperty[];
}
