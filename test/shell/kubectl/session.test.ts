import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectGolden } from '../../golden/golden.ts';
import { Session } from './session.ts';

const APP = ['kubectl apply -f app.yaml', 'sleep 3'];

describe('what a terminal shows', () => {
  test.each([
    [
      'first-steps',
      [
        'kubectl get ns',
        'kubectl apply -f app.yaml',
        'kubectl get po',
        'sleep 3',
        'kubectl get po,svc,deploy,rs',
        'kubectl get all -A',
        'kubectl apply -f app.yaml',
        'kubectl apply -f rule1.yaml',
        'kubectl get cnp',
        'kubectl get ciliumendpoints',
        'kubectl exec tiefighter -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing',
        'kubectl exec xwing -- curl -s -m 1 -XPOST deathstar.default.svc.cluster.local/v1/request-landing',
        'kubectl delete -f rule1.yaml',
        'kubectl exec xwing -- curl -s -XPOST deathstar.default.svc.cluster.local/v1/request-landing',
        'kubectl delete -f app.yaml',
        'kubectl get po',
      ],
    ],
    [
      'get-outputs',
      [
        ...APP,
        'kubectl get pods --show-labels',
        'kubectl get po -o name',
        'kubectl get svc,po -o name',
        'kubectl get po xwing tiefighter nosuch',
        'kubectl get po -l class=xwing -o jsonpath={.items[0].metadata.name}',
        'kubectl get po -o jsonpath=\'{range .items[*]}{.metadata.name}{"\\t"}{.status.podIP}{"\\n"}{end}\'',
        'kubectl get po -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image,NODE:.spec.nodeName',
        "kubectl get po -l 'org in (empire),class notin (tiefighter)' --no-headers",
        'kubectl get po --field-selector metadata.name=xwing',
        'kubectl get po --field-selector status.phase!=Running',
        'kubectl get po --sort-by=.metadata.name',
        'kubectl get ep deathstar',
        'kubectl get deploy -o wide',
        'kubectl get svc deathstar -o yaml',
        'kubectl get ds -n kube-system',
        'kubectl get sa -A',
        'kubectl get netpol -A',
        'kubectl get ciliumid --sort-by=.metadata.name',
      ],
    ],
    [
      'labels',
      [
        ...APP,
        'kubectl label pod xwing org=empire',
        'kubectl label pod xwing org=empire --overwrite',
        'kubectl label pod xwing org=empire',
        'kubectl label pod xwing nosuch-',
        'kubectl label pod xwing tier=front squadron=red',
        'kubectl label pod xwing tier-',
        'kubectl label pods -l org=empire fleet=imperial',
        'kubectl label pod xwing --list',
        'kubectl label pod xwing a=b c',
        'kubectl label pod xwing a=b=c',
        "kubectl label pod xwing a='b c'",
        'kubectl label pod xwing',
        'kubectl label pod nosuch a=b',
        'kubectl annotate pod xwing note=hello',
        'kubectl annotate pod xwing note=again',
        'kubectl annotate pod xwing note-',
        'kubectl label ns default team=a',
        'sleep 10',
        'kubectl get pods --show-labels',
        'cilium identity list',
      ],
    ],
    [
      'workloads',
      [
        ...APP,
        'kubectl scale deploy/deathstar --replicas=3',
        'kubectl rollout status deploy/deathstar',
        'kubectl get deploy,rs',
        'kubectl delete pod -l class=deathstar',
        'kubectl get po -l class=deathstar',
        'kubectl scale deployment deathstar --replicas=1',
        'sleep 1',
        'kubectl get deploy deathstar',
        'kubectl rollout restart deploy deathstar',
        'kubectl rollout status deploy deathstar',
        'kubectl get rs',
        'kubectl exec deploy/deathstar -- hostname',
        'kubectl exec svc/deathstar -- true',
        'kubectl exec xwing hostname',
        'kubectl wait --for=condition=ready pod --all --timeout=10s',
        'kubectl wait --for=condition=available deploy/deathstar',
        'kubectl wait --for=delete pod/xwing --timeout=1s',
        'kubectl create deployment web --image=nginx --port=80',
        'kubectl expose deployment web',
        'kubectl get svc web',
        'kubectl run test --rm -it --image=curlimages/curl --restart=Never -- -s web',
        'kubectl run pod1 --image=busybox -l app=x,tier=y',
        'kubectl run pod1 --image=busybox',
        'kubectl get po pod1 --show-labels',
        'kubectl create ns empire',
        'kubectl create ns empire',
        'kubectl -n empire run p --image=busybox',
        'kubectl get po,sa -n empire',
        'kubectl delete ns empire',
        'kubectl get po -n empire',
      ],
    ],
    [
      'errors',
      [
        ...APP,
        'kubectl',
        'kubectl gte po',
        'kubectl edit po xwing',
        'kubectl get',
        'kubectl get pood',
        'kubectl get po --wid',
        'kubectl get po -o xml',
        'kubectl get po -o go-template={{.}}',
        'kubectl get po -l a=b=c',
        'kubectl get po --field-selector spec.x=y',
        'kubectl get po xwing -A',
        'kubectl get po xwing -l a=b',
        'kubectl get po/xwing svc',
        'kubectl get po -o jsonpath={.items',
        'kubectl delete pods',
        'kubectl delete',
        'kubectl delete pod nosuch',
        'kubectl delete pod -l a=none',
        'kubectl apply',
        'kubectl apply -f nosuch.yaml',
        'kubectl create -f app.yaml',
        'kubectl exec nosuch -- true',
        'kubectl exec xwing',
        'kubectl exec xwing -c x -- true',
        'kubectl exec xwing -- nosuch',
        'kubectl exec xwing -- false',
        'kubectl scale deploy deathstar',
        'kubectl scale deploy deathstar --replicas=x',
        'kubectl scale pod xwing --replicas=2',
        'kubectl rollout history deploy/deathstar',
        'kubectl wait pod/xwing --for=nothing',
        'kubectl logs xwing',
        'kubectl logs nosuch',
        'kubectl run x',
        'kubectl create nothing x',
        'kubectl patch pod xwing -p {',
        'kubectl patch svc deathstar -p \'{"spec":{"clusterIP":"10.43.0.99"}}\'',
        'kubectl config use-context x',
      ],
    ],
    [
      'describe',
      [
        ...APP,
        'kubectl apply -f sw_l3_l4_l7_policy.yaml',
        'sleep 1',
        'kubectl describe pod xwing',
        'kubectl describe cnp rule1',
        'kubectl describe svc deathstar',
        'kubectl describe deploy deathstar',
        'kubectl describe rs',
        'kubectl describe ns default',
        'kubectl describe node node1',
        'kubectl describe ep deathstar',
        'kubectl describe pod nosuch',
        'kubectl describe cep xwing',
      ],
    ],
    [
      'about',
      [
        'kubectl version',
        'kubectl api-resources',
        'kubectl api-versions',
        'kubectl cluster-info',
        'kubectl config current-context',
        'kubectl config view',
        'kubectl config get-contexts',
      ],
    ],
  ])('%s', (name, lines) => {
    expectGolden(`shell/kubectl/${name}.txt`, new Session().transcript(lines));
  });
});

