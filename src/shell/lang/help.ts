/** What `help` says. */

/** The text before the list of tools. */
export const HELP = `A shell on a simulated cluster. Type what you would type at a real one.

  kubectl apply -f FILE          files are found from the current folder and beside the scenario or script
  kubectl exec POD -- curl …     programs in pods
  cilium …, hubble …             the agent of the first node; of another: kubectl exec -n kube-system POD -- cilium …
  sleep 30                       lets virtual time pass; nothing else makes you wait
  cilium monitor &               shows events while you go on; kill %1 ends it
  timeout 5 cilium monitor       shows the events of five seconds
  cilium monitor                 while you type commands: until Ctrl-C; in a script: everything seen so far
  explain --from POD --to POD    which identity, key, rule and line decides; --http "PUT /path" asks for a request

The language is that of sh: variables, $(…), quotes, here-documents, pipes, && || ; !, if, for, while, case, functions,
redirections to files in memory, set -e -u -x -o pipefail, exit codes. Before each command the cluster comes to rest, as it does
while a person types; set +o settle lets commands follow each other at once.

Tools:
`;
