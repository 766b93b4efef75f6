/**
 * The messages of route configurations, field by field.
 * @see envoy:api/envoy/config/route/v3/route_components.proto
 */
import { type Field, listOf, messageType, of } from './proto_json.ts';
import { REDIRECT_CODES } from './route.ts';

/** A list of texts. */
export const STRINGS: Field = { list: 'string' };

const REGEX = messageType('envoy.type.matcher.v3.RegexMatcher', { google_re2: 'opaque', regex: 'string' }, { required: [['regex']] });
const STRING_PATTERNS = ['exact', 'prefix', 'suffix', 'safe_regex', 'contains'];
const STRING_MATCHER = messageType(
  'envoy.type.matcher.v3.StringMatcher',
  { exact: 'string', prefix: 'string', suffix: 'string', contains: 'string', safe_regex: of(REGEX), ignore_case: 'bool' },
  { oneofs: [STRING_PATTERNS], required: [STRING_PATTERNS] },
);
const HEADER_MATCHER = messageType(
  'envoy.config.route.v3.HeaderMatcher',
  {
    name: 'string',
    exact_match: 'string',
    safe_regex_match: of(REGEX),
    range_match: of(messageType('envoy.type.v3.Int64Range', { start: 'int64', end: 'int64' })),
    present_match: 'bool',
    prefix_match: 'string',
    suffix_match: 'string',
    contains_match: 'string',
    string_match: of(STRING_MATCHER),
    invert_match: 'bool',
    treat_missing_header_as_empty: 'bool',
  },
  {
    required: [['name']],
    oneofs: [
      [
        ...['exact_match', 'safe_regex_match', 'range_match', 'present_match'],
        ...['prefix_match', 'suffix_match', 'contains_match', 'string_match'],
      ],
    ],
  },
);
const QUERY_MATCHER = messageType(
  'envoy.config.route.v3.QueryParameterMatcher',
  { name: 'string', string_match: of(STRING_MATCHER), present_match: 'bool' },
  { required: [['name']], oneofs: [['string_match', 'present_match']] },
);
const PATHS = ['prefix', 'path', 'safe_regex', 'path_separated_prefix'];
const ROUTE_MATCH = messageType(
  'envoy.config.route.v3.RouteMatch',
  {
    prefix: 'string',
    path: 'string',
    safe_regex: of(REGEX),
    path_separated_prefix: 'string',
    case_sensitive: 'bool',
    headers: listOf(HEADER_MATCHER),
    query_parameters: listOf(QUERY_MATCHER),
    grpc: of(messageType('envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions', {})),
  },
  { oneofs: [PATHS], required: [PATHS] },
);
const REGEX_REWRITE = messageType(
  'envoy.type.matcher.v3.RegexMatchAndSubstitute',
  { pattern: of(REGEX), substitution: 'string' },
  { required: [['pattern']] },
);
const HEADER_OPTION = messageType(
  'envoy.config.core.v3.HeaderValueOption',
  {
    header: of(messageType('envoy.config.core.v3.HeaderValue', { key: 'string', value: 'string' }, { required: [['key']] })),
    append: 'bool',
  },
  { required: [['header']] },
);
const HEADER_CHANGES: Readonly<Record<string, Field>> = {
  request_headers_to_add: listOf(HEADER_OPTION),
  request_headers_to_remove: STRINGS,
  response_headers_to_add: listOf(HEADER_OPTION),
  response_headers_to_remove: STRINGS,
};
const RETRY_POLICY = messageType('envoy.config.route.v3.RetryPolicy', {
  retry_on: 'string',
  num_retries: 'uint32',
  per_try_timeout: 'duration',
  retriable_status_codes: { list: 'uint32' },
});
const WEIGHTED_CLUSTERS = messageType(
  'envoy.config.route.v3.WeightedCluster',
  {
    clusters: listOf(
      messageType(
        'envoy.config.route.v3.WeightedCluster.ClusterWeight',
        { name: 'string', weight: 'uint32', host_rewrite_literal: 'string', ...HEADER_CHANGES },
        { required: [['name']] },
      ),
    ),
    total_weight: 'uint32',
  },
  { required: [['clusters']] },
);
const CLUSTER_SPECIFIERS = ['cluster', 'weighted_clusters'];
const ROUTE_ACTION = messageType(
  'envoy.config.route.v3.RouteAction',
  {
    cluster: 'string',
    weighted_clusters: of(WEIGHTED_CLUSTERS),
    prefix_rewrite: 'string',
    regex_rewrite: of(REGEX_REWRITE),
    host_rewrite_literal: 'string',
    timeout: 'duration',
    idle_timeout: 'opaque',
    retry_policy: of(RETRY_POLICY),
    max_stream_duration: of(
      messageType('envoy.config.route.v3.RouteAction.MaxStreamDuration', {
        max_stream_duration: 'duration',
        grpc_timeout_header_max: 'duration',
      }),
    ),
  },
  { oneofs: [CLUSTER_SPECIFIERS, ['prefix_rewrite', 'regex_rewrite']], required: [CLUSTER_SPECIFIERS] },
);
const REDIRECT = messageType(
  'envoy.config.route.v3.RedirectAction',
  {
    https_redirect: 'bool',
    scheme_redirect: 'string',
    host_redirect: 'string',
    port_redirect: 'uint32',
    path_redirect: 'string',
    prefix_rewrite: 'string',
    regex_rewrite: of(REGEX_REWRITE),
    response_code: { values: Object.keys(REDIRECT_CODES) },
    strip_query: 'bool',
  },
  {
    oneofs: [
      ['https_redirect', 'scheme_redirect'],
      ['path_redirect', 'prefix_rewrite', 'regex_rewrite'],
    ],
  },
);
const DIRECT_RESPONSE = messageType(
  'envoy.config.route.v3.DirectResponseAction',
  { status: 'uint32', body: of(messageType('envoy.config.core.v3.DataSource', { inline_string: 'string' })) },
  { required: [['status']] },
);
const ACTIONS = ['route', 'redirect', 'direct_response'];
const ROUTE = messageType(
  'envoy.config.route.v3.Route',
  {
    name: 'string',
    match: of(ROUTE_MATCH),
    route: of(ROUTE_ACTION),
    redirect: of(REDIRECT),
    direct_response: of(DIRECT_RESPONSE),
    ...HEADER_CHANGES,
  },
  { oneofs: [ACTIONS], required: [['match'], ACTIONS] },
);
const VIRTUAL_HOST = messageType(
  'envoy.config.route.v3.VirtualHost',
  {
    name: 'string',
    domains: STRINGS,
    routes: listOf(ROUTE),
    require_tls: { values: ['NONE', 'EXTERNAL_ONLY', 'ALL'] },
    retry_policy: of(RETRY_POLICY),
    ...HEADER_CHANGES,
  },
  { required: [['name'], ['domains']] },
);

/** A RouteConfiguration. */
export const ROUTE_CONFIGURATION = messageType('envoy.config.route.v3.RouteConfiguration', {
  name: 'string',
  virtual_hosts: listOf(VIRTUAL_HOST),
  ...HEADER_CHANGES,
});