describe('manifests', () => {
  const POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: busybox}]}\n';

  test('directories, several files, standard input', () => {
    const files = {
      'd/b.yaml': POD.replace('name: a', 'name: b'),
      'd/a.yml': POD,
      'd/notes.txt': 'x',
      'd/sub/c.json': '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}}',
    };
    const session = new Session(files);
    expect(session.run('kubectl apply -f d').stdout).toBe('pod/a created\npod/b created\n');
    expect(session.run('kubectl apply -R -f d/').stdout).toBe('pod/a unchanged\npod/b unchanged\nnamespace/n created\n');
    expect(session.run('kubectl delete -f d/a.yml -f d/b.yaml').stdout).toBe('pod "a" deleted\npod "b" deleted\n');
    expect(session.run('kubectl apply -f -', POD).stdout).toBe('pod/a created\n');
    expect(session.run('kubectl apply -n n -f -', POD).stdout).toBe('pod/a created\n');
    expect(session.run('kubectl apply -f -')).toMatchObject({ exitCode: 1, stderr: 'error: no objects passed to apply\n' });
  });

  test('apply takes back what the file no longer says, and keeps what others wrote', () => {
    const text = (labels: string): string => POD.replace('{name: a}', `{name: a, labels: {${labels}}}`);
    const session = new Session();
    session.run('kubectl apply -f -', text('x: "1", y: "2"'));
    session.run('kubectl label pod a mine=yes');
    expect(session.run('kubectl apply -f -', text('x: "3"')).stdout).toBe('pod/a configured\n');
    expect(session.run('kubectl get po a -o jsonpath={.metadata.labels}').stdout).toBe('{"mine":"yes","x":"3"}');
    expect(session.run('kubectl apply -f -', text('x: "3"')).stdout).toBe('pod/a unchanged\n');
  });

  test.each([
    ['a: [', 'error: error parsing STDIN: error converting YAML to JSON: yaml: line', 'STDIN:'],
    [POD.replace('spec', 'spek'), 'strict decoding error: unknown field "spek"', 'STDIN:4:1: unknown field "spek"; did you mean spec?'],
    [POD.replace('Pod', 'Pood'), 'no matches for kind "Pood" in version "v1"', 'STDIN:2:1'],
    [POD.replace('kind: Pod\n', ''), 'kind not set', 'STDIN:1:1'],
    [POD.replace('{name: a}', '{name: A_b}'), 'The Pod "A_b" is invalid: metadata.name', 'STDIN:3:12'],
    [
      POD.replace('{name: a}', '{name: a, namespace: nowhere}'),
      'Error from server (NotFound): error when creating "STDIN": namespaces "nowhere" not found',
      '',
    ],
    ['- 1\n', 'invalid object to validate', 'STDIN:1:1'],
  ])('%j is refused with the place', (text, message, place) => {
    const result = new Session().run('kubectl apply -f -', text);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toContain(place);
  });

  test('what may not change does not', () => {
    const session = new Session();
    session.run('kubectl apply -f app.yaml');
    session.run('kubectl apply -f -', POD);
    expect(session.run('kubectl apply -f -', POD.replace('name: c,', 'name: c, command: [sleep],')).stderr).toMatch(
      /^The Pod "a" is invalid: spec: Forbidden: pod updates may not change/,
    );
    expect(session.run('kubectl apply -f -', POD.replace('busybox', 'alpine')).stdout).toBe('pod/a configured\n');
    expect(session.run('kubectl apply -n other -f -', POD.replace('{name: a}', '{name: a, namespace: default}')).stderr).toBe(
      'error: the namespace from the provided object "default" does not match the namespace "other". You must pass \'--namespace=default\' to perform this operation.\n',
    );
  });
});

