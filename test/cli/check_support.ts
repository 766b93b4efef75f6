/** What the tests of `trenchrun check` share: a folder with a scenario that has a hole and one that has none, and the command as it is built. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';

export const TOP = fileURLToPath(new URL('../../', import.meta.url));
/** What is built: threads run nothing else. */
export const MAIN = join(TOP, 'dist/cli/main.js');

/** What a command left. */
export interface Left {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Two pods, and a policy that lets POST through on the paths of an expression; only /v1/land is meant. */
export function ships(path: string): string {
  return `name: ships
steps:
  - apply: |
      {apiVersion: v1, kind: Pod, metadata: {name: tiefighter, labels: {org: empire}}, spec: {containers: [{name: c, image: curl}]}}
      ---
      {apiVersion: v1, kind: Pod, metadata: {name: deathstar, labels: {class: deathstar}}, spec: {containers: [{name: c, image: nginx}]}}
      ---
      apiVersion: cilium.io/v2
      kind: CiliumNetworkPolicy
      metadata: {name: rule1}
      spec:
        endpointSelector: {matchLabels: {class: deathstar}}
        ingress:
          - fromEndpoints: [{matchLabels: {org: empire}}]
            toPorts: [{ports: [{port: "80", protocol: TCP}], rules: {http: [{method: POST, path: "${path}"}]}}]
properties:
  - name: only landing
    only: {from: {pod: tiefighter}, to: {pod: deathstar}, http: [{method: POST, path: /v1/land}]}
`;
}

/** A folder that is there as long as the tests of a file run. */
export interface Folder {
  readonly path: string;
  readonly closed: string;
  readonly holed: string;
  file(name: string, text: string | Buffer): string;
}

export function newFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'trenchrun-check-'));
  afterAll(() => rmSync(path, { recursive: true }));
  const file = (name: string, text: string | Buffer): string => {
    writeFileSync(join(path, name), text);
    return join(path, name);
  };
  return { path, closed: file('closed.yaml', ships('/v1/land')), holed: file('holed.yaml', ships('/v1/.*')), file };
}

/** Runs `trenchrun` with arguments; no fault of a user may end in a stack trace. */
export function trenchrun(args: readonly string[], env: Readonly<Record<string, string>> = {}): Left {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: TOP,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  expect(stderr).not.toMatch(/\n\s+at |node:internal/);
  return { code: status, out: stdout, err: stderr };
}

/** Runs `trenchrun check`. */
export function check(args: readonly string[], env: Readonly<Record<string, string>> = {}): Left {
  return trenchrun(['check', ...args], env);
}
