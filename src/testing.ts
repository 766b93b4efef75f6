/**
 * `trenchrun/testing`: the second door, for property tests of one's own policies. It has fast-check with it, which the library itself does without.
 */

export { type ClusterOptions as ModelClusterOptions, cluster, containerPorts, pod } from './check/arbitraries/cluster.ts';
export { contested } from './check/arbitraries/contested.ts';
export { ENTITIES, entities } from './check/arbitraries/entities.ts';
export { type FaultOptions, fault, faults } from './check/arbitraries/fault.ts';
export { fqdnSelectors } from './check/arbitraries/fqdn.ts';
export { httpRequest, type RequestShape, requestNear } from './check/arbitraries/http_request.ts';
export { dnsRules, httpRule, sevenRules } from './check/arbitraries/http_rule.ts';
export { addressNear, cidr, cidrSet, ipv4 } from './check/arbitraries/ipv4.ts';
export { label, labels, namespaceLabels, namespaceName } from './check/arbitraries/labels.ts';
export { type PeerOptions, peers } from './check/arbitraries/peers.ts';
export {
  ciliumClusterwideNetworkPolicy,
  ciliumNetworkPolicy,
  ciliumRules,
  element,
  networkPolicy,
  policies,
  policy,
  type RuleOptions,
  rule,
  sections,
} from './check/arbitraries/policy.ts';
export { denyPortProtocol, port, portName, portProtocol, protocol } from './check/arbitraries/port.ts';
export { expression, peerSelector, type Selector, selector, subjectSelector } from './check/arbitraries/selector.ts';
export { neighboursOf, samples, textsNear } from './check/arbitraries/text_near.ts';
export { type ToPortsOptions, toPorts } from './check/arbitraries/to_ports.ts';
export { type Attempt as TrafficAttempt, attempt, type PacketTuple, packet, traffic } from './check/arbitraries/traffic.ts';
export type { K8sObject, LabelMap, ModelCluster, ModelNamespace, ModelPod, ModelPort, ModelService } from './check/model/cluster.ts';
export { type MutantResult, type MutantVerdict, type MutateOptions, type MutateResult, mutateScenario } from './check/mutate/mutate.ts';
export { mutateReport } from './check/mutate/text.ts';
export { type OracleRequest, requestAllowed } from './check/oracle/http.ts';
export type { Judged } from './check/oracle/judge.ts';
export { type Enforcement, Oracle, type OracleFlow } from './check/oracle/oracle.ts';
export type { Direction, OraclePeer, Statement } from './check/oracle/statement.ts';
export { CHECK_FORMATS, github, junit, sarif } from './check/report/machine.ts';
export { checkJsonSchema, parseCheckResults } from './check/report/schema.ts';
export { checkHead, checkReport, checkSummary, propertyLines } from './check/report/text.ts';
export { BLOCK, NoSuchCase } from './check/run/blocks.ts';
export {
  type CheckOptions,
  type CheckPlan,
  type CheckResult,
  type Counterexample,
  checkScenario,
  joinParts,
  type Part,
  type PlannedProperty,
  type PropertyResult,
  passes,
  planOf,
  propertyResultOf,
  resultOf,
  type Slice,
  tryPart,
} from './check/run/check.ts';
export { type CheckCoverageOptions, checkCoverage } from './check/run/coverage.ts';
export { mergeResults } from './check/run/merge.ts';
export {
  type ClusterCommand,
  type ClusterCommandsOptions,
  type ClusterModel,
  clusterCommands,
  clusterSetup,
} from './check/testing/cluster_commands.ts';
export { type MatcherResult, matchers, type PolicyMatchers } from './check/testing/matchers.ts';
export { type Question, type Reachability, reachability } from './check/testing/reachability.ts';