test('a label changes the identity, after the grace period, and with it the verdict', () => {
  const session = new Session();
  session.transcript([...APP, 'kubectl apply -f rule1.yaml', 'sleep 3']);
  const land = 'kubectl exec xwing -- curl -s -m 1 -XPOST deathstar.default.svc.cluster.local/v1/request-landing';
  expect(session.run(land).exitCode).toBe(28);
  session.run('kubectl label pod xwing org=empire --overwrite');
  expect(session.run(land).exitCode).toBe(28);
  session.run('sleep 10');
  expect(session.run(land)).toMatchObject({ exitCode: 0, stdout: 'Ship landed\n' });
  session.run('kubectl label pod xwing org-');
  session.run('sleep 10');
  expect(session.run(land).exitCode).toBe(28);
});

test('what is deleted gives back its address and its identity', () => {
  const session = new Session();
  session.transcript(APP);
  const used = (): number => session.host.nodes[0]?.status().ipam.used ?? 0;
  const before = used();
  session.transcript(['kubectl run x --image=busybox', 'sleep 2']);
  expect(used()).toBe(before + 1);
  const identities = session.run('kubectl get ciliumid -o name').stdout;
  session.transcript(['kubectl delete pod x', 'sleep 2']);
  expect(used()).toBe(before);
  expect(identities.split('\n').length - session.run('kubectl get ciliumid -o name').stdout.split('\n').length).toBe(1);
  expect(session.run('kubectl get cep x').exitCode).toBe(1);
});

test('any words are a command or an error', () => {
  const session = new Session();
  session.transcript(APP);
  const word = fc.constantFrom(
    ...[
      'get',
      'describe',
      'label',
      'annotate',
      'scale',
      'delete',
      'apply',
      'create',
      'expose',
      'patch',
      'wait',
      'rollout',
      'status',
      'logs',
      'config',
      'view',
      'run',
      'api-resources',
    ],
    ...[
      'po',
      'pods',
      'svc',
      'all',
      'deploy/deathstar',
      'pod/xwing',
      'xwing',
      'cnp',
      'ns',
      'default',
      'a=b',
      'a-',
      '=',
      '/',
      'x/y/z',
      ',',
      'po,svc',
      '-',
      '--',
      '',
      'é',
    ],
    ...[
      '-n',
      'kube-system',
      '-A',
      '-l',
      'org=empire',
      '-o',
      'wide',
      'json',
      'yaml',
      'name',
      'jsonpath={..name}',
      'custom-columns=A:.a',
      '--replicas=1',
      '--image=busybox',
      '--all',
      '--for=delete',
      '--timeout=1s',
      '-p',
      '{"a":1}',
      '-f',
      'app.yaml',
      '--dry-run=client',
      '--sort-by=.metadata.name',
      '--wide',
      '--port=80',
      '-it',
      '--rm',
    ],
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 7 }), (words) => {
      const line = `kubectl ${words.map((one) => `'${one}'`).join(' ')}`;
      const { exitCode, stdout, stderr } = session.run(line);
      expect(Number.isInteger(exitCode)).toBe(true);
      expect(exitCode === 0 || stderr !== '').toBe(true);
      expect(stdout + stderr).not.toMatch(/undefined|\[object|TypeError|^\s+at /m);
    }),
    { numRuns: 400 },
  );
});
